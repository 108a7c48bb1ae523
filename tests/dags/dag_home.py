"""Where the test home is, and a fresh interpreter over it. (A `conftest` must not be imported by name.)"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(__file__).with_name("home")


def run_python(code: str, home: Path = HOME, **variables: str) -> str:
    """Run a script in a fresh interpreter, where nothing has been imported yet; what it printed."""
    environment = {**os.environ, "HUIZONG_HOME": str(home), "HUIZONG_PROJECT": str(home), **variables}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return result.stdout
