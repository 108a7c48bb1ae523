"""The fault table of the documents has the rows that `make faults` prints."""

from __future__ import annotations

import re

from documents import DOCS
from office import PROJECT


def test_every_fault_that_is_tried_stands_in_the_table_and_no_other() -> None:
    text = (DOCS / "reliability.md").read_text("utf-8").partition("## The fault table")[2]
    printed = re.findall(r"^(\S.{49}) +\d+ +0 +0 +\d+$", text, re.MULTILINE)
    sources = [path.read_text("utf-8") for path in sorted((PROJECT / "tests/faults").glob("test_*.py"))]
    named = r'counted\("([^"]+)"\)|\("((?:SMTP|IMAP): [^"]+)",|[\[ ]"(IMAP: server rebuilt[^"]*)"'
    tried = {next(filter(None, found)) for source in sources for found in re.findall(named, source)}
    assert {row.strip() for row in printed} == tried
