"""The DAGs as Airflow sees them: they load, serialize, say what they do, and cost little to parse."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from dag_home import HOME, ROOT, run_python

from huizong_airflow.manuals import SECTIONS

SNAPSHOT = Path(__file__).with_name("snapshot.json")
HEAVY = ["pandas", "numpy", "great_expectations", "openpyxl", "docx", "lxml", "alembic", "imapclient"]
EXPECTED = {
    *(f"live-2026.{verb}" for verb in ("issue", "validate", "chase", "assemble", "release")),
    *(f"folder-2026.{verb}" for verb in ("issue", "validate", "chase", "assemble", "release")),
    "broken-2026.broken",
    "receive.mailbox-example",
    "send.mailbox-example",
    "receive.uploads",
    "health",
}


def test_every_cycle_and_channel_has_its_dags_and_a_broken_one_does_not_take_them_away(
    dags: dict[str, Any],
) -> None:
    assert set(dags) == EXPECTED


LOAD_AFRESH = f"""
import json, runpy, sys
dags = {{}}
for name in ('cycles', 'channels', 'health'):
    dags |= runpy.run_path(f'dags/{{name}}.py')
heavy = [m for m in {HEAVY!r} if m in sys.modules]
from airflow.serialization.serialized_objects import DagSerialization
texts = {{n: json.dumps(DagSerialization.to_dict(d)['dag']['tasks'], sort_keys=True)
         for n, d in dags.items() if '.' in n or n == 'health'}}
print(json.dumps([heavy, texts]))
"""


def test_dag_files_import_nothing_heavy_and_load_alike_in_every_process(dags: dict[str, Any]) -> None:
    """Every task process loads them again; a difference from one process to the next makes a new version."""
    from airflow.serialization.serialized_objects import DagSerialization

    heavy, texts = json.loads(run_python(LOAD_AFRESH, PYTHONHASHSEED="1").splitlines()[-1])
    assert heavy == []
    for dag_id, dag in dags.items():
        here = json.dumps(DagSerialization.to_dict(dag)["dag"]["tasks"], sort_keys=True)
        assert here == texts[dag_id], dag_id


def test_dags_survive_serialization(dags: dict[str, Any]) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    for dag in dags.values():
        again = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))
        assert sorted(again.task_ids) == sorted(dag.task_ids)


def test_a_live_cycle_runs_at_its_instants_and_catches_up(dags: dict[str, Any]) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    issue = DagSerialization.from_dict(DagSerialization.to_dict(dags["live-2026.issue"]))
    assert [at.isoformat() for at in issue.timetable.event_dates] == ["2026-05-18T01:00:00+00:00"]
    chase = DagSerialization.from_dict(DagSerialization.to_dict(dags["live-2026.chase"]))
    assert "2026-06-05T01:00:00+00:00" in [at.isoformat() for at in chase.timetable.event_dates]
    for verb in ("issue", "chase", "assemble"):
        dag = dags[f"live-2026.{verb}"]
        assert dag.catchup is True
        assert dag.max_active_runs == 1


def test_a_cycle_that_is_not_live_runs_by_hand_only(dags: dict[str, Any]) -> None:
    for dag_id in [*(d for d in EXPECTED if d.startswith("folder-2026.")), "receive.uploads"]:
        assert dags[dag_id].timetable.can_be_scheduled is False, dag_id
        assert "as_of" in dags[dag_id].params, dag_id


def test_the_broken_cycle_says_what_is_wrong_and_fails(dags: dict[str, Any]) -> None:
    placeholder = dags["broken-2026.broken"]
    assert "mailbox-nowhere" in placeholder.doc_md
    assert "cycle.yaml" in placeholder.doc_md
    assert "定义有误" in placeholder.tags
    (task,) = placeholder.tasks
    with pytest.raises(Exception, match="mailbox-nowhere"):
        task.python_callable(*task.op_args)


def test_every_dag_explains_itself_to_the_operator(dags: dict[str, Any]) -> None:
    for dag_id, dag in dags.items():
        headings = [line.removeprefix("### ") for line in dag.doc_md.splitlines() if line.startswith("### ")]
        assert headings == list(SECTIONS), dag_id
        assert "{" not in dag.doc_md, dag_id
        assert dag.dag_display_name != dag_id
        assert {"统计任务", "渠道", "告警"} & dag.tags, dag_id
        assert set(dag_id.split(".")) & dag.tags, dag_id  # the cycle's or the channel's code


def test_errors_are_retried_by_their_kind(dags: dict[str, Any]) -> None:
    from airflow.sdk import RetryAction

    from huizong.errors import OperatorError, TransientError, UsageError
    from huizong.ledger.engine import LockBusyError

    policy = dags["live-2026.validate"].get_task("validate").retry_policy
    busy, outside = (policy.evaluate(e("x"), 1, 3) for e in (LockBusyError, TransientError))
    assert busy.action == outside.action == RetryAction.RETRY
    assert busy.retry_delay < outside.retry_delay
    assert policy.evaluate(OperatorError("x"), 1, 3).action == RetryAction.FAIL
    assert policy.evaluate(UsageError("x"), 1, 3).action == RetryAction.FAIL


def test_nobody_s_answer_leaves_things_as_they_are(dags: dict[str, Any]) -> None:
    question = dags["live-2026.release"].get_task("question")
    assert question.defaults == ["{{ params.decline_label }}"]
    assert question.response_timeout is not None
    assert question.retries == 0


def test_tasks_and_edges_are_as_recorded(dags: dict[str, Any]) -> None:
    """A changed graph is a decision: `HUIZONG_UPDATE=1 pytest tests/dags` records it."""
    graph = {
        dag_id: {t.task_id: sorted(t.downstream_task_ids) for t in sorted(dag.tasks, key=lambda t: t.task_id)}
        for dag_id, dag in sorted(dags.items())
    }
    if os.environ.get("HUIZONG_UPDATE"):
        SNAPSHOT.write_text(json.dumps(graph, indent=2) + "\n", encoding="utf-8")
    assert graph == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


def test_inside_a_task_only_its_own_cycle_is_loaded() -> None:
    found = run_python(
        "import os; os.environ['_AIRFLOW_PARSING_CONTEXT_DAG_ID'] = 'live-2026.chase'\n"
        "import runpy; names = runpy.run_path('dags/cycles.py')\n"
        "print(sorted(n for n in names if '.' in n))"
    )
    assert "live-2026.chase" in found
    assert "folder-2026" not in found


def test_the_reference_of_dags_is_current() -> None:
    """`python -m huizong_airflow.reference tests/dags/home live-2026 > docs/dags.md` brings it up to date."""
    from huizong_airflow.reference import example

    assert (ROOT / "docs" / "dags.md").read_text(encoding="utf-8") == example(HOME, "live-2026")


def test_what_a_clerk_wrote_is_never_carried_out_as_a_template() -> None:
    from huizong_airflow.asking import AskOperator

    told = {"body": "应报单位：{{ dag_run.conf }}{% for x in range(9) %}县{% endfor %}"}
    ask = AskOperator(task_id="ask", trigger_dag_id="live-2026.release", conf=dict(told))
    ask.render_template_fields({})  # type: ignore[typeddict-item]
    assert ask.conf == told


def test_how_often_channels_are_read_is_a_cron_expression_or_seconds() -> None:
    from datetime import timedelta

    from huizong.errors import UsageError
    from huizong_airflow.channel_dags import clock

    assert clock("15s").delta == timedelta(seconds=15)
    assert clock("*/10 * * * *").expression == "*/10 * * * *"
    with pytest.raises(UsageError, match="HUIZONG_RECEIVE_EVERY"):
        clock("often")


def test_only_what_forks_tasks_imports_the_heavy_modules_beforehand() -> None:
    import runpy

    forks = runpy.run_path(str(ROOT / "include/huizong_airflow/config/airflow_local_settings.py"))[
        "_forks_tasks"
    ]
    assert forks(["airflow", "scheduler"])
    assert forks(["airflow", "celery", "worker"])
    assert not any(forks(["airflow", name]) for name in ("api-server", "triggerer", "dag-processor"))
    assert not forks(["airflow", "dags", "list"])
