"""Several files of one delivery: which of them counts, what the unit is asked, what a person may say."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from docx import Document
from sqlalchemy import select

from huizong.errors import UsageError
from huizong.instruments.form_number import find_form_number
from huizong.ledger.tables import File, FindingRow
from huizong.readers.layout.grid import TOKEN_PREFIX
from huizong.stages.triage import assign, close, release, waiting
from office import COLLECTION, Office, fill, honest

A, B = "410721", "410724"
BY = {"by": "小李", "reason": "电话核实"}
ONE_FORM = "来件中有两份数据不一致的表，请只保留一份后重新发送。"


@pytest.fixture
def issued(office: Office) -> Office:
    office.issue()
    return office


def form(office: Office, unit: str, seed: int, **changed: Any) -> bytes:
    values: dict[str, Any] = {**honest(seed)}
    return fill(office.template(unit), values | {k.replace("__", "."): v for k, v in changed.items()})


def changed(data: bytes, change: Callable[[openpyxl.Workbook], None]) -> bytes:
    book = openpyxl.load_workbook(BytesIO(data))
    change(book)
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def unmarked(data: bytes, old: str, new: str) -> bytes:
    """The cells in a workbook of one's own, without our marks and with another text in one of them."""
    book, own = openpyxl.load_workbook(BytesIO(data)), openpyxl.Workbook()
    for cell in (cell for row in book.worksheets[0].iter_rows() for cell in row):
        text = str(cell.value or "")
        if cell.value is not None and not text.startswith(TOKEN_PREFIX) and not find_form_number(text):
            own.worksheets[0][cell.coordinate] = new if text.startswith(old) else cell.value
    out = BytesIO()
    own.save(out)
    return out.getvalue()


def list_of_events() -> bytes:
    book = openpyxl.Workbook()
    book.worksheets[0].append(["活动名称", "时间", "地点"])
    book.worksheets[0].append(["开放日", "5月22日", "科技馆"])
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def words(text: str) -> bytes:
    document = Document()
    document.add_paragraph(text)
    out = BytesIO()
    document.save(out)
    return out.getvalue()


def received(office: Office, unit: str, day: int, files: dict[str, bytes]) -> dict[str, File]:
    """What became of a drop, by name, checked."""
    office.drop(unit, files)
    office.receive_folder(f"2022-06-{day}T10:00")
    office.validate(f"2022-06-{day}T11:00")
    with office.ctx.ledger.read() as session:
        return {f.name: f for f in session.scalars(select(File)) if f.name in files}


def test_two_files_that_differ_wait_whatever_their_order(issued: Office) -> None:
    names = ["统计表(最终版).xlsx", "统计表.xlsx"]
    for unit, order in ((A, names), (B, names[::-1])):
        first, second = form(issued, unit, 1), form(issued, unit, 1, activities__held=88)
        files = received(issued, unit, 10, dict(zip(order, (first, second), strict=True)))
        assert {f.disposition for f in files.values() if f.unit == unit} == {"triage"}
        assert (issued.unit(unit)["versions"], issued.unit(unit)["status"]) == (0, "unsettled")
    rows = [row for row in waiting(issued.ctx)["waiting"] if row["unit"] == A]
    assert len(rows) == 2
    for row in rows:
        assert row["reason"].startswith("来件中有两份数据不一致的表（")
        assert all(name in row["reason"] for name in names)
        assert "请核对以哪一份为准：第" in row["reason"]
        assert "88" in row["reason"]
    assert all(f.witnesses["ask"] == ONE_FORM for f in files.values())
    # One good form later settles them for A; of B's a person takes one and closes the other.
    received(issued, A, 11, {"统计表（核对后）.xlsx": form(issued, A, 1)})
    assert (issued.unit(A)["versions"], issued.unit(A)["status"]) == (1, "partial")
    assert [row["unit"] for row in waiting(issued.ctx)["waiting"]] == [B, B]
    one, other = waiting(issued.ctx)["waiting"]
    assign(issued.ctx, one["id"], B, COLLECTION, **BY)
    close(issued.ctx, other["id"], **BY)
    issued.validate("2022-06-12T10:00")
    assert issued.unit(B)["parts"]["statistics"] == "accepted"
    assert issued.unit(B)["status"] == "partial"


def test_a_report_alone_does_not_settle_figures_that_differ(issued: Office) -> None:
    received(issued, A, 10, {"a.xlsx": form(issued, A, 1), "b.xlsx": form(issued, A, 2)})
    received(issued, A, 11, {"总结.docx": words("本单位组织开展了科普讲座、开放日等活动。" * 10)})
    assert issued.unit(A)["parts"]["report"] == "accepted"
    assert issued.unit(A)["status"] == "unsettled"
    assert len(waiting(issued.ctx)["waiting"]) == 2


def test_the_same_figures_in_two_files_count_once(issued: Office) -> None:
    first = form(issued, A, 1)
    second = changed(first, lambda book: setattr(book.worksheets[0], "title", "最终"))
    files = received(issued, A, 10, {"a.xlsx": first, "b.xlsx": second})
    assert {f.disposition for f in files.values()} == {"return", "duplicate"}
    (twice,) = (f for f in files.values() if f.disposition == "duplicate")
    assert twice.reason == "与同一来件中另一份表数据相同，不重复登记"
    assert issued.unit(A)["versions"] == 1
    assert waiting(issued.ctx)["waiting"] == []


def test_last_years_form_is_asked_for_anew_and_settled_by_this_years(issued: Office) -> None:
    old = unmarked(form(issued, A, 1), "2022年全国", "2021年全国科技活动周开展情况统计表")
    (file,) = received(issued, A, 10, {"统计表.xlsx": old}).values()
    assert (file.disposition, file.unit) == ("triage", A)
    assert file.witnesses["ask"] == "所报为2021年表样，请使用本次通知所附表样填报。"
    assert issued.unit(A)["status"] == "unsettled"
    received(issued, A, 11, {"2022统计表.xlsx": form(issued, A, 2)})
    assert issued.unit(A)["status"] == "partial"
    assert waiting(issued.ctx)["waiting"] == []


def test_a_workbook_without_the_form_is_none_beside_one(issued: Office) -> None:
    files = received(issued, A, 10, {"活动台账.xlsx": list_of_events(), "统计表.xlsx": form(issued, A, 1)})
    beside = files["活动台账.xlsx"]
    assert (beside.disposition, beside.reason) == ("other", "未作为统计表登记，已保存，无需重发")
    assert issued.unit(A)["status"] == "partial"
    (alone,) = received(issued, B, 10, {"台账.xlsx": list_of_events()}).values()
    assert alone.disposition == "set_aside"


def test_who_a_person_says_it_is_is_not_asked_again(issued: Office) -> None:
    data = unmarked(form(issued, A, 1), "部门/地方", "部门/地方（盖章）：新乡")
    (file,) = received(issued, "微信群", 10, {"统计表.xlsx": data}).values()
    assign(issued.ctx, f"f{file.id}", A, COLLECTION, **BY)
    issued.validate("2022-06-11T10:00")
    assert issued.unit(A)["parts"]["statistics"] == "accepted"
    with issued.ctx.ledger.read() as session:
        assert session.scalars(select(FindingRow.rule)).all() == []


def test_a_person_says_which_part_it_is(issued: Office) -> None:
    files = received(
        issued, A, 10, {"发票和盖章件.docx": words("见图"), "零报告.txt": "本单位未开展活动".encode()}
    )
    row = {r["file"]: r["id"] for r in waiting(issued.ctx)["waiting"]}
    with pytest.raises(UsageError) as told:
        assign(issued.ctx, row["发票和盖章件.docx"], A, COLLECTION, **BY)
    assert "请以 --part 写明是哪项材料（stamped_copy 统计表盖章扫描件、report 总结报告、nil 零报告）" in str(
        told.value
    )
    assert COLLECTION not in str(told.value)
    with pytest.raises(UsageError, match="没有代码为“photos”的材料"):
        assign(issued.ctx, row["发票和盖章件.docx"], A, COLLECTION, part="photos", **BY)
    with pytest.raises(UsageError, match="没有读出“科技活动周开展情况统计表”的数据"):
        assign(issued.ctx, row["发票和盖章件.docx"], A, COLLECTION, part="statistics", **BY)
    assign(issued.ctx, row["发票和盖章件.docx"], A, COLLECTION, part="stamped_copy", **BY)
    assert len(files) == 2
    assign(issued.ctx, row["零报告.txt"], A, COLLECTION, part="nil", **BY)
    issued.validate("2022-06-11T10:00")
    assert issued.unit(A)["parts"]["stamped_copy"] == "accepted"
    assert waiting(issued.ctx)["waiting"] == []


def test_nil_is_a_units_whole_answer_and_not_said_over_figures(issued: Office) -> None:
    (file,) = received(issued, A, 10, {"来信.txt": "经核实，我单位本期未开展相关活动。".encode()}).values()
    assign(issued.ctx, f"f{file.id}", A, COLLECTION, part="nil", **BY)
    assert issued.unit(A)["status"] == "nil"
    received(issued, B, 10, {"统计表.xlsx": form(issued, B, 1)})
    (said,) = received(issued, B, 11, {"说明.txt": "本单位无数据".encode()}).values()
    with pytest.raises(UsageError, match="已报统计表，不能登记为零报告"):
        assign(issued.ctx, f"f{said.id}", B, COLLECTION, part="nil", **BY)


def test_a_released_delivery_is_found_again_by_its_own_number(issued: Office) -> None:
    (file,) = received(issued, A, 10, {"发票.docx": words("发票")}).values()
    told = release(issued.ctx, f"f{file.id}", **BY)
    assert "重新处理后编号会变" in told["notes"][0]
    issued.validate("2022-06-11T10:00")
    (row,) = waiting(issued.ctx)["waiting"]
    assert close(issued.ctx, told["delivery"], **BY)["closed"]
    assert waiting(issued.ctx)["waiting"] == []
    assert row["file"] == "发票.docx"
