"""The DAGs of the five cycles that come with the project, of a live copy of one, and of a hundred."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from dag_home import ROOT, run_python

SNAPSHOT = Path(__file__).with_name("five_cycles.json")
CYCLES = ROOT / "include" / "cycles"
VERBS = ("issue", "validate", "chase", "assemble", "release")
CHANNELS = {
    "mailbox-kjj": {"xinxiang-2022", "xinxiang-2023"},
    "mailbox-kx": {"xinxiang-2022", "xinxiang-2023"},
    "mailbox-siping": {"siping-2023"},
    "mailbox-jilin": {"jilin-2020"},
    "uploads": {"cast-2023"},
}
# what an operator must find in the manual of each: collections, offices, due days
TOLD = {
    "xinxiang-2022": [
        "新科协〔2022〕10号",
        "**各县（市、区）科技管理部门及有关单位**：新乡市科学技术局科技合作人才与科普科",
        "须经科长、分管局领导签批", "：新乡市科学技术协会组织人事部（须经部长、分管主席签批）",
        "2022-06-20（含当日）截止", "统计表盖章扫描件", "`mailbox-kx`",
    ],
    "xinxiang-2023": ["2023-06-05（含当日）截止", "2023-05-17 09:00"],
    "siping-2023": ["四平市科学技术局", "2023-06-05（含当日）截止", "媒体报道资料"],
    "jilin-2020": ["2020-07-31（含当日）截止", "2020-09-01（含当日）截止", "政策法规与创新体系建设处"],
    "cast-2023": [
        "自愿报送，没有应报名单，不催报，不计报送率；2023-08-21起；2023-09-23（含当日）关闭",
        "2023-10-10（含当日）截止", "`uploads`（文件夹）",
    ],
}  # fmt: skip


def load(home: Path) -> dict[str, Any]:
    from airflow.dag_processing.dagbag import DagBag

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUIZONG_HOME", str(home))
        patch.delenv("HUIZONG_PROJECT", raising=False)
        bag = DagBag(str(ROOT / "dags"))
    assert bag.import_errors == {}
    return dict(bag.dags)


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return load(tmp_path_factory.mktemp("empty"))


def test_titles_and_tags_are_as_recorded(five: dict[str, Any]) -> None:
    """`HUIZONG_UPDATE=1 pytest tests/dags` records them anew."""
    assert set(five) == {
        *(f"{cycle}.{verb}" for cycle in TOLD for verb in VERBS),
        *(f"receive.{channel}" for channel in CHANNELS),
        *(f"send.{channel}" for channel in CHANNELS if channel != "uploads"),
        "health",
    }
    found = {dag_id: [dag.dag_display_name, *sorted(dag.tags)] for dag_id, dag in sorted(five.items())}
    if os.environ.get("HUIZONG_UPDATE"):
        SNAPSHOT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert found == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


@pytest.mark.parametrize("cycle", TOLD)
def test_a_cycle_s_manual_names_what_is_asked_by_whom_and_until_when(
    five: dict[str, Any], cycle: str
) -> None:
    for verb in VERBS:
        for words in TOLD[cycle]:
            assert words in five[f"{cycle}.{verb}"].doc_md, (verb, words)


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_s_manual_names_the_cycles_that_use_it(five: dict[str, Any], channel: str) -> None:
    manual = five[f"receive.{channel}"].doc_md
    assert {cycle for cycle in TOLD if f"（{cycle}）" in manual} == CHANNELS[channel]


def test_archived_cycles_run_by_hand_and_only_with_a_day_given(five: dict[str, Any]) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    for dag_id, dag in five.items():
        if dag_id == "health":
            continue
        assert dag.timetable.can_be_scheduled is False, dag_id
        # outside these Airflow would give the run no tasks, and it would be green
        assert dag.start_date.year <= 2020, dag_id
        assert dag.end_date is None, dag_id
        param = dag.params.get_param("as_of")
        assert "业务时间" in param.schema["title"]
        assert "必填" in param.description
        with pytest.raises(ParamValidationError):
            param.resolve()
        assert param.resolve("2023-10-10T01:00:00Z") == "2023-10-10T01:00:00Z"
    told = five["jilin-2020.chase"].params.get_param("as_of").description
    assert "2020-07-23 09:00 下发，2020-07-31（含当日）、2020-09-01（含当日）截止" in told


@pytest.fixture(scope="module")
def next_year(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """siping-2026 made from siping-2023 by `huizong new`, and live."""
    from huizong.cli.app import run
    from huizong.clock import FixedClock

    home = tmp_path_factory.mktemp("next-year")
    made = run(["new", "siping-2026", "--from", "siping-2023"], {"HUIZONG_HOME": str(home)}, FixedClock())
    assert made == 0
    definition = home / "cycles/siping-2026/cycle.yaml"
    text = definition.read_text(encoding="utf-8")
    definition.write_text(text.replace("live: false", "live: true"), encoding="utf-8")
    return load(home)


# Due on Monday 8 June 2026, the event ends on 3 June; 19 June is free, so ten working days end on the 23rd.
NEXT = {
    "issue": [(None, "2026-05-14T09:00")],
    "chase": [
        (None, "2026-05-15T08:30"),  # each morning: also those on which the telephone list is made
        ("2026-06-02T08:30", "2026-06-03T08:30"),
        ("2026-06-04T08:30", "2026-06-05T08:30"),
        ("2026-06-08T08:30", "2026-06-08T09:00"),  # due_day
        ("2026-06-08T09:00", "2026-06-09T08:00"),  # overdue
        ("2026-06-10T09:00", "2026-06-11T08:00"),  # formal_notice
        ("2026-06-14T08:30", "2026-06-15T08:00"),  # superior_informed
    ],
    "assemble": [
        ("2026-06-08T08:30", "2026-06-09T08:30"),  # provisional
        ("2026-06-23T08:30", "2026-06-24T00:00"),  # final: closed
    ],
}


@pytest.mark.parametrize("verb", NEXT)
def test_a_live_cycle_shows_its_next_run(next_year: dict[str, Any], verb: str) -> None:
    import pendulum
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.timetables.base import DataInterval, TimeRestriction

    dag = DagSerialization.from_dict(DagSerialization.to_dict(next_year[f"siping-2026.{verb}"]))
    whole = TimeRestriction(earliest=dag.start_date, latest=dag.end_date, catchup=True)

    def at(text: str) -> pendulum.DateTime:
        return pendulum.instance(pendulum.parse(text, tz="Asia/Shanghai")).in_timezone("UTC")  # type: ignore[arg-type]

    for last, expected in NEXT[verb]:
        interval = DataInterval.exact(at(last)) if last else None
        info = dag.timetable.next_dagrun_info(last_automated_data_interval=interval, restriction=whole)
        assert info is not None
        assert info.run_after == at(expected), (last, info.run_after)


def test_a_live_cycle_and_an_archived_one_share_their_mailbox(next_year: dict[str, Any]) -> None:
    receive = next_year["receive.mailbox-siping"]
    assert receive.timetable.can_be_scheduled
    assert receive.params["as_of"] is None  # by the clock it is now
    assert "（siping-2026）" in receive.doc_md
    assert "（siping-2023）" in receive.doc_md


HUNDRED = """
import json, sys, time
from airflow.dag_processing.dagbag import DagBag
started = time.perf_counter()
bag = DagBag('dags/cycles.py')
seconds = time.perf_counter() - started
heavy = [m for m in ('pandas', 'numpy', 'great_expectations', 'openpyxl', 'docx', 'lxml') if m in sys.modules]
print(json.dumps([seconds, bag.import_errors, sorted(bag.dags), heavy]))
"""


def test_a_hundred_cycles_and_a_broken_one_load_in_one_pass(tmp_path: Path, record_property: Any) -> None:
    """None takes the others away and nothing heavy is imported; how long it takes is noted, not judged."""
    sources = sorted(p for p in CYCLES.iterdir() if (p / "cycle.yaml").is_file())
    codes = [f"{source.name}-{n:02}" for source in sources for n in range(20)]
    for code in codes:
        folder = tmp_path / "cycles" / code
        shutil.copytree(CYCLES / code[:-3], folder)
        _edit(folder, f"code: {code[:-3]}\n", f"code: {code}\n")
    _edit(tmp_path / "cycles" / codes[7], "due: ", "due: 2021-13-01 # ")
    (tmp_path / "forms").symlink_to(ROOT / "include" / "forms")
    seconds, errors, dags, heavy = json.loads(run_python(HUNDRED, tmp_path).splitlines()[-1])
    record_property("seconds", round(seconds, 2))
    assert (errors, heavy) == ({}, [])
    sound = [code for code in codes if code != codes[7]]
    assert len(codes) == 100
    assert set(dags) == {f"{codes[7]}.broken", *(f"{code}.{verb}" for code in sound for verb in VERBS)}


def _edit(folder: Path, old: str, new: str) -> None:
    path = folder / "cycle.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
