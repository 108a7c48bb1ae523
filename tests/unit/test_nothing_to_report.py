"""How a unit is told to say that it has nothing to report, and what a header without a name is answered."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from huizong.definition.load import load_named
from huizong.intake.recognise import HEADER_BLANK, Witnesses, identify
from huizong.intake.relevance import is_nil_return
from huizong.mime.parse import parse_message
from huizong.stages.wording import nil_text
from office import Office


@pytest.mark.parametrize(("code", "word"), [("registration", "可填报的内容"), ("summary", "未开展相关活动")])
def test_what_a_unit_is_told_to_say_fits_and_is_understood(tmp_path: Path, code: str, word: str) -> None:
    collection = load_named("jilin-2020", Office(tmp_path).ctx.home).cycle.collection(code)
    assert collection is not None
    told = nil_text(collection)
    assert word in told
    mail = EmailMessage()
    mail.set_content(told.partition("“")[2].partition("”")[0])
    assert is_nil_return(parse_message(mail.as_bytes()))


def test_a_blank_header_is_asked_about_where_nothing_else_says_whose_it_is() -> None:
    names = {"A": "甲县", "B": "乙县"}
    both = frozenset(names)
    verdict = identify(Witnesses(sender=both), names)
    assert (verdict.disposition, verdict.ask, verdict.asked) == ("triage", HEADER_BLANK, both)
    assert identify(Witnesses(sender=frozenset("A")), names).unit == "A"
    assert identify(Witnesses(file="B", sender=both), names).ask == ""
