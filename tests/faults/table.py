"""The fault table: one line a fault, counted from the server's side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

COLUMNS = ("tries", "lost", "doubled", "for a person")


@dataclass
class Count:
    """What came of a fault.

    tries: how often it struck. lost: letters that never arrived and do not say so, mails that are not stored.
    doubled: second copies of a letter that the server took, mails stored twice. for_a_person: letters left in
    a state in which somebody has to decide (unknown, held, refused).
    """

    fault: str
    tries: int = 0
    lost: int = 0
    doubled: int = 0
    for_a_person: int = 0

    def property(self) -> tuple[str, object]:
        """As pytest carries it from a test to the end of the run (also between processes)."""
        return "fault", asdict(self)


def lines(counts: Iterable[Count]) -> Iterator[str]:
    """The table as it is printed."""
    yield f"{'fault':50}" + "".join(f"{name:>14}" for name in COLUMNS)
    for count in counts:
        figures = (count.tries, count.lost, count.doubled, count.for_a_person)
        yield f"{count.fault:50}" + "".join(f"{figure:>14}" for figure in figures)
