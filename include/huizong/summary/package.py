"""Same summary, same bytes: office files stamp themselves with the machine's time, put right here."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime

_STAMP = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*")


def repacked(data: bytes, as_of: datetime) -> bytes:
    """The office file with `as_of` as the time of its properties and of all its members."""
    instant = as_of.astimezone(UTC)
    stamp = instant.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = _STAMP.sub(rb"\g<1>" + stamp, content)
            member = zipfile.ZipInfo(name, instant.timetuple()[:6])
            member.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(member, content)
    return out.getvalue()
