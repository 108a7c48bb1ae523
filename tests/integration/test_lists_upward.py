"""A merged list goes up: what one office put together is a return to the level above, as it stands."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import openpyxl
from list_files import PROJECTS, filled, project

from office import PROJECT, Office

LOWER, UPPER, CITY = "jilin-2020", "above-2020", "220000"
ISSUED, RECEIVED, FINAL = "2020-07-23T09:00", "2020-07-28T09:00", "2020-08-07T18:00"


def above(home: Path) -> Office:
    """An office above that asks for the same lists, with one unit: the office of the cycle below."""
    folder = home / "cycles" / UPPER
    folder.mkdir(parents=True)
    text = (PROJECT / f"include/cycles/{LOWER}/cycle.yaml").read_text(encoding="utf-8")
    (folder / "cycle.yaml").write_text(text.replace(f"code: {LOWER}", f"code: {UPPER}"), encoding="utf-8")
    head = "code,name,full_name,aliases,parent,relation,tags,contact,email,phone,self\n"
    unit = f"{CITY},吉林省,吉林省科学技术厅,,,下级,area,联络员,jilin@above.example,,\n"
    (folder / "roster.csv").write_text(head + unit, encoding="utf-8")
    return Office(home, cycle=UPPER)


def take(office: Office, moment: str = RECEIVED) -> dict[str, Any]:
    office.receive_folder(moment)
    return office.validate(moment)


def merged(office: Office, *, public: bool = False) -> Path:
    files = [Path(f) for f in office.assemble(FINAL, "final")["files"]]
    (found,) = (f for f in files if "重点项目备案表汇总" in f.name and ("公开版" in f.name) == public)
    return found


def names(path: Path) -> list[tuple[str, str]]:
    """(unit, project) of each row of a merged list."""
    sheet = openpyxl.load_workbook(io.BytesIO(path.read_bytes())).worksheets[0]
    return [(str(r[1].value), str(r[2].value)) for r in sheet.iter_rows(min_row=4)]


def handed_up(tmp_path: Path, *rows: list[Any]) -> tuple[Office, Path]:
    """Two cities report these rows below; the merged list is laid into the upper office's folder."""
    below = Office(tmp_path / "below", cycle=LOWER)
    below.issue(ISSUED)
    for unit, row in zip(("220100", "220200"), rows, strict=True):
        issued = (below.ctx.home.issued(LOWER) / unit).glob("*.xlsx")
        blank = next(f for f in issued if PROJECTS.title in f.name or "重点项目" in f.name).read_bytes()
        below.drop(unit, {"备案表.xlsx": filled([row], blank)})
    assert take(below)["by_status"] == {"accepted": 2}
    upper = above(tmp_path / "upper")
    upper.issue(ISSUED)
    whole = merged(below)
    upper.drop(CITY, {whole.name: whole.read_bytes()})
    return upper, whole


def test_the_merged_list_is_accepted_above_with_its_column_of_units(tmp_path: Path) -> None:
    upper, whole = handed_up(tmp_path, project(1), project(2))
    assert names(whole) == [("长春市", "科普进校园第1场"), ("吉林市", "科普进校园第2场")]
    counts = take(upper)
    assert counts["by_status"] == {"accepted": 1}
    assert counts["findings"] == dict.fromkeys(counts["findings"], 0)
    assert names(merged(upper)) == [("吉林省", "科普进校园第1场"), ("吉林省", "科普进校园第2场")]
    totals = upper.assemble(FINAL, "final")["totals"]["registration"][PROJECTS.ref]
    assert totals == {"project.expected": "300"}


def test_what_was_said_twice_below_is_asked_about_above(tmp_path: Path) -> None:
    upper, _ = handed_up(tmp_path, project(1), project(1))
    counts = take(upper)
    assert counts["by_status"] == {"accepted_with_queries": 1}
    assert counts["findings"]["verify"] == 1
