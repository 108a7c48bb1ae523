"""Programs that read some formats and may or may not be installed: LibreOffice (soffice) and unar."""

from __future__ import annotations

import os
import shutil


def find(program: str) -> str | None:
    """Its path, or None. `HUIZONG_SOFFICE` names a LibreOffice outside the search path."""
    named = os.environ.get("HUIZONG_SOFFICE") if program == "soffice" else None
    return shutil.which(named or program)
