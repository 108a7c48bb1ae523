"""Holds what is called a bounce against folders of real bounces and of real other mail.

    cd tests && ../.venv/bin/python -m corpus.bounces DIRECTORY… --except NAME… --normal DIRECTORY…

prints how many of the bounces were told as such, of how many with a report part the class (for good, for now,
goes on trying) is the report's, how many have a recipient and quote the letter's Message-ID, and which of the
normal mails were called bounces. Exits 1 below 98.4 % detected or 97 % of the classes, or at any false alarm.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from huizong.mime.bounces import Bounce, parse_bounce
from huizong.mime.parse import ParsedMail, parse_message

DETECTED, CLASSES = 0.984, 0.97
_FULL = re.compile(rb"^Status:\s*[45]\.2\.2", re.IGNORECASE | re.MULTILINE)
_ACTION = re.compile(rb"^Action:\s*(\w+)", re.IGNORECASE | re.MULTILINE)
_STATUS = re.compile(rb"^Status:\s*([245])\.", re.IGNORECASE | re.MULTILINE)
_SUCCESS = {b"delivered", b"relayed", b"expanded"}


@dataclass
class Report:
    """What became of the mails."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def share(self, part: str, whole: str) -> float:
        return self.counts[part] / self.counts[whole] if self.counts[whole] else 1.0

    @property
    def good(self) -> bool:
        detected, classes = self.share("detected", "bounces"), self.share("right class", "with a report")
        return detected >= DETECTED and classes >= CLASSES and not self.counts["false alarms"]


def read_bounce(path: Path, report: Report) -> None:
    """Hold one bounce against the parser."""
    mail = parse_message(path.read_bytes())
    bounce = parse_bounce(mail)
    told = told_class(mail)
    if bounce is None and told == "success":
        return  # no bounce, though it lies among them
    report.counts.update(["bounces"])
    report.counts.update(["with a report"] if told else [])
    if bounce is None:
        report.faults.append(f"not told as a bounce: {path}")
        return
    report.counts.update(["detected"])
    report.counts.update(["with a recipient"] if bounce.recipient else [])
    report.counts.update(["with a Message-ID"] if bounce.original_message_id else [])
    if told:
        _compare(path, bounce, told, report)


def _compare(path: Path, bounce: Bounce, told: str, report: Report) -> None:
    if bounce.kind == told:
        report.counts.update(["right class"])
    else:
        report.faults.append(f"{bounce.kind} and not {told} ({bounce.status}, {bounce.diagnostic}): {path}")


def told_class(mail: ParsedMail) -> str:
    """What the report part says, read without the parser's help: its first failed block, else its first."""
    data = next((leaf.data for leaf in mail.leaves if leaf.content_type == "message/delivery-status"), b"")
    blocks = [b for b in re.split(rb"\r?\n[ \t]*\r?\n", data) if _STATUS.search(b)]
    if not blocks:
        return ""
    failed = [b for b in blocks if (a := _ACTION.search(b)) and a[1].lower() == b"failed"]
    block = (failed or blocks)[0]
    action = found[1].lower() if (found := _ACTION.search(block)) else b""
    if action in _SUCCESS:
        return "success"
    if action == b"delayed":
        return "delayed"
    status = _STATUS.search(block)
    passing = _FULL.search(block) or (status and status[1] == b"4")
    return "temporary" if passing else "permanent"


def read_normal(path: Path, report: Report) -> None:
    """Hold one mail that is no bounce against the parser."""
    report.counts.update(["normal mails"])
    if parse_bounce(path.read_bytes()) is not None:
        report.counts.update(["false alarms"])
        report.faults.append(f"called a bounce: {path}")


def files(directories: list[Path]) -> Iterator[Path]:
    yield from sorted(p for d in directories for p in d.rglob("*") if p.is_file() and p.suffix != ".py")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="corpus.bounces", description=__doc__.partition("\n")[0])
    parser.add_argument("directories", nargs="*", type=Path, help="folders of bounces, a file a mail")
    parser.add_argument("--normal", nargs="+", type=Path, default=[], help="folders of other mail")
    parser.add_argument(
        "--except", nargs="+", default=[], dest="others", help="file names that are no bounces"
    )
    options = parser.parse_args()
    report = Report()
    for path in files(options.directories):
        (read_normal if path.name in options.others else read_bounce)(path, report)
    for path in files(options.normal):
        read_normal(path, report)
    print("\n".join(f"{count:>6}  {name}" for name, count in report.counts.items()))
    print(f"{report.share('detected', 'bounces'):.1%} detected", end=", ")
    print(f"{report.share('right class', 'with a report'):.1%} of the classes")
    print("\n".join(report.faults))
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
