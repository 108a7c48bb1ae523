"""What a clerk is told of a workbook that is not the list, or in a cycle that asks for no table."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import openpyxl
import pytest

from office import Office


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["值班安排"])
    book.active.append(["日期", "姓名", "电话"])
    book.active.append(["8月1日", "某甲", "0434-5000000"])
    out = BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("cycle", "unit", "issued", "received", "said", "unsaid"),
    [
        ("jilin-2020", "220100", "2020-07-23T09:00", "2020-07-28T09:00", "表格中未找到本次备案表", "统计表"),
        ("siping-2023", "220302", "2023-05-17T09:00", "2023-06-01T09:00", "本次不要求报送表格", "表样"),
        ("xinxiang-2023", "410702", "2023-05-17T09:00", "2023-06-01T09:00", "未找到本次统计表", "备案表"),
    ],
)
def test_a_foreign_workbook_is_answered_in_the_cycles_own_words(
    tmp_path: Path, cycle: str, unit: str, issued: str, received: str, said: str, unsaid: str
) -> None:
    office = Office(tmp_path / "home", cycle=cycle)
    office.issue(issued)
    office.drop(unit, {"值班表.xlsx": workbook()})
    assert office.receive_folder(received)["dispositions"] == {"set_aside": 1}
    office.validate(received)
    (letter,) = [x for x in office.letters(unit=unit) if x["kind"] in ("supplement", "correction")]
    text = _text(office, letter["id"])
    assert said in text and unsaid not in text.split("未能采用")[-1].split("尚缺")[0]


def _text(office: Office, number: int) -> str:
    import json

    from huizong.ledger.tables import Letter
    from huizong.outbox.context import load_context

    with office.ctx.ledger.read() as session:
        context = session.get_one(Letter, number).context["letter"]
    return office.ctx.letter_book.render(load_context(json.dumps(context))).text
