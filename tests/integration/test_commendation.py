"""评选参考: facts for those who decide, shown with how they were worked out; and nothing of it goes out."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from list_files import filled, project
from sqlalchemy import select

from huizong.ledger.editions import Edition
from huizong.ledger.tables import Letter
from huizong.stages.decisions import decide
from huizong.stages.release import approve
from office import Office, at

CHANGCHUN, JILIN, SIPING = "220100", "220200", "220300"
FINAL = "2020-09-20T09:00"
MARK = "内部资料，仅供评选参考，不予通报"


@pytest.fixture(scope="module")
def jilin(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """长春市 in time at once; 吉林市 corrected once and late; 四平市 excused; the others silent."""
    office = Office(tmp_path_factory.mktemp("commendation") / "home", cycle="jilin-2020")
    office.issue("2020-07-23T09:00")
    blanks = {u: list_of(office, u) for u in (CHANGCHUN, JILIN)}
    good = filled([project(1), project(2, 联系人="某乙")], blanks[CHANGCHUN])
    wrong = filled([project(7, 预计参与人数="约200")], blanks[JILIN])
    office.drop(CHANGCHUN, {"重点项目.xlsx": good})
    take(office, "2020-07-28T09:00")
    office.drop(JILIN, {"重点项目.xlsx": wrong})
    take(office, "2020-08-02T09:00")
    office.drop(JILIN, {"重点项目（更正）.xlsx": filled([project(7)], blanks[JILIN])})
    take(office, "2020-08-03T09:00")
    decide(
        office.ctx, "jilin-2020", SIPING, "waive", at("2020-08-03T10:00"), collection="registration",
        by="王处长", reason="机构改革",
    )  # fmt: skip
    return office


def list_of(office: Office, unit: str) -> bytes:
    files = (office.ctx.home.issued("jilin-2020") / unit).glob("*重点项目*.xlsx")
    return next(files).read_bytes()


def take(office: Office, moment: str) -> None:
    office.receive_folder(moment)
    office.validate(moment)


def reference(files: list[str]) -> Path:
    (found,) = (Path(f) for f in files if Path(f).name.startswith("评选参考"))
    return found


def table(path: Path, sheet: str) -> list[dict[str, Any]]:
    heads, *rows = openpyxl.load_workbook(path)[sheet].iter_rows(min_row=4, values_only=True)
    return [dict(zip(map(str, heads), row, strict=True)) for row in rows]


def test_points_stand_with_their_parts_in_the_established_order(jilin: Office) -> None:
    assert not [f for f in jilin.assemble(FINAL, "provisional")["files"] if "评选参考" in f]
    path = reference(jilin.assemble(FINAL, "final")["files"])
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["组织单位", "个人", "说明"]  # of: [units, people]
    assert all(MARK in str(sheet["A2"].value) for sheet in book)
    assert "按时报送+2分，材料报齐+2分，每退回更正一次-1分" in book["组织单位"]["A3"].value

    rows = [r for r in table(path, "组织单位") if r["报送事项"] == "重点项目与开放单位备案"]
    assert [r["单位"] for r in rows][:5] == ["省本级", "长春市", "吉林市", "四平市", "辽源市"]
    told = {r["单位"]: r for r in rows}
    first = told["长春市"]
    assert (first["按时报送"], first["逾期天数"], first["材料报齐"], first["名录行数"]) == (
        "是",
        "0",
        "是",
        "2",
    )
    assert (first["得分"], first["计算"]) == ("4", "2+2+0=4")
    late = told["吉林市"]  # due on 2020-07-31 at 24:00
    assert (late["按时报送"], late["逾期天数"], late["退回更正次数"]) == ("否", "2", "1")
    assert (late["得分"], late["计算"]) == ("1", "0+2-1=1")
    assert (told["四平市"]["报送进度"], told["四平市"]["计算"]) == ("免报", "不计分")
    assert (told["辽源市"]["按时报送"], told["辽源市"]["计算"]) == (None, "0+0+0=0")

    people = [(r["姓名"], r["来源"]) for r in table(path, "个人") if r["单位"] == "长春市"]
    assert people == [
        ("长春市联络员", "名录联系人"),
        ("某甲", "科技活动周重点项目备案表第1行"),
        ("某乙", "科技活动周重点项目备案表第2行"),
    ]


def test_it_goes_neither_up_nor_into_a_letter_nor_into_what_is_published(jilin: Office) -> None:
    done = jilin.assemble(FINAL, "final")
    name, data = reference(done["files"]).name, reference(done["files"]).read_bytes()
    package = approve(jilin.ctx, "jilin-2020", "final", at(FINAL), by="处长", basis="签报1号")["package"]
    approve(jilin.ctx, "jilin-2020", "results", at(FINAL), by="处长", basis="签报2号")
    with zipfile.ZipFile(package["path"]) as archive:
        held = archive.namelist()
        assert len(held) > 3 and not [n for n in held if "评选参考" in n]
        assert "评选参考" not in archive.read("清单.txt").decode("utf-8-sig")
    with jilin.ctx.ledger.read() as session:
        edition = session.scalars(select(Edition).where(Edition.kind == "final")).one()
        letters = session.scalars(select(Letter)).all()
        digest = dict(map(tuple, edition.files))[name]
    assert {"result", "notice"} <= {letter.kind for letter in letters}
    for letter in letters:
        assert digest not in str(letter.attachments)
        assert "评选参考" not in f"{letter.subject}{letter.context}{letter.attachments}"
    for public in (f for f in done["files"] if "公开版" in f):
        assert Path(public).read_bytes() != data
        assert MARK not in str([[c.value for c in r] for s in openpyxl.load_workbook(public) for r in s])


def test_equal_data_is_equal_bytes(jilin: Office) -> None:
    from huizong.stages.commendation import commendation_documents
    from huizong.stages.issued import issued_cycle
    from huizong.stages.merging import merged_lists
    from huizong.stages.standing import standings
    from huizong.summary.model import Edition as Printed

    issued = issued_cycle(jilin.ctx, "jilin-2020")
    with jilin.ctx.ledger.read() as session:
        found = standings(session, issued, at(FINAL))
        lists = {c.code: merged_lists(session, issued, c, [s for s in found if s.collection.code == c.code])
                 for c in issued.collections}  # fmt: skip
    made = [
        commendation_documents(jilin.ctx, issued, found, lists, Printed("final"), at(FINAL)) for _ in range(2)
    ]
    assert made[0] == made[1]
    with zipfile.ZipFile(io.BytesIO(jilin.ctx.store.get(made[0][0][1]))) as archive:
        assert archive.testzip() is None
