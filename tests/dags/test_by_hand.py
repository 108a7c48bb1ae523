"""An archived cycle run by hand in real Airflow, DAG after DAG, each with the day it is to be taken for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dag_home import ROOT

from office import Office

CYCLE = "cast-2023"
RUN = """
import json, os, sys
from pathlib import Path
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session

folder = Path('dags').resolve()
bag = DagBag(str(folder), bundle_name='dags-folder', bundle_path=folder)
DagBundlesManager().sync_bundles_to_db()
sync_bag_to_db(bag, 'dags-folder', None)
told = []
for dag_id, as_of in json.loads(sys.argv[1]):
    run = bag.dags[dag_id].test(run_conf={'as_of': as_of})
    told.append([dag_id, run.state, {t.task_id: t.state for t in run.get_task_instances()}])
with create_session() as session:
    asked = [[r.dag_id, r.conf] for r in session.query(DagRun).all() if r.dag_id.endswith('.release')]
print(json.dumps([told, asked], default=str))
"""


class Airflow:
    """An Airflow of its own over one home; every call is a fresh process."""

    def __init__(self, home: Path, folder: Path) -> None:
        settings = {
            "HUIZONG_HOME": str(home),
            "HUIZONG_PROJECT": str(ROOT),
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}",
        }
        self.environ = {**os.environ, **settings}
        self._call(["-m", "airflow", "db", "migrate"])

    def run(self, *runs: tuple[str, str]) -> tuple[list[list[Any]], list[list[Any]]]:
        """(DAG, as_of) each; their states, and the questions that were asked so far."""
        told, asked = json.loads(self._call(["-c", RUN, json.dumps(runs)]).splitlines()[-1])
        return told, asked

    def _call(self, arguments: list[str]) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], env=self.environ, cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout


@pytest.mark.slow
def test_an_archived_cycle_is_run_by_hand_as_of_its_own_days(tmp_path: Path) -> None:
    from huizong.stages.release import approve
    from office import at

    office = Office(tmp_path / "home", cycle=CYCLE)
    airflow = Airflow(office.home, tmp_path / "airflow")
    told, asked = airflow.run(
        (f"{CYCLE}.validate", "2023-07-24T08:00:00+08:00"), (f"{CYCLE}.issue", "2023-07-24T09:00:00+08:00")
    )
    assert told[0][2] == {"validate": "skipped"}  # nothing has been issued: that is no failure
    assert told[1][1] == "success"
    ((dag_id, question),) = asked
    assert dag_id == f"{CYCLE}.release"
    assert question["as_of"] == "2023-07-24T09:00:00+08:00"  # the answer, too, is of that day
    assert "须经处长、部领导签批" in question["body"]

    approve(
        office.ctx,
        CYCLE,
        "issue",
        at("2023-07-24T09:00"),
        by="王局",
        basis="签批单",
        subject=question["subject"],
    )
    office.drop("310000", {"总结.docx": _report(tmp_path)}, "uploads")
    told, asked = airflow.run(
        ("receive.uploads", "2023-10-09T10:00:00+08:00"),
        (f"{CYCLE}.validate", "2023-10-09T10:05:00+08:00"),
        (f"{CYCLE}.chase", "2023-10-10T09:00:00+08:00"),
        (f"{CYCLE}.assemble", "2023-10-25T00:00:00+08:00"),
    )
    assert [state for _, state, _ in told] == ["success"] * 4
    assert told[3][2]["assemble"] == "success"
    shanghai = office.unit("310000", "2023-10-25T00:00")
    assert (shanghai["status"], shanghai["punctual"]) == (
        "complete",
        True,
    )  # taken for the day that was given
    assert (office.home / "callsheets" / CYCLE / "2023-10-10.xlsx").is_file()
    assert list((office.home / "editions" / CYCLE / "final-1").glob("*_summary.docx"))
    assert sorted(conf["question"] for _, conf in asked) == ["final", "issue"]


def _report(folder: Path) -> bytes:
    import docx

    document = docx.Document()
    document.add_heading("上海市科协2023年全国科普日活动总结")
    document.add_paragraph("本地区认真组织活动，取得良好效果。" * 60)
    document.save(str(folder / "x.docx"))
    return (folder / "x.docx").read_bytes()
