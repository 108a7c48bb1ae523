"""Whose is it, through the real stages: forged marks, borrowed forms, departments, two bodies of one area."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from huizong.errors import UsageError
from huizong.instruments.form_number import find_form_number
from huizong.instruments.token import TokenKeys
from huizong.intake.relevance import CONTACT_CHANGE
from huizong.ledger.tables import Delivery, Event, File
from huizong.readers.layout.grid import TOKEN_PREFIX
from huizong.stages.triage import assign, release, waiting
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import ADDRESS, STRANGER, answer, inbox, report, sweep
from office import COLLECTION, CYCLE, PROJECT, Office, fill, honest

Form = Callable[[Office], bytes]
BY = {"by": "小李", "reason": "电话核实"}


def form(unit: str, seed: int = 1, *, header: str = "", token: Callable[[Office, str], str] | None = None,
         marks: bool = True) -> Form:  # fmt: skip
    """A unit's filled workbook: under another header, with another token, or without any mark of ours."""

    def make(office: Office) -> bytes:
        book = openpyxl.load_workbook(BytesIO(fill(office.template(unit), honest(seed))))
        for row in book.worksheets[0].iter_rows():
            for cell in row:
                text = str(cell.value or "")
                if text.startswith(TOKEN_PREFIX) and token:
                    cell.value = token(office, text)
                if not marks and (text.startswith(TOKEN_PREFIX) or find_form_number(text)):
                    cell.value = None
                if header and text.startswith("部门/地方"):
                    cell.value = f"部门/地方（盖章）：{header}"
        out = BytesIO()
        (book if marks else _retyped(book)).save(out)
        return out.getvalue()

    return make


def _retyped(book: openpyxl.Workbook) -> openpyxl.Workbook:
    """The cells in a workbook of one's own, without properties and names."""
    new = openpyxl.Workbook()
    for row in book.worksheets[0].iter_rows():
        for cell in row:
            if cell.value is not None:
                new.worksheets[0][cell.coordinate] = cell.value
    return new


def zipped(**members: Form) -> Form:
    def make(office: Office) -> bytes:
        out = BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, member in members.items():
                archive.writestr(f"{name}.xlsx", member(office))
        return out.getvalue()

    return make


def altered(office: Office, token: str) -> str:
    return token.replace("_410704_", "_410711_")


def forged(office: Office, token: str) -> str:
    return TokenKeys((("forger", "x" * 40),)).sign(office.ctx.token_keys.verify(token))


def last_years(office: Office, token: str) -> str:
    keys = office.ctx.token_keys
    return keys.sign(replace(keys.verify(token), cycle="xinxiang-2021"))


def _invoice(_: Office) -> bytes:
    return report()


def _list_of_goods(_: Office) -> bytes:
    book = openpyxl.Workbook()
    book.worksheets[0].append(["品名", "单价", "数量"])
    book.worksheets[0].append(["打印纸", 25, 40])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@dataclass
class Case:
    sender: str
    form: Form
    disposition: str
    unit: str | None = None  # whose version it became, or whose department's it is
    says: tuple[str, ...] = ()
    name: str = "统计表.xlsx"
    text: str = "见附件"
    witnesses: dict[str, Any] = field(default_factory=dict)  # file, sender, content: the units


CASES = {
    "its own form": Case(
        "410702", form("410702"), "return", "410702", text="统计表见附件。另：我区联系人改为赵科长。"
    ),
    "a valid token from a personal address": Case(STRANGER, form("410703", 2), "return", "410703"),
    "an altered token": Case(
        "410704", form("410704", 3, token=altered), "triage", None, ("识别码被改动过", "发件人：凤泉区"),
        witnesses={"file": None, "sender": ["410704"]},
    ),
    "a forged token": Case("410711", form("410711", 4, token=forged), "triage", None, ("不是本单位签发",)),
    "last year's token": Case(
        "410781", form("410781", 5, token=last_years), "triage", None, ("其他统计任务（或上年度）",)
    ),
    "a blank form forwarded by one unit and filled in by another": Case(
        "410782", form("410783", 6, header="辉县市科学技术局"), "triage", None,
        ("识别码：长垣市", "发件人：辉县市", "表头：辉县市"),
        witnesses={"file": "410783", "sender": ["410782"], "content": ["410782"]},
    ),
    "another unit's form": Case(
        "410721", form("410783", 7), "triage", None, ("识别码：长垣市", "发件人：新乡县")
    ),
    "a name that is near several": Case(
        STRANGER, form("410721", 8, header="新乡", marks=False), "triage", None, ("发件地址未登记",)
    ),
    "the city's name on the county's form": Case(
        STRANGER, form("410721", 9, header="新乡市"), "triage", None, ("识别码：新乡县", "表头：市本级"),
        witnesses={"file": "410721", "sender": [], "content": ["410700-self"]},
    ),
    "a former name": Case(
        "410771", form("410771", 10, header="新乡高新区", marks=False), "return", "410771"
    ),
    "a department on the county's form": Case(
        STRANGER, form("410724", 11, header="获嘉县教育局"), "subordinate", "410724", ("获嘉县下属单位",)
    ),
    "a department's form, passed on by the county": Case(
        "410725", form("410725", 12, header="新乡市原阳县文化广电和旅游局", marks=False), "subordinate",
        "410725", ("请由原阳县汇总后统一报送",),
    ),
    "the bureau under a longer name": Case(
        "410773", form("410773", 13, header="平原示范区科学技术和工业信息化局"), "return", "410773"
    ),
    "a stranger's invoice": Case(STRANGER, _invoice, "other", name="发票.docx", text="请付款"),
    "a stranger's list of goods": Case(STRANGER, _list_of_goods, "other", name="报价.xlsx", text="推广"),
    "a mark of secrecy in the name": Case(
        "XX-JYJ", form("XX-JYJ", 14), "restricted", "XX-JYJ", ("请勿通过互联网邮箱",),
        name="机密★1年 统计表.xlsx",
    ),
}  # fmt: skip


def test_the_document_lists_these_cases() -> None:
    text = (PROJECT / "docs/identity.md").read_text(encoding="utf-8").partition("## All together")[2]
    table = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")][2:]
    assert table == [[says, case.disposition] for says, case in CASES.items()]


def files(office: Office) -> dict[str, tuple[File, Delivery]]:
    """Case → its file: a delivery is told by its mail's Message-ID."""
    with office.ctx.ledger.read() as session:
        rows = session.execute(
            select(File, Delivery).join(Delivery, File.delivery_id == Delivery.id).order_by(File.id)
        ).all()
    return {says: (row[0], row[1]) for says, row in zip(CASES, rows, strict=True)}


def test_each_case_is_decided_as_the_document_says(mailing: Office, server: EmbeddedMailServer) -> None:
    for case in CASES.values():
        sender = ADDRESS.get(case.sender, case.sender)
        answer(server, sender, case.text, {case.name: case.form(mailing)})
    answer(server, ADDRESS["XX-WJW"], "我已调离，今后由王科长负责，邮箱更换为 kepu@county.example。")
    sweep(mailing, "2022-06-10T10:00")
    found = files(mailing)
    rows = {row["id"]: row for row in waiting(mailing.ctx)["waiting"]}
    for says, case in CASES.items():
        file, _ = found[says]
        assert file.disposition == case.disposition, says
        assert case.unit is None or file.unit == case.unit, says
        for words in case.says:
            assert words in file.reason, says
        if case.witnesses:
            (heard,) = rows[f"f{file.id}"]["witnesses"]
            assert {key: _units(heard[key]) for key in case.witnesses} == case.witnesses, says
    _nobody_counts_who_should_not(mailing)
    _each_hears_what_concerns_him(mailing, server)
    _a_mark_of_secrecy_stays_unspoken(mailing, server, found, rows)
    assert found["its own form"][1].reason == CONTACT_CHANGE  # taken, and noted
    (change,) = (row for row in rows.values() if row["disposition"] == "contact_change")
    assert change["unit"] == "XX-WJW"
    _triage_settles_them(mailing, found)


def _units(witness: dict[str, Any]) -> Any:
    return witness["unit"] if "unit" in witness else witness["units"]


def _nobody_counts_who_should_not(office: Office) -> None:
    for case in CASES.values():
        if case.unit:
            unit = office.unit(case.unit)
            assert unit["versions"] == (case.disposition == "return")
            if case.disposition != "return":
                assert unit["status"] == "unsettled"
    assert office.unit("410783")["status"] == "unsettled"  # its form is in somebody's hands


def _each_hears_what_concerns_him(office: Office, server: EmbeddedMailServer) -> None:
    strangers = inbox(server, STRANGER)
    assert len(strangers) == 2  # for the form that was taken, and for the department's
    for told in (strangers[0], inbox(server, ADDRESS["410703"])[-1]):
        assert "卫滨区科学技术局｜科技活动周开展情况统计表" in told.text
    assert "请由获嘉县科学技术局汇总后统一报送" in strangers[-1].text
    county = inbox(server, ADDRESS["410724"])
    assert "系你单位下属单位材料，未计入汇总，请由你单位汇总后统一报送" in county[-1].text
    assert "汇总后统一报送" in inbox(server, ADDRESS["410725"])[-1].text
    assert len(inbox(server, ADDRESS["XX-WJW"])) == 1  # a change of contact is nobody's to answer but ours
    assert len(inbox(server, ADDRESS["410704"])) == 1  # what waits for a person is not answered yet


def _a_mark_of_secrecy_stays_unspoken(
    office: Office,
    server: EmbeddedMailServer,
    found: dict[str, tuple[File, Delivery]],
    rows: dict[str, dict[str, Any]],
) -> None:
    file, delivery = found["a mark of secrecy in the name"]
    row = rows[f"f{file.id}"]
    told = inbox(server, ADDRESS["XX-JYJ"])[-1]
    assert "请勿通过互联网邮箱发送涉密文件" in told.text
    assert delivery.disposition == "restricted"
    assert (row["subject"], delivery.subject) == ("", "")
    for text in (str(row), told.text, told.subject, file.name, file.reading or "", str(file.witnesses)):
        assert "1年" not in text
        assert "机密" not in text
    with office.ctx.ledger.read() as session:
        (event,) = session.scalars(select(Event).where(Event.kind == "restricted")).all()
    assert event.unit == "XX-JYJ"


def _triage_settles_them(office: Office, found: dict[str, tuple[File, Delivery]]) -> None:
    secret = f"f{found['a mark of secrecy in the name'][0].id}"
    with pytest.raises(UsageError, match="triage release"):
        assign(office.ctx, secret, "XX-JYJ", COLLECTION, **BY)
    release(office.ctx, secret, **BY)  # somebody looked: it is none
    for says, unit in (
        ("an altered token", "410704"),
        ("another unit's form", "410783"),
        ("a department on the county's form", "410724"),
    ):
        assign(office.ctx, f"f{found[says][0].id}", unit, COLLECTION, **BY)
    office.validate("2022-06-11T10:00")
    for unit in ("410704", "410783", "410724", "XX-JYJ"):
        assert office.unit(unit)["parts"]["statistics"].startswith("accepted"), unit


def second_contact(office: Office, unit: str, address: str) -> None:
    """A second registered address of a unit: contacts may change at any time."""
    target = office.home / "cycles" / CYCLE
    target.mkdir(parents=True)
    for path in (PROJECT / "include/cycles" / CYCLE).iterdir():
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            (target / path.name).write_text(
                text.replace(ADDRESS[unit], f"{ADDRESS[unit]};{address}"), encoding="utf-8"
            )


def test_two_bodies_of_one_area_with_different_figures(mailing: Office, server: EmbeddedMailServer) -> None:
    unit = "410724"
    second_contact(mailing, unit, STRANGER)
    answer(server, ADDRESS[unit], "科技局报送", {"统计表.xlsx": form(unit, 1)(mailing)})
    sweep(mailing, "2022-06-10T10:00")  # takes the roster's contacts over as well
    receipt = inbox(server, ADDRESS[unit])[-1]
    answer(server, STRANGER, "科协报送", {"统计表.xlsx": form(unit, 2)(mailing)})
    sweep(mailing, "2022-06-11T10:00")
    (row,) = waiting(mailing.ctx)["waiting"]
    assert row["disposition"] == "triage"
    assert "获嘉县已由另一地址" in row["reason"]
    assert "第1项 22→23" in row["reason"]
    assert (mailing.unit(unit)["versions"], mailing.unit(unit)["parts"]["statistics"]) == (1, "accepted")
    # The first corrects itself; the second answers what we wrote about those figures: each is the newest.
    answer(server, ADDRESS[unit], "更正", {"统计表.xlsx": form(unit, 3)(mailing)})
    sweep(mailing, "2022-06-12T10:00")
    assert mailing.unit(unit)["versions"] == 2
    answer(server, STRANGER, "两家核对后的数据", {"统计表.xlsx": form(unit, 4)(mailing)}, to=receipt)
    sweep(mailing, "2022-06-13T10:00")
    assert mailing.unit(unit)["versions"] == 3
    assign(mailing.ctx, row["id"], unit, COLLECTION, **BY)
    assert waiting(mailing.ctx)["waiting"] == []


def test_members_of_archives_and_departments_by_folder(office: Office) -> None:
    office.issue()
    both = zipped(甲=form("410702"), 乙=form("410703", 2), 丙=form("410704", 3, token=altered))
    office.drop("410702", {"两区.zip": both(office)})
    office.drop("获嘉县教育局", {"统计表.xlsx": form("410724", 4, header="获嘉县教育局")(office)})
    office.drop("410721", {"内部资料 统计表.xlsx": form("410721", 5)(office)})
    got = office.receive_folder("2022-06-10T10:00")
    assert got["dispositions"] == {"return": 2, "triage": 1, "subordinate": 1, "restricted": 1}
    office.validate("2022-06-10T10:05")
    member = next(r for r in waiting(office.ctx)["waiting"] if r["disposition"] == "triage")
    assert member["file"] == "两区.zip/丙.xlsx"
    assert [office.unit(u)["versions"] for u in ("410702", "410703", "410704", "410724")] == [1, 1, 0, 0]
    assign(office.ctx, member["id"], "410704", COLLECTION, **BY)
    office.validate("2022-06-10T11:00")
    assert office.unit("410704")["parts"]["statistics"] == "accepted"
    # The county sums up: what its department sent is settled by that.
    office.hand_in("410724", honest(6))
    office.receive_folder("2022-06-11T10:00")
    office.validate("2022-06-11T10:05")
    assert {r["disposition"] for r in waiting(office.ctx)["waiting"]} == {"restricted"}
    assert office.unit("410724")["status"] == "partial"
