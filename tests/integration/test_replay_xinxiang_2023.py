"""xinxiang-2023 from issue to the results: 23 units, form, report and pictures, a film of 3 minutes at most.

By the notice and the calendar: issued on Wednesday 05-17, the event until 05-31, due on Monday 06-05 to
24:00. The nudge would come before the event's end and is left out; the day itself at 09:00, overdue on 06-06,
a formal notice (signed on the spot) on 06-08, the list for the leader on 06-12; closed after 06-19, the final
summary on 06-20.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from huizong.stages.assemble import due_editions
from huizong.stages.status import status
from huizong.stages.triage import waiting
from mailing import OFFICE_KX
from material_files import film, photo, report
from office import PROJECT, Office, at, fill, honest, statistics_form
from replay import Act, Replay, Ruling, Stand, printed, replayed

pytestmark = pytest.mark.slow

CYCLE, FORM, AREAS = "xinxiang-2023", "activity-week-statistics@2023", "areas-and-departments"
with (PROJECT / f"include/cycles/{CYCLE}/roster.csv").open(encoding="utf-8") as f:
    ROSTER = {row["code"]: row for row in csv.DictReader(f)}
SEED = {code: n for n, code in enumerate(ROSTER)}
SELF, STRANGER = "410700-self", "xiaowang@qq.example"
BULK, LATE, FINAL = "2023-06-02T10:00", "2023-06-09T15:00", "2023-06-20T08:30"
ALL = ("form", "report", "photo")

SCRIPT: list[Act | Ruling] = [
    Ruling("2023-05-25T10:00", "410772", "waive", "机构合并，由高新区一并报送"),
    Act("2023-05-26T10:00", "410711", "mail", ("report",)),  # in three pieces
    Act("2023-05-31T10:00", "410711", "mail", ("photo",)),
    Act("2023-05-31T10:00", "410724", "mail", text="本期未开展活动"),
    Act("2023-06-01T10:00", "410726", "mail", text="因材料尚在汇总，申请延期至6月9日报送。"),
    Ruling("2023-06-01T15:00", "410726", "extend", "来函申请，同意", until="2023-06-09"),
    Ruling("2023-06-01T15:00", "XX-STJ", "refuse", "来函说明本年未参加活动周"),
    Act(BULK, SELF, "folder", ALL),
    Act(BULK, "410702", "mail", (*ALL, "film 2分50秒")),
    Act(BULK, "410703", "mail", ALL),
    Act(BULK, "410704", "hand", ("report", "photo")),  # never the form
    Act(BULK, "410711", "mail", ("form",)),
    Act(BULK, "410721", "mail", ("form, 约5万", "report", "photo")),  # corrected after the formal notice
    Act(BULK, "410773", "mail", ALL, sender=STRANGER),  # a colleague's own mailbox, the unit's own form
    Act(BULK, "410771", "mail", ALL),
    Act(BULK, "410781", "mail", ALL, to=OFFICE_KX),  # last year's other office
    Act(BULK, "410782", "oa", ALL),
    Act(BULK, "410783", "mail", ("form", "report", "film 4分12秒")),  # a shorter one on the last day
    Act(BULK, "XX-JYJ", "mail", ALL),
    Act(BULK, "XX-WJW", "fax", ALL),
    Act(BULK, "XX-NYJ", "mail", ("form",)),  # and nothing else, ever
    Act(BULK, "XX-YJJ", "mail", ALL),
    Act(BULK, "XX-ZRJ", "mail", ("form", "report")),  # the pictures five minutes before the end
    Act(BULK, "XX-QXJ", "mail", (*ALL, "film 3分20秒")),  # asked about, never mended
    Act("2023-06-05T16:00", "410783", "mail", ("film 2分50秒",), text="视频已剪辑，请查收。"),
    Act("2023-06-05T23:55", "XX-ZRJ", "mail", ("photo",)),
    Act(LATE, "410721", "mail", ("form",), text="已改正，请查收。"),
    Act(LATE, "410725", "mail", ALL),
    Act(LATE, "410726", "mail", ALL),
]

CHASED = "due_day overdue formal_notice"
# How every unit must stand when the cycle is closed, and what it has heard; not named: complete, punctual,
# and nothing heard but notice, receipt and result.
STANDS: dict[str, Stand] = {
    "410704": Stand("partial", "", f"notice supplement {CHASED} result"),
    "410711": Stand(letters="notice supplement supplement receipt result"),
    # what we asked to be corrected came in time at first
    "410721": Stand(letters=f"notice correction {CHASED} receipt result"),
    "410724": Stand("nil"),
    "410725": Stand("complete", "", f"notice {CHASED} receipt result"),
    # the ladder of its own day, Friday 9 June: a nudge five working days before, the day itself at 9
    "410726": Stand("complete", "extended punctual", "notice extension nudge due_day receipt result"),
    "410727": Stand("not_started", "", f"notice {CHASED} result"),
    "410772": Stand("waived", "", "notice result"),
    "410783": Stand(letters="notice correction due_day receipt result"),
    "XX-NYJ": Stand("partial", "", f"notice supplement {CHASED} result"),
    "XX-STJ": Stand("refused", "", "notice result"),
    "XX-ZRJ": Stand(letters="notice supplement due_day receipt result"),
    "XX-QXJ": Stand("in_query", "punctual", f"notice correction {CHASED} result"),
}
MISSING, INCOMPLETE, WAIVED = ["410704", "410727", "XX-STJ"], ["XX-NYJ"], ["410772"]
NO_FORM = {*MISSING, *WAIVED, "410724"}  # the nil return is returned, and adds nothing
RATES = ("0.8636", "0.8182")  # 19 and 18 of 22: 原阳县 was late
LEADERS = {"410704", "410727", "XX-NYJ", "XX-QXJ"}
# 延津县 has until the 9th, which is within three working days
RUNG_ON_7_JUNE = ["凤泉区", "新乡县", "原阳县", "延津县", "封丘县", "市农业农村局", "市气象局"]
SECONDS = {"film 2分50秒": 170, "film 3分20秒": 200, "film 4分12秒": 252}


def figures(unit: str) -> dict[str, Decimal]:
    """What a unit's clerk fills in: every unit its own, one figure with four decimal places."""
    seed = SEED[unit]
    return honest(seed) | {"funding.central": Decimal(f"{30 + seed}.{1001 + 7 * seed}")}


def kit(office: Office, unit: str, what: str) -> tuple[str, bytes]:
    """What a clerk lays in; every unit's text and pictures are its own."""
    if what in SECONDS:
        return "活动视频.mp4", film(SECONDS[what])
    if what == "report":
        return "总结报告.docx", report(ROSTER[unit]["full_name"])
    if what == "photo":
        return "活动照片.jpg", photo(640, 480, shade=SEED[unit])
    wrong: dict[str, Any] = {"public.online": "约5万"} if "约" in what else {}
    return "统计表.xlsx", fill(office.template(unit), figures(unit) | wrong)


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """The whole cycle, to the results."""
    with replayed(tmp_path_factory.mktemp("xinxiang"), CYCLE, kit, others=[STRANGER]) as play:
        play.issue("2023-05-17T09:00")
        play.run(SCRIPT, until=FINAL)
        play.release("2023-06-20T10:00")
        yield play


def test_every_unit_stands_where_it_must_and_heard_what_it_must(over: Replay) -> None:
    assert set(STANDS) < set(ROSTER)
    assert over.standings(FINAL) == {(AREAS, unit): STANDS.get(unit, Stand()) for unit in ROSTER}
    over.nobody_heard_twice()
    assert waiting(over.office.ctx)["waiting"] == []


def test_letters_state_the_films_length_and_what_is_still_missing(over: Replay) -> None:
    def said(unit: str, words: str) -> bool:
        return any(words in mail.text for mail in over.mails(unit))

    assert said("410783", "视频时长4分12秒，超过通知规定的3分钟")
    assert said("XX-QXJ", "视频时长3分20秒，超过通知规定的3分钟")
    assert not said("410702", "超过通知规定")
    assert said("410721", "第15项应填一个数字，现为“约5万”")
    first, second = (mail.text.partition("尚缺")[2] for mail in over.mails("410711")[1:3])
    assert "统计表" in first and "影像资料" in first and "总结报告" not in first
    assert "统计表" in second and "影像资料" not in second


def test_who_is_rung_and_who_is_put_before_the_leader(over: Replay) -> None:
    assert over.told_the_leader() == {(AREAS, unit) for unit in LEADERS}
    lists = sorted((over.office.home / "callsheets" / CYCLE).iterdir())
    assert [path.stem[5:] for path in lists] == [
        "05-31", "06-01", "06-02", "06-05", "06-06", "06-07", "06-08", "06-09", "06-12", "06-13", "06-14",
        "06-15", "06-16", "06-19",
    ]  # fmt: skip
    path = next(path for path in lists if path.stem == "2023-06-07")
    rows = list(openpyxl.load_workbook(path).worksheets[0].values)
    assert [row[1] for row in rows[2:-1]] == RUNG_ON_7_JUNE
    assert sum("催报电话单" in mail.subject for mail in over.to_operator()) == len(lists)


def test_the_summary_is_the_sum_of_what_the_clerks_filled_in(over: Replay) -> None:
    assert due_editions(over.office.ctx, CYCLE, at(FINAL)) == []  # the morning's run wrote both
    done = over.office.assemble(FINAL, "final")
    assert over.office.assemble("2023-06-21T09:00", "final") == done
    cover = done["coverage"][AREAS]
    assert (cover["missing"], cover["incomplete"], cover["waived"]) == (MISSING, INCOMPLETE, WAIVED)
    assert (cover["expected"], cover["returned"]) == (22, 19)
    rates = status(over.office.ctx, CYCLE, at(FINAL))
    assert (rates["reporting_rate"], rates["reporting_rate_on_time"]) == RATES
    counted = [figures(unit) for unit in ROSTER if unit not in NO_FORM]
    sums = {
        item.code: sum((unit[item.code] for unit in counted), Decimal()) for item in statistics_form().items
    }
    assert {code: Decimal(total) for code, total in done["totals"][AREAS][FORM].items()} == sums
    books = [path for path in done["files"] if path.endswith(".xlsx")]  # the summary, and what goes up
    assert [printed(book) for book in books] == [sums, sums]
