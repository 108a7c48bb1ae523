"""jilin-2020 from issue to the final summary: 20 units in two collections, two lists and three materials.

Registration is due on Friday 2020-07-31, before the event (08-23 to 08-29), and chased before it: 07-31
09:00, Monday 08-03, Wednesday 08-05; closed after 08-07. The summary opens when the event is over, is due on
09-01 and chased on 09-01, 09-02, 09-04; the leader's list is of 09-08; closed after 09-15.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from list_files import INSTITUTIONS, PROJECTS, filled, project

from huizong.stages.status import status
from material_files import film, press_book, report
from office import PROJECT, Office, at
from replay import Act, Replay, Ruling, Stand, replayed

pytestmark = pytest.mark.slow

CYCLE, REG, SUM = "jilin-2020", "registration", "summary"
FINAL = "2020-09-16T08:30"
ALL = ("report", "film", "press")
WORDS = "材料见附件，请查收。"


def mail(when: str, units: str, *what: str, of: str, text: str = WORDS) -> list[Act | Ruling]:
    return [Act(when, unit, "mail", what, text=text, of=of) for unit in units.split()]


SCRIPT: list[Act | Ruling] = [
    # registration
    *mail("2020-07-28T10:00", "220100 JL-CAS", "projects", "institutions", of=REG),
    *mail("2020-07-28T10:00", "222400", "projects", of=REG),
    *mail("2020-07-28T10:00", "220200 220700", "guessed", of=REG),  # 约300 and no number
    *mail("2020-07-28T10:00", "220400", of=REG, text="本市无活动。"),
    *mail("2020-07-28T10:00", "220600", "institutions", of=REG),  # the one that is not required
    Act("2020-07-28T10:00", "220300", "folder", ("projects",)),  # a row of 长春市 once more
    Act("2020-07-28T10:00", "220000-self", "hand", ("projects",)),
    Ruling("2020-07-28T10:00", "220090", "waive", "并入延边州填报", of=REG),
    *mail("2020-07-30T10:00", "220200", "projects", of=REG),
    *mail("2020-07-30T10:00", "220581", "projects in Word", of=REG),
    *mail("2020-07-30T10:00", "JL-JYT", "projects", "institutions", of=REG),
    *mail("2020-07-30T10:00", "JL-NYT", of=REG, text="经核实，我厅未开展相关活动。"),
    *mail("2020-07-30T10:00", "JL-YJT", of=REG, text="请问预计参与人数是否包括线上参与的？"),
    Act("2020-07-30T10:00", "JL-QXJ", "qq", ("projects",)),
    Ruling("2020-07-30T10:00", "220184", "extend", "来电申请", until="2020-08-04", of=REG),
    Ruling("2020-07-30T10:00", "JL-ZRT", "refuse", "来电说明本年不参加", of=REG),
    *mail("2020-07-31T23:30", "JL-STT", "projects", of=REG),
    *mail("2020-08-04T10:00", "220184 220500", "projects", of=REG),  # in its own time, and late
    # summary
    *mail("2020-08-31T10:00", "220100 220700 220800 220090 220184 JL-JYT JL-YJT", *ALL, of=SUM),
    *mail("2020-08-31T10:00", "220200 220300", "report", "long film", "press", of=SUM),
    *mail("2020-08-31T10:00", "220400 JL-NYT", of=SUM, text="无活动"),
    *mail("2020-08-31T10:00", "220600", "report", of=SUM),
    Act("2020-08-31T10:00", "220000-self", "hand", ALL),
    Ruling("2020-08-31T10:00", "220581", "extend", "来函申请", until="2020-09-03", of=SUM),
    Ruling("2020-08-31T10:00", "JL-ZRT", "refuse", "来电说明本年不参加", of=SUM),
    *mail("2020-09-01T16:00", "220200", "film", of=SUM),
    *mail("2020-09-01T16:00", "JL-STT", *ALL, of=SUM),
    *mail("2020-09-03T10:00", "220500 220581", *ALL, of=SUM),
    *mail("2020-09-10T10:00", "JL-QXJ", *ALL, of=SUM),
]

CHASED = "due_day overdue formal_notice"
# One letter of results to an address, though the unit is in both: it stands with the registration.
REGISTERED: dict[str, Stand] = {
    "220200": Stand(letters="notice correction receipt result"),
    "220400": Stand("nil"),
    "220500": Stand(flags="", letters="notice due_day overdue receipt result"),
    "220600": Stand("partial", "", f"notice supplement {CHASED} result"),
    "220700": Stand("in_query", letters=f"notice correction {CHASED} result"),
    "220800": Stand("not_started", "", f"notice {CHASED} result"),
    "220090": Stand("waived", "", "notice result"),
    "220184": Stand(flags="extended punctual", letters="notice extension due_day receipt result"),
    "JL-NYT": Stand("nil"),
    "JL-ZRT": Stand("refused", "", "notice result"),
    "JL-STT": Stand(letters="notice due_day receipt result"),
    "JL-YJT": Stand("unsettled", "", "notice result"),  # its question waits for a person: no reminder
}
SUMMED: dict[str, Stand] = {
    "220200": Stand(letters="notice correction due_day receipt"),
    "220300": Stand("in_query", letters=f"notice correction {CHASED}"),
    "220400": Stand("nil", letters="notice receipt"),
    "220500": Stand(flags="", letters="notice due_day overdue receipt"),
    "220600": Stand("partial", "", f"notice supplement {CHASED}"),
    "222400": Stand("not_started", "", f"notice {CHASED}"),
    "220581": Stand(flags="extended punctual", letters="notice extension due_day receipt"),
    "JL-NYT": Stand("nil", letters="notice receipt"),
    "JL-ZRT": Stand("refused", "", "notice"),
    "JL-STT": Stand(letters="notice due_day receipt"),
    "JL-QXJ": Stand(flags="", letters=f"notice {CHASED} receipt"),
    "JL-CAS": Stand("not_started", "", f"notice {CHASED}"),
}
# Whoever is not named stands so: all of it in time, thanked once.
USUAL = {REG: Stand(), SUM: Stand(letters="notice receipt")}
LEADERS = {"220300", "220600", "222400", "JL-QXJ", "JL-CAS"}  # the last but one answered two days later
MISSING = {REG: ["220700", "220800", "JL-ZRT", "JL-YJT"], SUM: ["222400", "JL-ZRT", "JL-CAS"]}
EXPECTED = {REG: 19, SUM: 20}
RATE, RATE_ON_TIME = "0.8205", "0.7436"  # 32 and 29 of 39: 220500 late twice, JL-QXJ once

# Unit → the numbers of its projects, in the established order.
ROWS = {
    "220000-self": (1, 2), "220100": (3,), "220200": (4, 5), "220300": (3, 6), "220500": (7,), "222400": (8,),
    "220581": (9,), "220184": (10,), "JL-JYT": (11,), "JL-STT": (12,), "JL-QXJ": (13,), "JL-CAS": (14,),
}  # fmt: skip
ROSTER = [
    row.split(",") for row in (PROJECT / f"include/cycles/{CYCLE}/roster.csv").read_text("utf-8").splitlines()
]
NAMES = {row[0]: row[1] for row in ROSTER[1:]}
FULL = {row[0]: row[2] for row in ROSTER[1:]}


def kit(office: Office, unit: str, what: str) -> tuple[str, bytes]:
    """What a clerk of the unit lays in; every unit's text and film are its own."""
    seed = list(NAMES).index(unit)
    rows = [project(n) for n in ROWS.get(unit, ())]
    name = FULL[unit]
    press = [(1, f"{name}启动科技活动周", "吉林日报", "8月23日", f"https://news.example/{seed}")]
    make = {
        "projects": lambda: ("重点项目.xlsx", filled(rows, blank(office, unit, PROJECTS.title))),
        "projects in Word": lambda: (
            "重点项目.docx",
            in_word(rows, blank(office, unit, PROJECTS.title, "docx")),
        ),
        "guessed": lambda: (
            "重点项目.xlsx",
            filled([project(4, 预计参与人数="约300")], blank(office, unit, PROJECTS.title)),
        ),
        "institutions": lambda: (
            "开放单位.xlsx",
            filled(
                [[f"{name}某大学", "大学", "8月24日", "图书馆", "实验室", None, 50, "某乙", "0431-80000000"]],
                blank(office, unit, INSTITUTIONS.title),
            ),
        ),
        "report": lambda: ("活动总结.docx", report(name, year=2020)),
        "film": lambda: ("活动视频.mp4", film(20 + seed)),
        "long film": lambda: ("活动视频（完整）.mp4", film(200 + seed, rate=1)),
        "press": lambda: ("媒体报道清单.xlsx", press_book(press)),
    }
    return make[what]()


def blank(office: Office, unit: str, title: str, suffix: str = "xlsx") -> bytes:
    (path,) = (office.home / "issued" / CYCLE / unit).glob(f"*{title}*.{suffix}")
    return path.read_bytes()


def in_word(rows: list[list[Any]], form: bytes) -> bytes:
    document = docx.Document(io.BytesIO(form))
    for line, row in zip(document.tables[0].rows[1:], rows, strict=False):
        for cell, value in zip(line.cells[1:], row, strict=True):
            cell.text = str(value)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def rows_of(path: Path) -> list[list[Any]]:
    sheet = openpyxl.load_workbook(path).worksheets[0]
    return [[cell.value for cell in row] for row in sheet.iter_rows(min_row=4)]


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    with replayed(tmp_path_factory.mktemp("jilin"), CYCLE, kit) as play:
        play.issue("2020-07-23T09:00")
        play.office.clock.instant = at("2020-07-27T00:00")  # nothing comes and nothing is due in between
        first = [step for step in SCRIPT if step.when < "2020-08-10"]
        play.run(first, until="2020-08-10T08:30")
        play.office.clock.instant = at("2020-08-27T00:00")
        play.run([step for step in SCRIPT if step not in first], until=FINAL)
        play.release("2020-09-16T10:00")
        yield play


@pytest.fixture(scope="module")
def final(play: Replay) -> dict[str, Any]:
    return play.office.assemble("2020-09-16T09:00", "final")


def test_every_unit_stands_where_it_must_and_heard_what_it_must(play: Replay) -> None:
    named = {REG: REGISTERED, SUM: SUMMED}
    stands = {(c, unit): named[c].get(unit, USUAL[c]) for c in named for unit in NAMES}
    assert play.standings(FINAL) == stands


def test_coverage_and_rates_say_who_is_missing_and_the_final_one_stays(
    play: Replay, final: dict[str, Any]
) -> None:
    for code, cover in final["coverage"].items():
        assert cover["expected"] == EXPECTED[code]
        assert (cover["missing"], cover["incomplete"]) == (MISSING[code], ["220600"])
        assert cover["returned"] == EXPECTED[code] - len(MISSING[code])
    assert final["coverage"][REG]["waived"] == ["220090"]
    told = status(play.office.ctx, CYCLE, at(FINAL))
    assert (told["reporting_rate"], told["reporting_rate_on_time"]) == (RATE, RATE_ON_TIME)
    assert play.office.assemble("2020-09-17T09:00", "final") == final


def test_nobody_heard_twice_or_after_an_answer(play: Replay) -> None:
    play.nobody_heard_twice()
    assert play.told_the_leader() == {(SUM, unit) for unit in LEADERS}
    before = [x for x in play.letters(collection=SUM) if x.kind != "notice" and x.finished_at]
    assert min(x.finished_at for x in before if x.finished_at) > at("2020-08-30T00:00")


def test_a_wrong_number_and_a_long_film_are_named(play: Replay) -> None:
    (wrong,) = [m.text for m in play.mails("220200") if "预计参与人数" in m.text]
    assert "约300" in wrong
    (long,) = [m.text for m in play.mails("220300") if "超过通知规定的3分钟" in m.text]
    assert "视频时长3分23秒" in long and "其他材料无需重报" in long


def test_a_unit_of_two_matters_is_told_which_one_is_done(play: Replay) -> None:
    first, second = [m for m in play.mails("220100") if "收件回执" in m.subject]
    assert "（科技活动周重点项目备案表）" in first.subject and "（活动总结等）" in second.subject
    assert "本项应报材料已报齐" in first.text and "其他报送事项请按相应通知办理" in first.text
    nil = [m for m in play.mails("220400") if "收件回执" in m.subject]
    assert all("零报告已登记" in m.subject and "已报齐" not in m.text for m in nil)


def test_the_lists_are_merged_with_the_unit_beside_each_row(final: dict[str, Any]) -> None:
    files = [Path(f) for f in final["files"] if "重点项目备案表汇总" in f]
    (public,) = (f for f in files if "公开版" in f.name)
    (merged,) = (f for f in files if f != public)
    wanted = [(NAMES[unit], f"科普进校园第{n}场") for unit, numbers in ROWS.items() for n in numbers]
    rows = rows_of(merged)
    assert [(row[1], row[2]) for row in rows] == wanted
    assert [row[2] for row in rows if "与第" in str(row[-1])] == ["科普进校园第3场"]  # 四平市's
    assert final["totals"][REG][PROJECTS.ref] == {"project.expected": "10800"}
    assert final["totals"][REG][INSTITUTIONS.ref] == {"open.capacity": "200"}
    shown = str([[cell.value for cell in row] for row in openpyxl.load_workbook(public).worksheets[0].rows])
    assert "科普进校园第14场" in shown and "经审核后方可对外公布" in shown
    assert "某甲" not in shown and "0434-5000000" not in shown


def test_what_is_for_the_commendation_stays_inside(play: Replay, final: dict[str, Any]) -> None:
    (path,) = (Path(f) for f in final["files"] if Path(f).name.startswith("评选参考"))
    book = openpyxl.load_workbook(path)
    assert book.sheetnames[:2] == ["组织单位", "个人"]
    heads, *rows = book["组织单位"].iter_rows(min_row=4, values_only=True)
    facts = [dict(zip(heads, row, strict=True)) for row in rows]
    late = next(f for f in facts if f["单位"] == "通化市" and f["报送事项"] == "活动总结")
    assert (late["按时报送"], late["逾期天数"], late["材料报齐"]) == ("否", "2", "是")
    assert len([f for f in facts if f["单位"] in NAMES.values()]) == 2 * len(NAMES)
    for letter in play.letters():
        assert "评选参考" not in f"{letter.subject}{letter.context}{letter.attachments}"
    packages = list((play.office.home).rglob("*.zip"))
    assert packages and not [n for p in packages for n in zipfile.ZipFile(p).namelist() if "评选参考" in n]
