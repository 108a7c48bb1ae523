"""The whole corpus: every file with its truth."""

from __future__ import annotations

from pathlib import Path

from corpus import honest, hostile_files, hostile_office, hostile_pages, hostile_zip, office_made
from corpus.cases import Case


def corpus(folder: Path, address: str) -> list[Case]:
    """All cases. `folder` is where LibreOffice works, `address` a listener that nothing may call."""
    whole = [*honest.formats(), *office_made.cases(folder)]
    sources = (
        honest.layouts(),
        honest.spellings(),
        hostile_zip.cases(),
        hostile_office.cases(address),
        hostile_files.cases(),
        hostile_pages.cases(),
        hostile_files.cut(whole),
    )
    return [*whole, *(case for source in sources for case in source)]


def written(cases: list[Case], folder: Path) -> dict[Path, Case]:
    """The cases as files in `folder`, one subfolder a case, so that names may repeat."""
    placed: dict[Path, Case] = {}
    for n, case in enumerate(cases):
        path = folder / f"{n:03}" / case.name
        path.parent.mkdir(parents=True)
        path.write_bytes(case.data)
        placed[path] = case
    return placed
