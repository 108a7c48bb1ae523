"""Files that old programs write into the words of a mail: `begin 644 name`, uuencoded lines, `end`."""

from __future__ import annotations

import binascii
import re

# A line says its length in its first character; 62 characters is the longest that any program writes.
_FILE = re.compile(
    r"^begin [0-7]{3,4} (?P<name>[^\r\n]{1,255})\r?\n"
    r"(?P<lines>(?:[ -`]{1,80}\r?\n)+?)[ `]?(?:\r?\n)?end[ \t]*\r?$",
    re.MULTILINE,
)


def take_out_files(text: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The words without the files in them, and the files with their names. Never raises."""
    files: list[tuple[str, bytes]] = []

    def take(match: re.Match[str]) -> str:
        data = _decode(match["lines"])
        if data is None:
            return match[0]
        files.append((match["name"].strip(), data))
        return ""

    return (_FILE.sub(take, text) if "\nend" in text else text), files


def _decode(lines: str) -> bytes | None:
    try:
        return b"".join(binascii.a2b_uu(_counted(line)) for line in lines.splitlines() if line)
    except binascii.Error:
        return None


def _counted(line: str) -> str:
    """As many characters as the first one promises: some programs write a checksum behind them."""
    return line[: 1 + -(-((ord(line[0]) - 32) & 63) // 3) * 4]
