"""The board of a cycle with several collections: each with its office, time and coverage; files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import docx
import pytest
from fastapi.testclient import TestClient

from huizong.stages.issued import log_event
from huizong.stages.triage import assign, waiting
from huizong_airflow.board import app as board
from huizong_airflow.board import decisions, pages
from office import PROJECT, Office, fill, honest

CAST, XINXIANG = "cast-2023", "xinxiang-2022"
SIGNED = {"by": "李科", "reason": "来件写明无活动"}


class Home:
    """A home on which two cycles stand side by side, and the board over it."""

    def __init__(self, folder: Path) -> None:
        self.cast = Office(folder, cycle=CAST)
        self.xinxiang = Office(folder, cycle=XINXIANG)
        self.client = TestClient(board.app)

    def page(self, cycle: str) -> str:
        return " ".join(re.sub(r"<[^>]+>", " ", self.client.get(f"/cycles/{cycle}").text).split())


def report(place: Path, text: str) -> bytes:
    document = docx.Document()
    document.add_heading(text)
    document.add_paragraph("本地区认真组织活动，取得良好效果。" * 60)
    document.save(str(place))
    return place.read_bytes()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("board")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUIZONG_HOME", str(folder))
        patch.setenv("HUIZONG_PROJECT", str(PROJECT))
        patch.setattr(decisions, "may_decide", lambda code, user: True)
        pages.context.cache_clear()
        board.app.dependency_overrides[board.reader] = lambda: None
        yield _played(Home(folder), folder)
        board.app.dependency_overrides.clear()
        pages.context.cache_clear()


def _played(home: Home, folder: Path) -> Home:
    """cast-2023 until its final edition; of xinxiang-2022 one unit, with its form and nothing else."""
    home.cast.issue("2023-07-24T09:00")
    text = report(folder / "x.docx", "上海市科协2023年全国科普日活动总结")
    home.cast.drop("310000", {"总结.docx": text}, "uploads")
    home.cast.drop("320000", {"无活动.txt": "无活动".encode()}, "uploads")
    home.cast.receive("2023-10-09T09:00", "uploads")
    (nil,) = waiting(home.cast.ctx)["waiting"]
    assign(home.cast.ctx, nil["id"], "320000", "summary", part="nil", **SIGNED)
    home.cast.validate("2023-10-09T09:00")
    for moment in ("2023-10-09T09:10", "2023-10-17T08:30"):
        home.cast.chase(moment)
    home.cast.assemble("2023-10-26T09:00")
    home.xinxiang.issue()
    home.xinxiang.drop("410702", {"表.xlsx": fill(home.xinxiang.template("410702"), honest())})
    home.xinxiang.receive_folder("2022-06-14T10:00")
    home.xinxiang.validate("2022-06-14T10:00")
    return home


def test_a_voluntary_collection_has_no_rate_and_the_other_has_its_own(home: Home) -> None:
    page = home.page(CAST)
    voluntary, asked = page.split("各省科协（含兵团）、全国学会活动总结")[:2]
    assert "自愿报送，已收到 0 家" in voluntary
    assert "报送率" not in voluntary
    assert "应报 50 家，已报 2 家（其中零报告 1 家），未报 48 家；报送率 4.0%" in asked
    assert "截止 2023-10-10" in asked
    assert "中国科协科普部（须经处长、部领导签批）" in asked
    assert "还没有单位报送" in page


def test_a_nil_return_is_told_apart_from_a_full_one(home: Home) -> None:
    rows = home.client.get(f"/cycles/{CAST}").text.split("<tr>")
    nil = next(row for row in rows if ">320000<" in row)
    full = next(row for row in rows if ">310000<" in row)
    assert "零报告" in nil
    assert "已报齐" not in nil
    assert "已报齐" in full
    assert "未收到" not in nil + full


def test_each_office_s_part_of_a_cycle_stands_by_itself(home: Home) -> None:
    page = home.page(XINXIANG)
    assert "新乡市科学技术局科技合作人才与科普科（须经科长、分管局领导签批）" in page
    assert "新乡市科学技术协会组织人事部（须经部长、分管主席签批）" in page
    assert re.search(r"应报 18 家，已报 1 家，未报 17 家，已报但缺件 1 家", page)
    row = next(r for r in home.client.get(f"/cycles/{XINXIANG}").text.split("<tr>") if ">410702<" in r)
    assert "缺统计表盖章扫描件、总结报告" in row
    both = next(r for r in home.client.get(f"/cycles/{XINXIANG}").text.split("<tr>") if ">410773<" in r)
    assert "另有：各县（市、区）科协、市属学会、高校科协、企业科协" in both
    front = home.client.get("/").text
    assert "应报 45 家次" in front


def links(page: str) -> dict[str, str]:
    return {
        name: url
        for url, name in re.findall(r'<a href="/huizong(/cycles/[^"]+/files/[^"]+)">([^<]+)</a>', page)
    }


def test_lists_and_work_papers_can_be_fetched(home: Home) -> None:
    page = home.client.get(f"/cycles/{CAST}").text
    found = links(page)
    for words in (
        "催报电话单2023-10-17.xlsx",
        "协调事项清单",
        "公开版",
        "评选参考",
        "下发-各省科协（含兵团）、全国学会活动总结-群消息.txt",
        "_各省科协（含兵团）、全国学会活动总结.xlsx",
    ):
        (name,) = [n for n in found if words in n]
        answer = home.client.get(found[name])
        assert answer.status_code == 200
        assert "attachment" in answer.headers["content-disposition"]
        assert len(answer.content) > 100
    sheet = home.client.get(found["催报电话单2023-10-17.xlsx"]).content
    assert sheet == (home.cast.home / "callsheets" / CAST / "2023-10-17.xlsx").read_bytes()
    order = [
        page.index(f"<b>{group}")
        for group in ("汇总：定稿", "公开版", "评选参考", "催报电话单", "提请领导协调")
    ]
    assert order == sorted(order)


def test_who_may_not_sign_off_sees_names_and_gets_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = links(home.client.get(f"/cycles/{CAST}").text)["催报电话单2023-10-17.xlsx"]
    monkeypatch.setattr(decisions, "may_decide", lambda code, user: False)
    page = home.client.get(f"/cycles/{CAST}").text
    assert links(page) == {}
    assert "您没有下载权限" in page
    refused = home.client.get(url)
    assert refused.status_code == 403
    assert "没有下载本任务文件的权限" in refused.text


def test_nothing_else_can_be_fetched(home: Home, tmp_path: Path) -> None:
    """Another cycle's file, one that is not offered, and one outside the home."""
    url = links(home.client.get(f"/cycles/{CAST}").text)["催报电话单2023-10-17.xlsx"]
    assert home.client.get(url.replace(CAST, XINXIANG)).status_code == 404
    assert home.client.get(f"/cycles/{CAST}/files/w1/99").status_code == 404
    secret = tmp_path / "token.keys"
    secret.write_bytes(b"key")
    ctx = home.cast.ctx
    with ctx.ledger.write() as session:
        log_event(session, ctx, "callsheet", cycle=XINXIANG, path=str(secret), units=1)
    assert "token.keys" not in links(home.client.get(f"/cycles/{XINXIANG}").text)
