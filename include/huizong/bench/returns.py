"""A synthetic cycle and its returns: the real form and rules of one cycle, over as many units as asked for.

Everything follows from `SEED`: two runs over as many units judge the same figures.
"""

from __future__ import annotations

import io
import random
import re
import shutil
import zipfile
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from ruamel.yaml import YAML

from huizong.definition.load import load_cycle
from huizong.errors import OperatorError
from huizong.frame.roster import COLUMNS
from huizong.home import Home, find_file
from huizong.instruments.model import Instrument

SOURCE = "xinxiang-2022"  # whose form, rules and letters are measured
CYCLE = "bench"
SEED = 2022
ISSUED = datetime.fromisoformat("2022-05-24T09:00+08:00")
RECEIVED = datetime.fromisoformat("2022-06-10T10:00+08:00")
FILE = "统计表.xlsx"

# Where `build_form_sheet` puts the figures of a personal workbook.
FIRST_ROW = 3
VALUE_COLUMN = "C"
_SHEET = "xl/worksheets/sheet1.xml"


def make_cycle(home: Home, units: int) -> None:
    """Write the cycle's folder into the home: the source's first collection over a roster of its own."""
    source = home.project / "include" / "cycles" / SOURCE
    folder = home.path / "cycles" / CYCLE
    folder.mkdir(parents=True)
    yaml = YAML()
    definition = yaml.load(source / "cycle.yaml")
    definition["code"] = CYCLE
    definition["collections"] = definition["collections"][:1]
    yaml.dump(definition, folder / "cycle.yaml")
    tags = ";".join(load_cycle(source / "cycle.yaml", home).cycle.collections[0].audience.tags)
    lines = [",".join(COLUMNS), *(_roster_line(n, tags) for n in range(1, units + 1))]
    (folder / "roster.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _roster_line(n: int, tags: str) -> str:
    name = f"第{n}县"
    cells = {
        "code": f"U{n:06d}",
        "name": name,
        "full_name": f"{name}科学技术局",
        "relation": "下级",
        "tags": tags,
        "contact": f"{name}联络员",
        "email": f"u{n}@bench.example",
    }
    return ",".join(cells.get(column, "") for column in COLUMNS)


def fill_all(home: Home, instrument: Instrument) -> Path:
    """Fill every unit's issued workbook into `drop/<unit code>/`; the folder comes back."""
    drop = home.path / "drop"
    for n, folder in enumerate(sorted(p for p in home.issued(CYCLE).iterdir() if p.is_dir())):
        template = next(folder.glob("*.xlsx")).read_bytes()
        place = drop / folder.name
        place.mkdir(parents=True)
        (place / FILE).write_bytes(_filled(template, list(_figures(instrument, n))))
    return drop


def _figures(instrument: Instrument, n: int) -> Iterator[Decimal]:
    """Figures to which no rule objects, in the printed order."""
    lots = random.Random(SEED * 1_000_003 + n)  # noqa: S311 (nothing secret)
    base = lots.randint(20, 400)
    for k, item in enumerate(instrument.items):
        whole = Decimal(base + 3 * k)
        if item.code == "activities.ministry_tasks" or item.label_in_group:
            yield Decimal(lots.randint(0, 9))
        elif item.group.endswith("群众参与数量"):
            yield whole * 20
        else:
            yield whole if item.type == "integer" else whole + Decimal(lots.randint(1, 9999)) / 10_000


def _filled(template: bytes, figures: list[Decimal]) -> bytes:
    """The workbook with its empty value cells filled, as text in its XML: no office library takes part."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(template)) as source, zipfile.ZipFile(out, "w") as target:
        for entry in source.infolist():
            part = source.read(entry)
            if entry.filename == _SHEET:
                part = _patched(part.decode(), figures).encode()
            target.writestr(entry, part, zipfile.ZIP_DEFLATED, 1)
    return out.getvalue()


def _patched(xml: str, figures: list[Decimal]) -> str:
    for row, figure in enumerate(figures, start=FIRST_ROW):
        empty = re.compile(rf'<c r="{VALUE_COLUMN}{row}" s="(\d+)" t="n"></c>')
        xml, found = empty.subn(rf'<c r="{VALUE_COLUMN}{row}" s="\1"><v>{figure}</v></c>', xml)
        if found != 1:
            raise OperatorError(f"表样中没有空的单元格 {VALUE_COLUMN}{row}，无法生成测试数据。")
    return xml


def clear(home: Path) -> None:
    """Take the throwaway home away."""
    shutil.rmtree(home, ignore_errors=True)


def suite_of(home: Home, instrument: Instrument) -> Path:
    """The instrument's expectations, as the stages find them."""
    path = find_file(home.expectations, f"{instrument.ref}.json")
    if path is None:
        raise OperatorError(f"缺少审核规则 expectations/{instrument.ref}.json。")
    return path
