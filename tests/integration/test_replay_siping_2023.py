"""siping-2023 from issue to the final summary: 15 units, no form, three materials, real mail.

The notice: 总结、影像资料、媒体报道资料, due on 2023-06-05, an event until 05-31. The ladder by hand: the
nudge would come before the event's end and is left out; Monday 06-05 09:00, Tuesday 06-06, Thursday 06-08
(a formal notice, approved on the spot), Monday 06-12 the leader's list; closed after Monday 06-19.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import docx
import openpyxl
import pytest

from huizong.errors import UsageError
from huizong.stages.leadership import work_papers
from huizong.stages.status import status
from material_files import BODY, document, film, photo, press_book, report
from office import PROJECT, Office, at
from replay import Act, Replay, Ruling, Stand, replayed

pytestmark = pytest.mark.slow

CYCLE, SUMMARY = "siping-2023", "summary"
MUTE, BOUNCING = "220372", "kejiguan@siping.example"
FINAL = "2023-06-20T08:30"
ALL = ("report", "film", "press")

SCRIPT: list[Act | Ruling] = [
    # in three pieces, the last on a Saturday
    Act("2023-06-01T10:00", "220302", "mail", ("report",)),
    Act("2023-06-01T15:00", "220302", "mail", ("photo", "film")),
    Act("2023-06-03T10:00", "220302", "mail", ("links",)),
    Ruling("2023-06-01T15:00", "220371", "waive", "机构合并，由铁东区一并报送"),
    Act("2023-06-02T10:00", "220300-self", "hand", ALL),
    Act("2023-06-02T10:00", "220303", "mail", text="经核实，本区未开展相关活动。"),
    Act("2023-06-02T10:00", "220323", "mail", ("report", "film")),
    Act("2023-06-02T10:00", "SP-JYJ", "mail", text="因学校材料尚在汇总，申请延期至6月9日报送。"),
    Ruling("2023-06-02T14:00", "SP-JYJ", "extend", "来函申请，同意", until="2023-06-09"),
    Act("2023-06-09T16:00", "SP-JYJ", "mail", ALL),
    # the agriculture bureau's in the health commission's folder; its own on the last day
    Act("2023-06-02T10:00", "SP-WJW", "folder", ("another's", "film", "press")),
    Act("2023-06-05T15:00", "SP-WJW", "mail", ("report",)),
    Act("2023-06-02T10:00", "SP-NYJ", "mail", ("short", "film", "press")),  # and never again
    Act("2023-06-05T08:30", "SP-JLNU", "mail", ("report", "press"), text="影像资料较大，见百度网盘\n"
        "链接：https://pan.baidu.com/s/1abcDEF 提取码：k8k8\n永久有效"),
    Act("2023-06-05T15:00", "SP-QXJ", "mail", ("report", "film"), text="总结和视频见附件。媒体报道如下：\n"
        "1. 气象科普进校园 四平日报 5月21日 https://news.example/qx1\n"
        "2. 市气象局开放日 四平晚报 5月23日 https://news.example/qx2"),
    Act("2023-06-05T15:00", MUTE, "wechat", ALL),
    Act("2023-06-05T23:30", "SP-STJ", "mail", ("old report", "film", "screenshot")),
    Act("2023-06-07T09:30", "220322", "mail", ALL),
]  # fmt: skip

COMPLETE = Stand()
LATE = "notice due_day overdue"
# Every unit of the cycle, as it must stand on the morning after closing. A late one is complete and not
# punctual; a link counts as nothing, and nobody is reminded of what lies behind it; who bounces hears
# nothing; the extended one has its own ladder.
STANDS: dict[str, Stand] = {
    "220300-self": COMPLETE,
    "220302": Stand(letters="notice supplement supplement receipt result"),
    "220303": Stand("nil"),
    "220322": Stand(flags="", letters=f"{LATE} receipt result"),
    "220323": Stand("partial", "", "notice supplement due_day overdue formal_notice result"),
    "220382": Stand("not_started", "", f"{LATE} formal_notice result"),
    "220371": Stand("waived", "", "notice result"),
    MUTE: Stand(flags="no_mailbox punctual", letters=""),
    "SP-JYJ": Stand(flags="extended punctual", letters="notice extension nudge due_day receipt result"),
    "SP-WJW": Stand(letters="notice correction due_day receipt result"),
    "SP-NYJ": Stand("in_query", letters="notice correction due_day overdue formal_notice result"),
    "SP-STJ": Stand(letters="notice due_day receipt result"),
    "SP-QXJ": Stand(letters="notice due_day receipt result"),
    "SP-JLNU": Stand("unsettled", ""),
    "SP-KJG": Stand("undeliverable", "", ""),
}
EXPECTED, MISSING, INCOMPLETE = 14, ["220382", "SP-KJG"], ["220323", "SP-JLNU"]
RATE, RATE_ON_TIME = "0.8571", "0.7857"  # 12 and 11 of 14: 梨树县 was late
LEADERS = {"220323", "220382", "SP-NYJ"}


def kit(office: Office, unit: str, what: str) -> tuple[str, bytes]:
    """What a clerk of the unit lays in; every unit's text and pictures are its own. (Most send a film: every
    photograph is looked at for a form on it, which takes a second.)"""
    name, seed = NAMES[unit], list(NAMES).index(unit)
    rows = [(1, f"{name}启动科技活动周", "四平日报", "5月20日", f"https://news.example/{seed}"),
            (2, f"{name}科普进校园", "四平广播电视台", "5月24日", None)]  # fmt: skip
    lines = ["媒体报道情况", *(f"{n}. {title} {link or ''}" for n, title, _, _, link in rows)]
    make = {
        "report": lambda: ("活动总结.docx", report(name)),
        "another's": lambda: ("活动总结.docx", document("科技活动周活动总结", BODY * 4, "四平市农业农村局")),
        "short": lambda: ("活动总结.docx", document(f"{name}活动总结", "活动已圆满完成。")),
        # saved as RTF and named .doc, as some office programs do
        "old report": lambda: ("活动总结.doc", rtf(f"{name}2023年科技活动周活动总结", BODY * 4, name)),
        "photo": lambda: ("活动照片.jpg", photo(shade=seed)),
        "film": lambda: ("现场视频.mp4", film(20 + seed)),
        "press": lambda: ("媒体报道清单.xlsx", press_book(rows)),
        "links": lambda: ("媒体报道链接.docx", document(*lines)),
        "screenshot": lambda: ("媒体报道截图.png", photo(800, 1200, shade=seed)),
    }
    return make[what]()


def rtf(*lines: str) -> bytes:
    words = "\n".join(lines).encode("gbk").hex()
    escaped = "".join(f"\\'{words[n : n + 2]}" for n in range(0, len(words), 2)).replace(r"\'0a", "\\par ")
    return f"{{\\rtf1\\ansi\\ansicpg936 {escaped}\\par}}".encode("ascii")


NAMES = {
    row.split(",")[0]: row.split(",")[2]
    for row in (PROJECT / f"include/cycles/{CYCLE}/roster.csv").read_text("utf-8").splitlines()[1:]
}


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """The whole cycle; the address of one unit is nobody's, another one has none."""
    home = tmp_path_factory.mktemp("siping")
    folder = home / "home/cycles" / CYCLE
    shutil.copytree(PROJECT / "include/cycles" / CYCLE, folder)
    roster = (folder / "roster.csv").read_text(encoding="utf-8")
    assert roster.count("liaohe@siping.example") == 1
    (folder / "roster.csv").write_text(roster.replace("liaohe@siping.example", ""), encoding="utf-8")
    with replayed(home, CYCLE, kit, bouncing=[BOUNCING]) as play:
        play.issue("2023-05-11T09:00")
        play.run([], until="2023-05-13T08:30")
        play.office.clock.instant = at("2023-05-28T00:00")  # nothing comes and nothing is due in between
        play.run(SCRIPT, until=FINAL)
        play.release("2023-06-20T10:00")
        yield play


def test_every_unit_stands_where_it_must_and_heard_what_it_must(play: Replay) -> None:
    assert set(STANDS) == set(NAMES)
    assert play.standings(FINAL) == {(SUMMARY, unit): stand for unit, stand in STANDS.items()}


def test_the_summary_says_who_is_missing_and_stays_what_it_is(play: Replay) -> None:
    done = play.office.assemble("2023-06-20T09:00", "final")
    cover = done["coverage"][SUMMARY]
    assert (cover["expected"], cover["returned"]) == (EXPECTED, EXPECTED - len(MISSING))
    assert (cover["missing"], cover["incomplete"], cover["waived"]) == (MISSING, INCOMPLETE, ["220371"])
    told = status(play.office.ctx, CYCLE, at(FINAL))
    assert (told["reporting_rate"], told["reporting_rate_on_time"]) == (RATE, RATE_ON_TIME)
    again = play.office.assemble("2023-06-21T09:00", "final")
    assert again == done
    assert {Path(f).suffix for f in done["files"]} >= {".xlsx", ".docx"}


def test_nobody_heard_twice_or_after_an_answer(play: Replay) -> None:
    play.nobody_heard_twice()
    texts = [(unit, mail.subject, mail.text) for unit in play.address for mail in play.mails(unit)]
    assert len(set(texts)) == len(texts)
    assert not play.letters(kind="escalation")


def test_each_answer_says_what_is_still_missing_or_wrong(play: Replay) -> None:
    texts = [mail.text for mail in play.mails("220302")]
    assert "尚缺影像资料" in texts[1] and "尚缺媒体报道资料" in texts[1]
    assert "尚缺媒体报道资料" in texts[2] and "尚缺影像" not in texts[2]
    assert "材料已报齐" in texts[3]
    assert "活动总结标题或落款为“四平市农业农村局”，与报送单位不一致" in play.mails("SP-WJW")[1].text
    assert "内容过于简略" in play.mails("SP-NYJ")[1].text
    assert "6月9日" in play.mails("SP-JYJ")[1].text
    assert "你单位已报送部分材料，尚缺媒体报道资料。" in play.mails("220323")[2].text  # a reminder, too


def test_the_operator_has_a_telephone_list_each_morning_and_the_leader_one_list(play: Replay) -> None:
    assert play.told_the_leader() == {(SUMMARY, unit) for unit in LEADERS}
    (path,) = (play.office.home / "editions" / CYCLE).glob("协调事项清单-*.docx")
    rows = [[cell.text for cell in row.cells] for row in docx.Document(str(path)).tables[0].rows]
    assert len(rows) == 1 + len(LEADERS)
    sheets = {p.stem: p for p in (play.office.home / "callsheets" / CYCLE).iterdir()}
    # three working days before the 5th is Wednesday the 31st; working days only, until the 19th
    days = ["05-31", "06-01", "06-02", *(f"06-{d:02}" for d in (5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 19))]
    assert sorted(sheets) == [f"2023-{day}" for day in days]
    names = [row[1] for row in openpyxl.load_workbook(sheets["2023-06-19"]).active.values]
    assert names[2:-1] == ["伊通满族自治县", "双辽市", "市农业农村局", "市科技馆"]
    told = [m for m in play.to_operator() if "催报电话单" in m.subject]
    assert len(told) == len(days)


def test_the_unit_without_a_mailbox_is_told_through_the_group(play: Replay) -> None:
    laid_out = (play.office.home / "forwarding" / CYCLE).glob("*/*.txt")
    texts = {path.parent.name: path.read_text("utf-8-sig") for path in laid_out}
    assert set(texts) == {"2023-05-11-下发", "2023-06-05-到期当日提醒"}  # it answered that afternoon
    assert all("6月5日（星期一）前（含当日）" in text and "辽河" not in text for text in texts.values())
    assert any("未设邮箱" in line for line in work_papers(play.office.ctx, CYCLE))
    unit = next(u for u in status(play.office.ctx, CYCLE, at(FINAL))["units"] if u["code"] == MUTE)
    assert all("经微信收到" in note for note in unit["notes"]) and len(unit["notes"]) == 3


def test_what_comes_after_the_final_summary_makes_a_revised_one(play: Replay) -> None:
    play.run([Act("2023-06-21T10:00", "220382", "mail", ALL)], until="2023-06-21T10:00")
    assert play.standings("2023-06-21T11:00")[SUMMARY, "220382"].status == "complete"
    assert play.standings(FINAL)[SUMMARY, "220382"].status == "not_started"
    with pytest.raises(UsageError, match="revised"):
        play.office.assemble("2023-06-21T11:00", "final")
    revised = play.office.assemble("2023-06-21T11:00", "revised")["coverage"][SUMMARY]
    assert (revised["returned"], revised["missing"]) == (13, ["SP-KJG"])
