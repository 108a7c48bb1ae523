"""Recognised lines of text become rows in which a form is found, however the page lay."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest
from form_files import FORM, UNIT, VALUES

from huizong.readers.layout.forms import find_forms
from huizong.readers.model import FormReading
from huizong.readers.paper.ocr import Line
from huizong.readers.paper.scanned import UNSURE, grid_of

PITCH, HEIGHT = 60.0, 32.0
LONG = "funding.in_kind"


def line(text: str, left: float, y: float, degrees: float = 0.0, height: float = HEIGHT) -> Line:
    """A line whose box begins at `left` and is centred on `y`, all turned about (0, 0)."""
    width = height * max(1.0, len(text) * (0.55 if text.isascii() else 1.0))
    corners = np.array([[0, -1], [width, -1], [width, 1], [0, 1]], np.float64)
    corners = corners * [1, height / 2] + [left, y]
    angle = math.radians(degrees)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return Line(text, 0.95, (corners @ turn).astype(np.float32))


def scan(degrees: float = 0.0, shown: dict[str, str] | None = None) -> list[Line]:
    """The form as a recogniser sees it: groups in the middle of their rows, one label on two lines."""
    lines = [line(FORM.title, 430, 100, degrees), line(FORM.unit_line + UNIT, 160, 200, degrees)]
    rows: dict[str, list[float]] = {}
    for n, item in enumerate(FORM.items):
        y = 300 + n * PITCH
        rows.setdefault(item.group, []).append(y)
        value = (shown or {}).get(item.code, str(VALUES[item.code]))
        if value:
            lines.append(line(value, 1300 - 9 * len(value), y, degrees))
        left = 460 if item.label_in_group else 610
        if item.code == LONG:
            lines.append(line(item.label[:12], left, y - 15, degrees, 27))
            lines.append(line(item.label[12:], left, y + 15, degrees, 27))
        else:
            lines.append(line(item.label, left, y, degrees))
    for group, ys in rows.items():
        if len(ys) > 1:
            lines.append(line(group, 150, sum(ys) / len(ys), degrees))
    return lines


def read(*pages: list[Line]) -> FormReading:
    [form] = find_forms([grid_of(pages, [FORM]).grid], [FORM])
    return form


@pytest.mark.parametrize("degrees", [0.0, 1.5, -3.0])
def test_every_figure_stands_beside_its_label(degrees: float) -> None:
    form = read(scan(degrees))

    assert {code: item.number for code, item in form.items.items()} == VALUES
    assert (form.missing, form.unknown, form.duplicated) == ((), (), ())
    assert form.unit_text == UNIT
    assert form.title == FORM.title


@pytest.mark.parametrize("stroke", ["一", "—", "-", "－", "ー"])
def test_a_lone_stroke_is_neither_one_nor_nothing(stroke: str) -> None:
    item = read(scan(shown={"staff.other": stroke})).items["staff.other"]

    assert (item.state, item.number, item.raw) == ("text", None, UNSURE)


def test_what_is_written_in_characters_stays_so() -> None:
    items = read(scan(shown={"staff.other": "一百二十", "media.reports": "无", "open.venues": ""})).items

    assert (items["staff.other"].state, items["staff.other"].raw) == ("text", "一百二十")
    assert (items["media.reports"].state, items["media.reports"].number) == ("none", Decimal(0))
    assert items["open.venues"].state == "blank"


def test_two_texts_in_one_place_are_not_chosen_from() -> None:
    item = read([*scan(), line("局", 1300, 310)]).items["activities.held"]

    assert item.number is None
    assert set(item.raw.split()) == {"1", "局"}


def test_cells_say_on_which_page_they_stand() -> None:
    cover = [line("关于报送统计表的函", 400, 300 + n * PITCH) for n in range(3)]
    scanned = grid_of([cover, scan()], [FORM])
    [form] = find_forms([scanned.grid], [FORM])
    cells = [item.cell for item in form.items.values()]

    assert all(cell.startswith("第2页R") for cell in cells)
    assert len(set(cells)) == len(FORM.items)
    assert scanned.scores[cells[0]] == 0.95


def test_no_lines_no_form() -> None:
    assert find_forms([grid_of([[]], [FORM]).grid], [FORM]) == []
