"""cast-2023 from issue to the final summary: a folder and no mail at all, 50 units and whoever else wants to.

Key activities may be sent by anybody from 2023-08-21 until the event's end (09-23): nobody is expected,
chased or counted in a rate. The summary is due on Tuesday 10-10; 10-07 and 10-08 are worked, so the telephone
list begins on that Saturday; reminders for the group on 10-10 and 10-11, the leader's list on 10-17; closed
after 10-24. A line that says that there was nothing (零报告) comes as a file, which a person has to read.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from huizong.errors import UsageError
from huizong.stages.status import status
from huizong.stages.triage import assign, waiting
from huizong.stages.volunteers import code_of
from material_files import BODY, document
from office import PROJECT, Office, at
from replay import OPERATOR, Act, Replay, Ruling, Stand, replayed

pytestmark = pytest.mark.slow

CYCLE, KEY, SUM = "cast-2023", "key-activities", "summary"
FINAL = "2023-10-25T08:30"
ROSTER = [
    row.split(",") for row in (PROJECT / f"include/cycles/{CYCLE}/roster.csv").read_text("utf-8").splitlines()
]
FULL = {row[0]: row[2] for row in ROSTER[1:]}

# Key activities. Folder → what the list says in it; the exporting platform's folder names nobody.
OBSERVATORY, MUSEUM, EARLY, LATE = "上海天文馆", "北京科技馆", "成都科技馆", "西安科技馆"
LISTS: dict[str, tuple[str, str, tuple[str, ...]]] = {  # word → unit typed in, organiser, activities
    "early": ("", EARLY, ("提前报送",)),
    "stars": ("", OBSERVATORY, ("观星一", "观星二")),
    "more stars": ("上海 天文馆（盖章）", OBSERVATORY, ("观星三",)),
    "open day": (MUSEUM, MUSEUM, ("开放日",)),
    "Beijing": ("", "北京科协", ("北京专场",)),
    "Jiangsu": ("", "江苏科协", ("江苏专场",)),
    "without host": ("", "", ("无主办",)),
    "nameless": ("", "某馆", ("无名",)),
    "late": ("", LATE, ("补报",)),
}
VOLUNTEERS: list[Act | Ruling] = [
    Act("2023-08-19T10:00", EARLY, "upload", ("early",)),
    Act("2023-08-31T10:00", OBSERVATORY, "upload", ("stars",)),
    Act("2023-08-31T10:00", "平台导出7", "upload", ("open day",)),
    Act("2023-08-31T10:00", "110000", "upload", ("Beijing",)),
    Act("2023-08-31T10:00", "江苏科协", "upload", ("Jiangsu",)),
    Act("2023-08-31T10:00", "广州动物园", "upload", ("without host",)),
    Act("2023-08-31T10:00", "", "upload", ("nameless",)),
    Act("2023-09-22T16:00", "平台导出9", "upload", ("more stars",)),
    Act("2023-09-25T10:00", LATE, "upload", ("late",)),
]
MUTE = Stand(flags="no_mailbox", letters="")
VOLUNTARY: dict[str, Stand] = {
    "110000": MUTE,
    "320000": MUTE,
    **{code_of(name): MUTE for name in (OBSERVATORY, MUSEUM, EARLY, LATE)},
    code_of("广州动物园"): Stand("in_query", "no_mailbox", ""),
}
ROWS = {
    ("北京科协", "北京专场"), ("江苏科协", "江苏专场"), (OBSERVATORY, "观星一"), (OBSERVATORY, "观星二"),
    (OBSERVATORY, "观星三"), (MUSEUM, "开放日"), (EARLY, "提前报送"), (LATE, "补报"),
}  # fmt: skip

# The summary. Whoever is not named answered on 10-09.
OTHERS = ("130000", "140000", "150000", "210000", "220000", "230000", "310000", "320000", "330000", "340000",
          "CAST-A-01", "CAST-B-12")  # fmt: skip
SUMMARIES: list[Act | Ruling] = [
    *(Act("2023-10-09T10:00", unit, "upload", ("report",)) for unit in FULL if unit not in OTHERS),
    Act("2023-10-09T10:00", "140000", "upload", ("short",)),
    Act("2023-10-09T10:00", "150000", "upload", ("nil",)),
    Act("2023-10-09T10:00", "310000", "upload", ("another's",)),
    Act("2023-10-09T10:00", "江苏科协", "upload", ("report",)),
    Act("2023-10-09T10:00", "340000", "upload", ("broken",)),
    Ruling("2023-10-09T10:00", "220000", "waive", "机构改革", of=SUM),
    Ruling("2023-10-09T10:00", "230000", "extend", "来电申请", until="2023-10-18", of=SUM),
    Ruling("2023-10-09T10:00", "330000", "refuse", "来电说明另行报送", of=SUM),
    Act("2023-10-10T16:00", "310000", "upload", ("report",)),
    Act("2023-10-10T16:00", "CAST-B-12", "qq", ("report",)),
    Act("2023-10-12T10:00", "130000", "upload", ("report",)),
    Act("2023-10-18T10:00", "230000", "upload", ("report",)),
]
IN_TIME = Stand(flags="no_mailbox punctual", letters="")
SUMMED: dict[str, Stand] = {
    "130000": MUTE,  # late
    "140000": Stand("in_query", "no_mailbox punctual", ""),
    "150000": Stand("nil", "no_mailbox punctual", ""),
    "210000": Stand("not_started", "no_mailbox", ""),
    "220000": Stand("waived", "no_mailbox", ""),
    "230000": Stand(flags="extended no_mailbox punctual", letters=""),
    "330000": Stand("refused", "no_mailbox", ""),
    "340000": Stand("unsettled", "no_mailbox", ""),
    "CAST-A-01": Stand("not_started", "no_mailbox", ""),
}
MISSING = ["210000", "330000", "340000", "CAST-A-01"]
RATE, RATE_ON_TIME = "0.9184", "0.898"  # 45 and 44 of 49; the voluntary ones are in neither
LEADERS = {"140000", "210000", "CAST-A-01"}
WORKED = ("07", "08", "09", "10", "11", "12", "13", "16", "17", "18", "19", "20", "23", "24")


def kit(office: Office, unit: str, what: str) -> tuple[str, bytes]:
    if what in LISTS:
        return f"{what}.xlsx", activities(office, *LISTS[what])
    name = FULL.get(unit, "江苏省科学技术协会")
    texts = {
        "report": ("2023年全国科普日活动总结", f"{name}按照通知要求，{BODY}" * 3, name),
        "short": (f"{name}活动总结", "活动已圆满完成。"),
        "another's": ("2023年全国科普日活动总结", BODY * 4, "江苏省科学技术协会"),
    }
    if what == "nil":
        return "零报告.txt", "经核实，我单位无活动。".encode()
    data = document(*texts.get(what, texts["report"]))
    return "活动总结.docx", data[: len(data) // 2] if what == "broken" else data


def activities(office: Office, unit: str, organiser: str, names: tuple[str, ...]) -> bytes:
    """The blank list that `issue` laid out, filled in; `unit` typed behind 填报单位."""
    (path,) = (office.home / "issued" / CYCLE).glob("*空白表样*.xlsx")
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    sheet["A2"] = f"{sheet['A2'].value}{unit}"
    for n, name in enumerate(names, start=4):
        row = (name, organiser, "讲座", "9月17日", "报告厅", "讲座与互动", 120, "某甲", "021-60000000")
        for column, value in enumerate(row, start=2):
            sheet.cell(n, column).value = value
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def read_what_says_nil(play: Replay) -> None:
    for row in waiting(play.office.ctx)["waiting"]:
        if row["unit"] == "150000":
            assign(
                play.office.ctx, row["id"], unit="150000", collection=SUM, part="nil", by="李科",
                reason="来文称无活动",
            )  # fmt: skip


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """Its days, without those between on which nothing comes and nothing is due."""
    spans = [
        ("07-25", "07-26"), ("08-18", "08-21"), ("08-31", "09-01"), ("09-21", "09-26"), ("10-07", "10-09"),
        ("10-10", "10-25"),
    ]  # fmt: skip
    script = [*VOLUNTEERS, *SUMMARIES]
    with replayed(tmp_path_factory.mktemp("cast"), CYCLE, kit) as play:
        play.issue("2023-07-24T09:00")
        for first, last in spans:
            play.office.clock.instant = at(f"2023-{first}T00:00")
            steps = [s for s in script if first <= s.when[5:10] <= last]
            play.run(steps, until=f"2023-{last}T{'08:30' if last == '10-25' else '18:00'}")
            read_what_says_nil(play)
        play.release("2023-10-25T10:00")
        yield play


@pytest.fixture(scope="module")
def final(play: Replay) -> dict[str, Any]:
    return play.office.assemble("2023-10-25T09:00", "final")


def test_every_unit_stands_where_it_must(play: Replay) -> None:
    stands = {(KEY, unit): stand for unit, stand in VOLUNTARY.items()}
    stands |= {(SUM, unit): SUMMED.get(unit, IN_TIME) for unit in FULL}
    assert len(FULL) == 50
    assert play.standings(FINAL) == stands


def test_coverage_counts_no_volunteers_and_the_final_one_stays(play: Replay, final: dict[str, Any]) -> None:
    free, cover = final["coverage"][KEY], final["coverage"][SUM]
    assert (free["expected"], free["returned"], free["missing"]) == (0, len(VOLUNTARY) - 1, [])
    assert (cover["expected"], cover["returned"], cover["missing"]) == (49, 45, MISSING)
    assert (cover["incomplete"], cover["waived"]) == ([], ["220000"])
    told = status(play.office.ctx, CYCLE, at(FINAL))
    assert (told["reporting_rate"], told["reporting_rate_on_time"]) == (RATE, RATE_ON_TIME)
    assert play.office.assemble("2023-10-26T09:00", "final") == final


def test_no_mail_goes_out_but_the_operators_own(play: Replay) -> None:
    assert {letter.kind for letter in play.letters()} <= {"digest", "alarm"}
    assert {mail.to for mail in play.server.accepted} == {OPERATOR}
    assert play.told_the_leader() == {(SUM, unit) for unit in LEADERS}


def test_the_operator_passes_on_texts_and_rings(play: Replay) -> None:
    laid_out = (play.office.home / "forwarding" / CYCLE).glob("*/*.txt")
    texts = {path.parent.name: path.read_text("utf-8-sig") for path in laid_out}
    assert set(texts) == {"2023-07-24-下发", "2023-10-10-到期当日提醒", "2023-10-11-逾期提醒"}
    assert "10月10日（星期二）前（含当日）" in texts["2023-07-24-下发"]
    assert not [name for name in FULL.values() for text in texts.values() if name in text]
    sheets = {path.stem: path for path in (play.office.home / "callsheets" / CYCLE).iterdir()}
    assert sorted(sheets) == [f"2023-10-{day}" for day in WORKED]
    last = [row[1] for row in openpyxl.load_workbook(sheets["2023-10-24"]).worksheets[0].values]
    assert last[2:-1] == ["山西科协", "辽宁科协", "中国数学会"]


def test_rows_are_merged_with_whoever_sent_them_and_a_repeat_once(final: dict[str, Any]) -> None:
    files = [Path(f) for f in final["files"] if "重点活动登记表汇总" in f]
    (public,) = (f for f in files if "公开版" in f.name)
    (merged,) = (f for f in files if f != public)
    rows = list(openpyxl.load_workbook(merged).worksheets[0].iter_rows(min_row=4, values_only=True))
    assert sorted((row[1], row[2]) for row in rows) == sorted(ROWS)
    shown = str(list(openpyxl.load_workbook(public).worksheets[0].values))
    assert "观星三" in shown and "某甲" not in shown and "021-60000000" not in shown
    (path,) = (Path(f) for f in final["files"] if Path(f).name.startswith("评选参考"))
    book = openpyxl.load_workbook(path)
    assert book.sheetnames[0] == "组织单位" and "个人" not in book.sheetnames
    assert any("观星三" in str(list(sheet.values)) for sheet in book)


def test_who_came_early_or_late_is_said_and_who_names_nobody_waits(play: Replay) -> None:
    units = status(play.office.ctx, CYCLE, at(FINAL))["units"]
    notes = {u["name"]: str(u["notes"]) for u in units if u["collection"] == KEY}
    assert "早于本报送事项开始时间收到" in notes[EARLY]
    assert "逾期后收到" in notes[LATE]
    assert notes[OBSERVATORY] == "[]"
    reasons = [row["reason"] for row in waiting(play.office.ctx)["waiting"] if row["disposition"] == "triage"]
    assert len(reasons) == 1 and "未写明填报单位" in reasons[0]


def test_a_list_after_the_final_summary_makes_a_revised_one(play: Replay) -> None:
    play.run([Act("2023-10-26T10:00", OBSERVATORY, "upload", ("Jiangsu",))], until="2023-10-26T10:00")
    with pytest.raises(UsageError, match="revised"):
        play.office.assemble("2023-10-26T11:00", "final")
