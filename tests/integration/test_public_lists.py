"""Public lists: released by the sign-off that is their review; and what units hear of it (jilin-2020)."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from list_files import PROJECTS, filled, project
from sqlalchemy import select

from huizong.ledger.tables import Letter
from huizong.stages.release import approve, open_questions
from huizong_airflow.board.downloads import content, downloads
from office import Office
from office import at as moment

CYCLE, CHANGCHUN, JILIN = "jilin-2020", "220100", "220200"
ISSUED, RECEIVED, FINAL = "2020-07-23T09:00", "2020-07-28T09:00", "2020-09-16T09:00"
LONG = "讲座与实验" + "演示" * 1500


@pytest.fixture
def jilin(tmp_path: Path) -> Office:
    office = Office(tmp_path / "home", cycle=CYCLE)
    office.issue(ISSUED)
    send(office, CHANGCHUN, RECEIVED, project(1, 活动内容=LONG), project(2))
    return office


def send(office: Office, unit: str, at: str, *rows: list[Any]) -> None:
    issued = (office.ctx.home.issued(CYCLE) / unit).glob("*.xlsx")
    blanks = {openpyxl.load_workbook(p).worksheets[0]["A1"].value: p for p in issued}
    blank = next(path for title, path in blanks.items() if PROJECTS.title in title)
    office.drop(unit, {f"{at[:10]}.xlsx": filled(rows, blank.read_bytes())})
    office.receive_folder(at)
    office.validate(at)


def sign(office: Office, question: str = "final", at: str = FINAL) -> dict[str, Any]:
    return approve(office.ctx, CYCLE, question, moment(at), by="处长", basis="签报1号")


def cells(path: Path, first: int = 1) -> list[tuple[Any, ...]]:
    return list(openpyxl.load_workbook(path).worksheets[0].iter_rows(min_row=first, values_only=True))


def public(files: list[str]) -> Path:
    (found,) = (Path(f) for f in files if "重点项目" in f and "公开版" in f)
    return found


def offered(office: Office) -> dict[str, tuple[str, bytes]]:
    """Title → group and bytes of what the board offers of public lists."""
    return {
        d.title: (d.group, content(office.ctx, CYCLE, d.source, d.number)[1])
        for d in downloads(office.ctx, CYCLE)
        if "公开版" in d.name and "重点项目" in d.name
    }


def test_the_final_one_s_sign_off_releases_the_public_list_with_the_same_rows(jilin: Office) -> None:
    made = jilin.assemble(FINAL, "final")
    draft = public(made["files"])
    assert "待审核" in draft.name and LONG in [row[7] for row in cells(draft, 4)]
    (asked,) = (q for q in open_questions(jilin.ctx, CYCLE, moment(FINAL)) if q.question == "final")
    assert draft.name in asked.body and "可对外公布" in asked.body
    assert [(title, group) for title, (group, _) in offered(jilin).items()] == [
        (draft.name, "公开版（审核后方可发布）")
    ]

    done = sign(jilin)
    final = public(done["files"])
    assert final.name.endswith("定稿_公开版.xlsx")
    assert cells(final, 3) == cells(draft, 3)
    assert "审核" in str(cells(draft)) and "审核" not in str(cells(final))
    assert "某甲" not in str(cells(final)) and "0434-5000000" not in str(cells(final))
    assert cells(final)[1][0].startswith("定稿")
    with zipfile.ZipFile(done["package"]["path"]) as archive:
        lists = [name for name in archive.namelist() if "公开版" in name]
        assert final.name in lists and not [name for name in lists if "待审核" in name]
        assert final.name in archive.read("清单.txt").decode("utf-8-sig")
    assert offered(jilin) == {final.name: ("公开版（已审核，可以发布）", final.read_bytes())}

    before = final.read_bytes()
    final.unlink()
    assert sign(jilin) | {"channels": done["channels"]} == done
    assert final.read_bytes() == before
    assert jilin.assemble(FINAL, "final") == made


def test_a_revised_one_waits_for_its_own_review(jilin: Office) -> None:
    jilin.assemble(FINAL, "final")
    first = public(sign(jilin)["files"])
    send(jilin, JILIN, "2020-09-17T09:00", project(5))
    draft = public(jilin.assemble("2020-09-18T09:00", "revised")["files"])
    assert not list(draft.parent.glob("*_公开版.xlsx"))
    assert {group for group, _ in offered(jilin).values()} == {"公开版（审核后方可发布）"}
    second = public(sign(jilin, at="2020-09-18T10:00")["files"])
    assert second.name.endswith("修订稿（第1次）_公开版.xlsx")
    assert (len(cells(first, 4)), len(cells(second, 4))) == (2, 3)


def test_a_unit_hears_how_it_stands_where_there_is_no_form(jilin: Office) -> None:
    jilin.assemble(FINAL, "final")
    sign(jilin)
    sign(jilin, "results")
    with jilin.ctx.ledger.read() as session:
        letters = session.scalars(select(Letter).where(Letter.kind == "result")).all()
    told = {letter.unit: letter.context["letter"]["stands"] for letter in letters}
    assert told[CHANGCHUN] == ["“重点项目与开放单位备案”：已报齐", "“活动总结”：未报"]
    assert told[JILIN] == ["“重点项目与开放单位备案”：未报", "“活动总结”：未报"]
