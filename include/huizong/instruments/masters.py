"""An instrument's personal files: a workbook and a Word document, whatever kind of form it is."""

from __future__ import annotations

from typing import Protocol

from huizong.instruments.model import Instrument


class Master(Protocol):
    """A file laid out once, rendered for each unit."""

    def render(self, unit_name: str, token: str, form_number: str) -> bytes:
        """One unit's file: the same arguments give the same bytes."""


def masters(instrument: Instrument) -> tuple[Master, Master]:
    """The workbook's master, and the Word document's."""
    if instrument.kind == "list":
        from huizong.instruments.list_word import ListWordMaster
        from huizong.instruments.list_workbook import ListWorkbookMaster

        return ListWorkbookMaster(instrument), ListWordMaster(instrument)
    from huizong.instruments.word_form import WordMaster
    from huizong.instruments.workbook import WorkbookMaster

    return WorkbookMaster(instrument), WordMaster(instrument)
