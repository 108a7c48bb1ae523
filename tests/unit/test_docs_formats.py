"""docs/formats.md and the operator's remarks on files are true: kinds, sentences, limits, keys."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from documents import DOCS, Row, tables, tables_of
from huizong.readers.entry import MATERIAL, NOT_LOOKED, READERS, SET_ASIDE, TOO_DEEP, UNKNOWN
from huizong.readers.model import ItemReading
from huizong.readers.packing.archives import ARCHIVES
from huizong.readers.paper.pages import SCANNED, SIGNED, UNREAD
from huizong.readers.sheets.spreadsheet import HIDDEN_FIGURES, PERHAPS_ERRORS
from huizong.readers.words import office as office_files
from huizong.readers.words.office import check_old_document
from huizong.stages.read import read_files
from office import CYCLE, Office, honest, statistics_form


def _constant(path: str) -> Any:
    """`readers.limits.MAX_ROW`, or `readers.entry.SET_ASIDE.msg`, from the package."""
    names = path.split(".")
    package = next(n for n, name in enumerate(names) if name.isupper() or name[0].isupper())
    found: Any = importlib.import_module(".".join(["huizong", *names[:package]]))
    for name in names[package:]:
        found = found[name] if isinstance(found, Mapping) else getattr(found, name)
    return found


def _formats() -> list[list[Row]]:
    return tables_of("formats.md")


def test_every_kind_is_in_the_table_of_formats() -> None:
    table = {row["kind"]: row for row in _formats()[0]}
    known = {*READERS, *ARCHIVES, *SET_ASIDE, *MATERIAL, "image", "ole", "unknown"}
    assert set(table) == known
    converted = {kind for kind, row in table.items() if row["read with"].startswith("LibreOffice")}
    assert converted == {kind for kind, reader in READERS.items() if reader is check_old_document}


def test_the_sentences_of_the_table_are_those_that_clerks_read() -> None:
    sentences = {row["sentence"]: row for table in _formats()[1:3] for row in table}
    for row in sentences.values():
        assert _constant(row["code"]) == row["the clerk reads"]
    told = {_constant(row["code"]) for row in sentences.values()}
    assert told >= {*SET_ASIDE.values(), UNKNOWN, TOO_DEEP}
    for row in _formats()[0]:
        named = set(
            filter(None, row["where it cannot be read"].replace(", if Excel wrote it", "").split(", "))
        )
        assert named - {"the archive sentences"} <= set(sentences), row["kind"]


def test_the_limits_are_those_of_the_code() -> None:
    sizes = {"s": 1, "MiB": 2**20, "GiB": 2**30}
    for row in _formats()[3]:
        number, _, unit = row["most"].partition(" ")
        assert _constant(row["code"]) == int(number.replace(",", "")) * sizes.get(unit, 1), row["of"]


def test_read_tells_of_each_value_what_the_table_says(tmp_path: Path) -> None:
    filled = tmp_path / "统计表.csv"
    lines = [f"{item.label},{honest()[item.code]}" for item in statistics_form().items]
    filled.write_text("\n".join([statistics_form().title, *lines]), encoding="utf-8")
    (row,) = read_files(Office(tmp_path / "home").ctx, CYCLE, [filled])["files"]
    cells = row["cells"].values()
    assert cells
    assert all(list(cell) == [line["key"] for line in _formats()[4]] for cell in cells)
    says = next(line["what it says"] for line in _formats()[4] if line["key"] == "matched")
    for word in get_args(ItemReading.model_fields["matched"].annotation):
        assert word in says


def test_the_operators_guide_explains_every_remark_on_a_file() -> None:
    (table,) = (t for t in tables(DOCS / "operator.zh-CN.md") if "备注" in t[0])
    remarks = "".join(row["备注"] for row in table)
    told = [
        office_files.MACROS,
        office_files.DDE,
        office_files.LINKS,
        office_files.OBJECTS,
        SIGNED,
        SCANNED,
        UNREAD,
        NOT_LOOKED,
    ]
    told += [HIDDEN_FIGURES.partition("：")[0], PERHAPS_ERRORS.partition("：")[0], "与实际格式", "页数较多"]
    assert [remark for remark in told if remark not in remarks] == []
