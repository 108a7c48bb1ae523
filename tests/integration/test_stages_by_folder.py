"""One cycle by folder alone: what units hand in, how they stand, what they are told, what is summed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from huizong.errors import UsageError
from huizong.stages.release import approve, open_questions
from huizong.stages.status import trace
from office import COLLECTION, CYCLE, Office, at, fill, honest

A, B, C = "410721", "410724", "XX-JYJ"


@pytest.fixture
def issued(office: Office) -> Office:
    office.issue()
    return office


def test_issue_twice_is_issue_once(office: Office) -> None:
    first, second = office.issue(), office.issue("2022-05-25T09:00")
    assert first == second
    assert first["units"] == 44
    assert first["letters"] == {"queued": 44, "sent": 0, "failed": 0}
    assert len(office.letters(kind="notice")) == 44  # one unit is in both, one has no mailbox


def test_two_honest_units_are_summed_exactly_and_the_rest_named(issued: Office) -> None:
    issued.hand_in(A, honest(1))
    issued.hand_in(B, honest(2) | {"funding.county": Decimal("0.1"), "funding.other": Decimal("1.005")})
    for moment in ("2022-06-10T10:00", "2022-06-11T10:00"):  # driven twice: nothing may change
        issued.receive_folder(moment)
        issued.validate(moment)
    summary = issued.assemble("2022-07-10T09:00", "final")
    totals = summary["totals"][COLLECTION]["activity-week-statistics@2022"]
    assert Decimal(totals["funding.county"]) == honest(1)["funding.county"] + Decimal("0.1")
    assert Decimal(totals["funding.other"]) == honest(1)["funding.other"] + Decimal("1.005")
    covered = summary["coverage"][COLLECTION]
    assert covered["expected"] == 18
    assert covered["returned"] == 2
    assert len(covered["missing"]) == 16
    assert covered["incomplete"] == [A, B]
    source = trace(issued.ctx, CYCLE, "funding.other")["sources"]
    assert {s["unit"]: s["value"] for s in source}[B] == "1.005"
    assert all(s["cell"] and s["sha256"] for s in source)


def test_a_vague_figure_is_sent_back_and_the_correction_counts(issued: Office) -> None:
    issued.hand_in(A, honest(1) | {"public.online": "约5万"})
    issued.receive_folder("2022-06-10T10:00")
    found = issued.validate("2022-06-10T10:05")
    assert found["by_status"] == {"rejected": 1}
    assert issued.unit(A)["status"] == "in_query"
    (letter,) = issued.letters(unit=A, kind="correction")
    assert "修改意见" in letter["subject"]
    issued.hand_in(A, honest(1), "统计表（更正）.xlsx")
    issued.receive_folder("2022-06-12T10:00")
    issued.validate("2022-06-12T10:05")
    unit = issued.unit(A)
    assert unit["status"] == "partial"
    assert unit["versions"] == 2
    assert unit["parts"]["statistics"] == "accepted"


def test_an_accepted_form_stands_until_a_newer_one_is_accepted(issued: Office) -> None:
    issued.hand_in(A, honest(1))
    issued.receive_folder("2022-06-10T10:00")
    issued.validate("2022-06-10T10:05")
    issued.hand_in(A, honest(2) | {"activities.held": "若干"}, "再报.xlsx")
    issued.receive_folder("2022-06-11T10:00")
    issued.validate("2022-06-11T10:05")
    assert issued.unit(A)["status"] == "in_query"
    summary = issued.assemble("2022-06-22T09:00")
    totals = summary["totals"][COLLECTION]["activity-week-statistics@2022"]
    assert Decimal(totals["activities.held"]) == honest(1)["activities.held"]
    assert summary["coverage"][COLLECTION]["returned"] == 1


def test_another_units_form_waits_for_a_person_and_counts_once_assigned(issued: Office) -> None:
    from huizong.stages.triage import assign, waiting

    issued.drop(A, {"统计表.xlsx": fill(issued.template(B), honest(3))})
    got = issued.receive_folder("2022-06-10T10:00")
    assert got["dispositions"] == {"triage": 1}
    (row,) = waiting(issued.ctx)["waiting"]
    assert "获嘉县" in row["reason"]
    assert "新乡县" in row["reason"]
    assert issued.unit(A)["status"] == "unsettled"
    assert issued.letters(unit=A, kind="receipt") == []
    assign(issued.ctx, row["id"], B, COLLECTION, by="李科", reason="电话核实")
    issued.validate("2022-06-10T11:00")
    assert issued.unit(B)["parts"]["statistics"] == "accepted"
    assert waiting(issued.ctx)["waiting"] == []


def test_the_same_file_again_is_a_duplicate_and_answered_once(issued: Office) -> None:
    form = fill(issued.template(A), honest(1))
    issued.drop(A, {"统计表.xlsx": form})
    issued.receive_folder("2022-06-10T10:00")
    issued.validate("2022-06-10T10:05")
    issued.drop(A, {"统计表(1).xlsx": form})
    got = issued.receive_folder("2022-06-11T10:00")
    issued.validate("2022-06-11T10:05")
    assert got["dispositions"] == {"duplicate": 1}
    assert issued.unit(A)["versions"] == 1
    assert len([x for x in issued.letters(unit=A) if x["kind"] != "notice"]) == 1


def test_only_the_latest_due_rung_in_office_hours_to_those_who_owe(issued: Office) -> None:
    issued.hand_in(A, honest(1))
    issued.drop(B, {"统计表.xlsx": b"PK\x03\x04 cut off"})
    issued.receive_folder("2022-06-10T10:00")
    issued.validate("2022-06-10T10:05")
    assert issued.chase("2022-06-10T10:10")["rungs"] == {}  # nothing is due yet
    assert issued.chase("2022-06-21T07:00")["rungs"] == {}  # before the office opens
    assert issued.chase("2022-06-25T10:00")["rungs"] == {}  # a Saturday
    first = issued.chase("2022-06-21T08:30")  # the machine was off since issue: one rung, not three
    assert first["rungs"] == {"overdue": 43}
    assert first["held"] == 1  # B sent something that a person or B has to look at
    assert issued.chase("2022-06-21T09:30")["rungs"] == {}
    reminders = issued.letters(kind="reminder")
    assert B not in {letter["unit"] for letter in reminders}
    assert A in {letter["unit"] for letter in reminders}  # scan and report are missing


def test_formal_notices_wait_for_their_own_approval(issued: Office) -> None:
    assert issued.chase("2022-06-23T09:00")["rungs"] == {"formal_notice": 44}
    assert {letter["state"] for letter in issued.letters(kind="formal_notice")} == {"held"}
    questions = open_questions(issued.ctx, CYCLE, at("2022-06-23T09:01"))
    assert [(q.question, q.title.partition("：")[0]) for q in questions] == [
        ("formal_notice", "新乡市科学技术局科技合作人才与科普科"),
        ("formal_notice", "新乡市科学技术协会组织人事部"),
    ]
    approve(issued.ctx, CYCLE, "formal_notice", at("2022-06-23T09:10"), by="王局", basis="纸质签批")
    assert {letter["state"] for letter in issued.letters(kind="formal_notice")} == {"queued"}
    assert open_questions(issued.ctx, CYCLE, at("2022-06-23T09:11")) == []


def test_final_is_immutable_released_once_and_ready_for_the_level_above(issued: Office) -> None:
    issued.hand_in(A, honest(1))
    issued.receive_folder("2022-06-10T10:00")
    issued.validate("2022-06-10T10:05")
    first = issued.assemble("2022-07-05T09:00", "final")
    assert issued.assemble("2022-07-06T09:00", "final")["files"] == first["files"]
    issued.hand_in(B, honest(2))
    issued.receive_folder("2022-07-07T10:00")
    issued.validate("2022-07-07T10:05")
    with pytest.raises(UsageError, match="revised"):
        issued.assemble("2022-07-07T11:00", "final")
    with pytest.raises(UsageError, match="先签批定稿"):
        approve(issued.ctx, CYCLE, "results", at("2022-07-07T11:00"), by="王局", basis="签批")
    done = approve(issued.ctx, CYCLE, "final", at("2022-07-07T11:10"), by="王局", basis="签批")
    assert done["package"]["to"] == "河南省科技厅"
    results = approve(issued.ctx, CYCLE, "results", at("2022-07-07T11:20"), by="王局", basis="签批")
    assert results["queued"] == 44  # one a unit from each office that asked it
    again = approve(issued.ctx, CYCLE, "results", at("2022-07-07T11:30"), by="王局", basis="签批")
    assert again["queued"] == 0
    revised = issued.assemble("2022-07-08T09:00", "revised")
    assert revised["coverage"][COLLECTION]["returned"] == 2


def test_a_changed_roster_stops_and_says_what_differs(issued: Office, tmp_path: Any) -> None:
    import shutil

    from office import PROJECT

    folder = issued.home / "cycles" / CYCLE
    shutil.copytree(PROJECT / "include/cycles" / CYCLE, folder)
    roster = folder / "roster.csv"
    text = roster.read_text(encoding="utf-8")
    roster.write_text(text.replace("hongqi@", "hongqi2@"), encoding="utf-8")
    issued.validate("2022-06-01T09:00")  # a contact may change at any time
    issued.issue("2022-06-01T09:01")
    assert [x["to"] for x in issued.letters(unit="410702")] == [
        "hongqi@xinxiang.example",
        "hongqi2@xinxiang.example",  # who is new has the notice too
    ]
    roster.write_text(text.replace("凤泉区,", "凤泉新区,", 1), encoding="utf-8")
    with pytest.raises(UsageError, match=r"凤泉新区.*改回原样"):
        issued.validate("2022-06-01T09:05")


@pytest.mark.parametrize(("unit", "words"), [(A, "你单位"), (C, "贵单位")])
def test_a_peer_is_addressed_as_a_peer(issued: Office, unit: str, words: str) -> None:
    import json

    from huizong.ledger.tables import Letter
    from huizong.outbox.context import load_context

    with issued.ctx.ledger.read() as session:
        letter = session.query(Letter).filter_by(unit=unit, kind="notice").one()
    text = issued.ctx.letter_book.render(load_context(json.dumps(letter.context["letter"]))).text
    assert words in text
    assert ("贵单位" if words == "你单位" else "你单位") not in text


def test_the_untouched_form_beside_the_filled_one_says_nothing(issued: Office) -> None:
    word = next((issued.ctx.home.issued(CYCLE) / A).glob("*.docx")).read_bytes()
    issued.drop(A, {"统计表.xlsx": fill(issued.template(A), honest(1)), "统计表.docx": word})
    got = issued.receive_folder("2022-06-10T10:00")
    issued.validate("2022-06-10T10:05")
    assert got["dispositions"] == {"return": 1, "other": 1}
    assert issued.unit(A)["versions"] == 1


def test_a_delivery_on_which_we_fail_does_not_stop_the_next(
    issued: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huizong.stages import processing
    from huizong.stages.triage import release, waiting

    whole = processing.Filing.file

    def fails_for_a(self: Any, *rest: Any) -> None:
        if self.delivery.sender == A:
            raise ArithmeticError
        whole(self, *rest)

    issued.hand_in(A, honest(1))
    issued.hand_in(B, honest(2))
    with monkeypatch.context() as broken:
        broken.setattr(processing.Filing, "file", fails_for_a)
        issued.receive_folder("2022-06-10T10:00")
    assert issued.unit(B)["versions"] == 1
    (row,) = waiting(issued.ctx)["waiting"]
    assert "ArithmeticError" in row["reason"]
    release(issued.ctx, row["id"], by="李科", reason="程序已修复")
    issued.validate("2022-06-10T11:00")
    assert issued.unit(A)["parts"]["statistics"] == "accepted"
