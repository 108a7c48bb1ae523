"""Files that attack their reader are refused before anything is allocated, or cost only themselves."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import pytest
from form_files import FORM, VALUES, docx_bytes, member, numbers, repacked, set_aside, xlsx

from huizong.readers import limits
from huizong.readers.entry import read_bytes
from huizong.readers.model import FileReading
from huizong.readers.worker import CRASHED, ReadWorker


@pytest.fixture(scope="module")
def worker() -> Iterator[ReadWorker]:
    with ReadWorker() as one:
        yield one


def read(data: bytes) -> FileReading:
    return read_bytes(data, "来件", [FORM])


def far_cell(ref: str, inner: str = "<v>1</v>") -> bytes:
    data = xlsx()
    name = "xl/worksheets/sheet1.xml"
    row = "".join(c for c in ref if c.isdigit())
    cell = f'<row r="{row}"><c s="0" r="{ref}">{inner}</c></row></sheetData>'
    return repacked(data, {name: member(data, name).replace(b"</sheetData>", cell.encode())})


@pytest.mark.parametrize("ref", ["XFD1048576", "A1048576", "CW30", "A2001"])
def test_a_far_cell_is_refused_before_anything_is_allocated(worker: ReadWorker, ref: str) -> None:
    assert set_aside(worker.read(far_cell(ref), "a.xlsx", [FORM]), limits.FAR_CELL)


def test_a_far_cell_that_the_look_ahead_misses_costs_only_its_file(worker: ReadWorker) -> None:
    """549 GB asked for: the limit ends the child."""
    data = far_cell("XFD1048576").replace(
        b"worksheets/sheet1.xml", b"theme/abcd/sheet1.xml"
    )  # in the directory
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"worksheets/sheet1.xml", b"theme/abcd/sheet1.xml"))
    assert set_aside(worker.read(out.getvalue(), "a.xlsx", [FORM]), CRASHED)
    assert numbers(worker.read(xlsx(), "b.xlsx", [FORM])) == VALUES


def test_a_far_cell_without_value_does_no_harm() -> None:
    assert numbers(read(far_cell("A1048576", ""))) == VALUES
    assert numbers(read(far_cell("CV2000"))) == VALUES


def test_a_far_cell_in_an_old_workbook() -> None:
    import xlwt

    book = xlwt.Workbook()
    book.add_sheet("a").write(65_535, 255, 1)
    out = io.BytesIO()
    book.save(out)
    assert set_aside(read(out.getvalue()), limits.FAR_CELL)


def test_zip_bombs() -> None:
    data = xlsx()
    assert set_aside(read(repacked(data, {"xl/comments1.xml": b" " * 20_000_000})), limits.TOO_LARGE)
    many = {f"xl/worksheets/_rels/{n}.rels": b"x" for n in range(limits.MAX_MEMBERS)}
    assert set_aside(read(repacked(data, many)), limits.TOO_LARGE)


def test_a_member_that_is_larger_than_it_says() -> None:
    data = bytearray(repacked(xlsx(), {"xl/comments1.xml": b" " * 20_000_000}))
    size = (20_000_000).to_bytes(4, "little")
    while (at := data.find(size)) >= 0:
        data[at : at + 4] = (2_000_000).to_bytes(4, "little")
    assert set_aside(read(bytes(data)), limits.DAMAGED)


def test_an_external_entity_is_not_followed() -> None:
    data = docx_bytes()
    xml = member(data, "word/document.xml").decode()
    head, _, rest = xml.partition("?>")
    evil = (
        f'{head}?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>{rest.replace("填表说明", "&x;", 1)}'
    )
    assert "root:" not in read(repacked(data, {"word/document.xml": evil.encode()})).text
