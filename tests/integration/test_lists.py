"""Lists from issue to the merged ones: two of them in one collection (jilin-2020 registration), by folder."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from list_files import INSTITUTIONS, PROJECTS, filled, project, read, saved
from PIL import Image
from sqlalchemy import select

from huizong.errors import UsageError
from huizong.ledger.tables import Delivery, File, Letter, Version
from huizong.outbox.context import ReplyContext, load_context
from huizong.stages.filing import Filing, Leaf
from huizong.stages.issued import issued_cycle
from huizong.stages.keying import key
from huizong.stages.marking import marked_workbooks
from huizong.stages.status import status, trace
from huizong.stages.triage import waiting
from huizong.store import sha256
from office import PROJECT, Office
from office import at as moment

CHANGCHUN, JILIN = "220100", "220200"
ISSUED, RECEIVED, ASSEMBLED = "2020-07-23T09:00", "2020-07-28T09:00", "2020-08-07T18:00"


@pytest.fixture
def jilin(tmp_path: Path) -> Office:
    office = Office(tmp_path / "home", cycle="jilin-2020")
    office.issue(ISSUED)
    return office


def blank(office: Office, unit: str, title: str = PROJECTS.title) -> bytes:
    """The unit's own empty list."""
    files = (office.ctx.home.issued("jilin-2020") / unit).glob("*.xlsx")
    return next(f.read_bytes() for f in files if title in sheet_of(f.read_bytes())["A1"].value)


def sheet_of(data: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]


def institution(name: str, kind: str = "大学") -> list[Any]:
    return [name, kind, "8月24日", "图书馆", "实验室开放", None, 50, "某乙", "0431-80000000"]


def both(office: Office, unit: str, projects: Sequence[Any], institutions: Sequence[Any]) -> bytes:
    """The two lists of a unit as sheets of one workbook."""
    book = openpyxl.load_workbook(io.BytesIO(filled(projects, blank(office, unit))))
    copy = book.create_sheet("开放单位")
    other = filled(institutions, blank(office, unit, INSTITUTIONS.title))
    for row in sheet_of(other).iter_rows():
        for cell in row:
            copy[cell.coordinate].value = cell.value
    return saved(book)


def take(office: Office, at: str = RECEIVED) -> dict[str, Any]:
    office.receive_folder(at)
    return office.validate(at)


def standing(office: Office, unit: str, at: str = ASSEMBLED) -> tuple[str, dict[str, str]]:
    units = status(office.ctx, "jilin-2020", moment(at))["units"]
    found = next(u for u in units if (u["code"], u["collection"]) == (unit, "registration"))
    return found["status"], found["parts"]


def reply(office: Office, unit: str) -> ReplyContext:
    """The newest answer to a unit, as its facts."""
    with office.ctx.ledger.read() as session:
        query = select(Letter).where(Letter.unit == unit, Letter.key.startswith("reply:"))
        letter = session.scalars(query.order_by(Letter.id.desc())).first()
    assert letter is not None
    told = letter.context.get("letter", letter.context)
    context = load_context(json.dumps({k: v for k, v in told.items() if k != "marked"}))
    assert isinstance(context, ReplyContext)
    return context


def rows(path: str) -> list[list[Any]]:
    """The rows of a merged list below its head."""
    return [[cell.value for cell in row] for row in sheet_of(Path(path).read_bytes()).iter_rows(min_row=4)]


def waits(office: Office) -> list[str]:
    return [row["reason"] for row in waiting(office.ctx)["waiting"]]


def test_two_lists_from_two_units_are_merged_and_the_public_one_names_no_contact(jilin: Office) -> None:
    unlike = project(2, 项目名称="天文观测", 预计参与人数=None, 联系电话="见附件")
    twice = [project(1), project(1)]
    jilin.drop(CHANGCHUN, {"两张表.xlsx": both(jilin, CHANGCHUN, [project(1)], [institution("某大学")])})
    jilin.drop(JILIN, {"重点项目.xlsx": filled([*twice, unlike], blank(jilin, JILIN))})
    counts = take(jilin)
    assert counts["by_status"] == {"accepted": 2, "rejected": 1}
    assert standing(jilin, CHANGCHUN) == (
        "complete",
        {"key_projects": "accepted", "open_institutions": "accepted"},
    )
    assert reply(jilin, CHANGCHUN).missing_parts == ()
    assert {file.part_title for file in reply(jilin, CHANGCHUN).taken} == {
        "科技活动周重点项目备案表",
        "参与开放活动的科研机构和大学备案表",
    }

    (found,) = reply(jilin, JILIN).findings
    assert found.form_title == "科技活动周重点项目备案表"
    told = {line.subject: (line.message, line.place) for line in found.lines}
    assert told["预计参与人数"][0].startswith("第3行“预计参与人数”未填")
    assert told["联系电话"][0].startswith("第3行“联系电话”不像电话号码（见附件）")
    assert told["联系电话"][1] == "备案表 J6"
    assert any(message.startswith("第1行与第2行的项目名称、主办单位相同") for message, _ in told.values())
    assert not any("项" in subject and subject.startswith("第") for subject in told)

    jilin.drop(JILIN, {"重点项目（更正）.xlsx": filled([project(1), project(7)], blank(jilin, JILIN))})
    take(jilin, "2020-07-29T09:00")
    done = jilin.assemble(ASSEMBLED)
    assert done["totals"]["registration"] == {
        PROJECTS.ref: {"project.expected": "900"},
        INSTITUTIONS.ref: {"open.capacity": "50"},
    }
    path, public = (f for f in done["files"] if "重点项目备案表汇总" in f)
    merged = rows(path)
    assert [(row[1], row[2]) for row in merged] == [
        ("长春市", "科普进校园第1场"),
        ("吉林市", "科普进校园第1场"),
        ("吉林市", "科普进校园第7场"),
    ]
    assert "与第1行（长春市）相同" in merged[1][-1]
    shown = str(rows(public))
    assert "0434-5000000" not in shown
    assert "某甲" not in shown
    assert "科普进校园第7场" in shown

    sources = trace(jilin.ctx, "jilin-2020", "project.expected")
    assert sources["total"] == "900"
    assert [(s["unit"], s["value"], s["cell"]) for s in sources["sources"]] == [
        (CHANGCHUN, "100", "H4"),
        (JILIN, "100", "H4"),
        (JILIN, "700", "H5"),
    ]


def test_a_required_list_that_did_not_come_is_named_and_an_untouched_one_says_nothing(jilin: Office) -> None:
    opening = filled([institution("某大学")], blank(jilin, CHANGCHUN, INSTITUTIONS.title))
    jilin.drop(CHANGCHUN, {"开放单位.xlsx": opening, "重点项目.xlsx": blank(jilin, CHANGCHUN)})
    jilin.drop(JILIN, {"两张表.xlsx": both(jilin, JILIN, [project(1)], [])})
    take(jilin)
    assert standing(jilin, CHANGCHUN)[0] == "partial"
    assert [part.title for part in reply(jilin, CHANGCHUN).missing_parts] == ["科技活动周重点项目备案表"]
    assert standing(jilin, JILIN) == (
        "complete",
        {"key_projects": "accepted", "open_institutions": "missing"},
    )


def test_a_reason_typed_into_the_marked_workbook_settles_a_lists_finding(jilin: Office) -> None:
    odd = [project(1, 联系电话="同上"), project(2)]
    opening = [institution("某大学"), institution("某公司", "企业")]
    jilin.drop(CHANGCHUN, {"两张表.xlsx": both(jilin, CHANGCHUN, odd, opening)})
    take(jilin)
    assert standing(jilin, CHANGCHUN)[0] == "in_query"
    with jilin.ctx.ledger.read() as session:
        ids = list(session.scalars(select(Version.id)))
    cycles = {"jilin-2020": issued_cycle(jilin.ctx, "jilin-2020")}
    (marked,) = marked_workbooks(jilin.ctx, ids, cycles)
    book = openpyxl.load_workbook(io.BytesIO(marked.data))
    assert (book["备案表"]["J4"].comment is not None, book["开放单位"]["C5"].comment is not None) == (
        True,
        True,
    )
    for line in (5, 6):
        book["审核意见"].cell(line, 7).value = "已与该单位核实，情况属实"
    jilin.drop(CHANGCHUN, {"两张表（审核意见）.xlsx": saved(book)})
    take(jilin, "2020-07-29T09:00")
    assert standing(jilin, CHANGCHUN) == (
        "complete",
        {"key_projects": "accepted", "open_institutions": "accepted"},
    )
    assert reply(jilin, CHANGCHUN).explained


def test_the_same_list_twice_in_one_delivery_is_one_and_differing_ones_wait(jilin: Office) -> None:
    form = blank(jilin, CHANGCHUN)
    jilin.drop(CHANGCHUN, {"甲.xlsx": filled([project(1)], form), "乙.xlsx": filled([project(1), []], form)})
    other = blank(jilin, JILIN)
    jilin.drop(JILIN, {"甲.xlsx": filled([project(1)], other), "乙.xlsx": filled([project(2)], other)})
    take(jilin)
    assert standing(jilin, CHANGCHUN)[0] == "complete"
    assert standing(jilin, JILIN)[0] == "unsettled"
    (reason, _) = waits(jilin)
    assert "请核对以哪一份为准：1/1行，不同的有" in reason
    assert "科普进校园第2场" in reason


def mailed(office: Office, sender: str, data: bytes) -> tuple[str, str]:
    """Disposition and reason of a list that came by mail from an address."""
    with office.ctx.ledger.write() as session:
        now = office.ctx.clock.now()
        delivery = Delivery(
            channel="mailbox-jilin", kind="mail", sender=sender, subject="", received_at=moment(RECEIVED),
            stored_at=now, processed_at=now,
        )  # fmt: skip
        session.add(delivery)
        session.flush()
        leaf, reading = Leaf("备案表.xlsx", sha256(data), data), read(data)
        filing = Filing(office.ctx, session, delivery, None, [issued_cycle(office.ctx, "jilin-2020")])
        filing.file([leaf], {leaf.digest: reading})
        found = session.scalars(select(File).where(File.delivery_id == delivery.id)).one()
        return found.disposition, found.reason


def test_a_second_address_does_not_replace_another_ones_list(jilin: Office) -> None:
    form = blank(jilin, CHANGCHUN)
    assert mailed(jilin, "keji@changchun.example", filled([project(1), project(2)], form))[0] == "return"
    same = filled([project(2), project(1)], form)
    assert mailed(jilin, "kexie@changchun.example", same)[0] == "return"
    what, why = mailed(jilin, "xuehui@changchun.example", filled([project(1)], form))
    assert what == "triage"
    assert "两份数据不一致：2/1行，不同的有科普进校园第2场。请核对以哪份为准" in why


def test_lists_that_add_up_a_row_sent_again_replaces_the_older_one(tmp_path: Path) -> None:
    office = Office(tmp_path / "home", cycle="jilin-2020")
    folder = office.ctx.home.path / "cycles/jilin-2020"
    shutil.copytree(PROJECT / "include/cycles/jilin-2020", folder)
    text = (folder / "cycle.yaml").read_text(encoding="utf-8")
    text = text.replace("instrument: key-projects@2020}", "instrument: key-projects@2020, keeps: append}")
    (folder / "cycle.yaml").write_text(text, encoding="utf-8")
    office.issue(ISSUED)
    form = blank(office, CHANGCHUN)
    first = filled([project(1), project(2, 预计参与人数="约二百")], form)
    office.drop(CHANGCHUN, {"一.xlsx": first, "又一份.xlsx": filled([project(4)], form)})
    assert take(office)["by_status"] == {"accepted": 1, "rejected": 1}
    office.drop(
        CHANGCHUN, {"二.xlsx": filled([project(1), project(2), project(3)], form), "再一份.xlsx": first}
    )
    assert take(office, "2020-07-29T09:00")["by_status"] == {"accepted": 2, "superseded": 1}
    office.drop(CHANGCHUN, {"三.xlsx": filled([project(2, 预计参与人数=250)], form)})
    take(office, "2020-07-30T09:00")
    assert standing(office, CHANGCHUN)[0] == "complete"
    done = office.assemble(ASSEMBLED)
    merged = rows(next(f for f in done["files"] if "重点项目备案表汇总" in f))
    assert sorted((row[2], row[8]) for row in merged) == [
        ("科普进校园第1场", 100),
        ("科普进校园第2场", 250),
        ("科普进校园第3场", 300),
        ("科普进校园第4场", 400),
    ]
    assert done["totals"]["registration"][PROJECTS.ref] == {"project.expected": "1050"}
    assert trace(office.ctx, "jilin-2020", "project.expected")["total"] == "1050"


def test_a_list_is_never_keyed_from_paper(jilin: Office) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (900, 600), "white").save(picture, "JPEG")
    jilin.drop(CHANGCHUN, {"重点项目备案表.jpg": picture.getvalue()})
    jilin.receive_folder(RECEIVED)
    with jilin.ctx.ledger.read() as session:
        number = session.scalars(select(File.id)).one()
    with pytest.raises(UsageError, match="备案表不能据纸质件录入，请单位报送电子表"):
        key(jilin.ctx, f"f{number}", by="张三", values={}, unit=CHANGCHUN, collection="registration")
