"""Answers to clerks that an inspection from outside found wrong."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest

from huizong.stages.triage import waiting
from mailing import report, scan
from office import fill, honest
from replay import Act, Replay, replayed

UNIT = "XX-JYJ"


def signed(book: bytes, body: str) -> bytes:
    """The form with another body's name typed into its header."""
    workbook = openpyxl.load_workbook(BytesIO(book))
    sheet = workbook.worksheets[0]
    header = next(c for row in sheet.iter_rows() for c in row if "部门/地方" in str(c.value))
    header.value = f"部门/地方（盖章）：{body}"
    out = BytesIO()
    workbook.save(out)
    return out.getvalue()


def kit(office: object, unit: str, what: str) -> tuple[str, bytes]:
    if what == "扫描件":
        return "盖章扫描件.pdf", scan()
    if what == "总结":
        return "总结报告.docx", report()
    if what.endswith("的表"):  # as it was made for that unit
        whose = {"红旗区科学技术局的表": "410702"}[what]
        return "统计表.xlsx", fill(office.template(whose), honest(9))  # type: ignore[attr-defined]
    template = office.template(unit)  # type: ignore[attr-defined]
    if what == "表":
        return "统计表.xlsx", fill(template, honest(3))
    return f"{what}.xlsx", signed(fill(template, honest(len(what))), what)


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Replay]:
    with replayed(tmp_path, "xinxiang-2022", kit) as play:
        play.issue("2022-05-24T09:00")
        yield play


def test_departments_forms_on_the_unit_s_own_template_are_to_be_summed_up(play: Replay) -> None:
    """Keeping one of them, as a clerk who sent two drafts is asked to, would lose the others' figures."""
    play.run([Act("2022-06-16T10:00", UNIT, "mail", ("基础教育科", "职业教育"))], until="2022-06-16T10:00")
    text = play.mails(UNIT)[-1].text
    assert "来件含所属部门报表2份，请汇总审核为1份后重新报送，部门分表可留存备查" in text
    assert "只保留一份" not in text


def header_of(play: Replay, body: str, *others: str) -> str:
    """What a unit hears of its own form with this name in the header, beside what else it sends."""
    play.run([Act("2022-06-16T10:00", UNIT, "mail", (body, *others))], until="2022-06-16T10:00")
    return play.mails(UNIT)[-1].text


@pytest.mark.parametrize("others", [(), ("扫描件",)])
def test_a_header_that_names_another_unit_is_named_to_the_sender(
    play: Replay, others: tuple[str, ...]
) -> None:
    """Mistake 14: a person looks at it too, and the sender knows what to mend."""
    text = header_of(play, "红旗区科学技术局", *others)
    said = "表头“部门/地方”与发件单位不一致，请核对单位名称后重新报送（来表表头为“红旗区科学技术局”）。"
    assert text.count(said) == 1
    assert "正在核对" not in text and "材料已报齐" not in text and "无需再报" not in text
    (held,) = waiting(play.office.ctx)["waiting"]
    assert held["reason"].startswith("表头单位与表内识别码不一致。")
    assert play.standings("2022-06-16T10:00")["science-departments", UNIT].status == "unsettled"


def test_the_form_sent_again_settles_the_wrong_header(play: Replay) -> None:
    header_of(play, "红旗区科学技术局")
    play.run([Act("2022-06-17T10:00", UNIT, "mail", ("表",))], until="2022-06-17T10:00")
    assert waiting(play.office.ctx)["waiting"] == []
    assert play.standings("2022-06-17T10:00")["science-departments", UNIT].status == "partial"


def test_another_unit_s_workbook_is_not_all_that_is_asked_for(play: Replay) -> None:
    """Beside its own complete return, too: the letter must not say that nothing is owed."""
    own = ("表", "扫描件", "总结", "红旗区科学技术局的表")
    text = header_of(play, *own)
    assert "来表表头为“红旗区科学技术局”" in text
    assert "材料已报齐" not in text and "无需再报" not in text
