"""The list of papers: each beside its unit's form, and stamped copies of which nothing was recognised."""

from __future__ import annotations

from decimal import Decimal

import pytest
from test_stamped_copies import A, B, file, number_of, picture, shown, workbook

from huizong.readers.model import FileReading
from huizong.stages.keying import papers
from huizong.stages.triage import waiting
from office import CYCLE, Office


@pytest.fixture
def issued(office: Office) -> Office:
    office.issue()
    return office


def test_each_paper_says_whether_it_agrees(issued: Office) -> None:
    number = number_of(issued, A)
    file(issued, A, 10, 统计表=workbook(shown(1)), 旧照片=picture(shown(1, number=number)))
    file(issued, A, 11, 新照片=picture(shown(1, number=number, public__online=Decimal(12))))
    file(issued, B, 11, 盖章扫描件=FileReading(kind="image", disposition="return"))
    found = {row["file"]: row for row in papers(issued.ctx, CYCLE)}
    assert list(found) == ["旧照片", "新照片", "盖章扫描件"]
    assert (found["旧照片"]["agrees"], found["旧照片"]["differs"]) == (True, [])
    assert (found["新照片"]["agrees"], found["新照片"]["differs"]) == (False, ["public.online"])
    blind = found["盖章扫描件"]
    assert (blind["unit"], blind["name"], blind["recognised"]) == (B, "获嘉县", [])
    assert (blind["agrees"], blind["differs"], blind["has_form"]) == (None, [], False)


def test_what_waits_names_the_units_that_its_witnesses_speak_of(issued: Office) -> None:
    file(issued, A, 10, 统计表=workbook(shown(1, number=number_of(issued, B))))
    (row,) = waiting(issued.ctx)["waiting"]
    assert row["names"] == {A: "新乡县", B: "获嘉县"}
