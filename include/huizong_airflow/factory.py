"""All DAGs of this installation. A cycle that cannot be loaded becomes a red placeholder; the others run."""

from __future__ import annotations

import logging

import pendulum
from airflow.sdk import DAG, CronTriggerTimetable, get_parsing_context, task

from huizong.definition.load import LoadedCycle, find_cycles, load_cycle
from huizong.definition.yaml_file import DefinitionError
from huizong.home import Home
from huizong_airflow.channel_dags import channel_dags, channels_of
from huizong_airflow.cycle_dags import CycleDags
from huizong_airflow.manuals import broken_manual
from huizong_airflow.policy import DEFAULT_ARGS

log = logging.getLogger(__name__)


def cycle_dags(home: Home) -> dict[str, DAG]:
    """The families of all cycles by DAG id; inside a task only its own cycle's (each task parses again)."""
    wanted = get_parsing_context().dag_id
    dags: list[DAG] = []
    for code, path in find_cycles(home).items():
        if wanted is not None and wanted.rpartition(".")[0] != code:
            continue
        try:
            dags += CycleDags(load_cycle(path, home)).all()
        except Exception as e:  # one cycle's fault must not take the others' DAGs away
            log.warning("统计任务 %s 的定义有误：%s", code, e)
            dags.append(broken(code, problems_of(e)))
    return {dag.dag_id: dag for dag in dags}


def all_channel_dags(home: Home) -> dict[str, DAG]:
    """`receive.*` and `send.*` of every channel that a sound definition names."""
    sound: list[LoadedCycle] = []
    for path in find_cycles(home).values():
        try:
            sound.append(load_cycle(path, home))
        except Exception:  # noqa: S112 - cycle_dags shows it
            continue
    return {dag.dag_id: dag for channel in channels_of(sound) for dag in channel_dags(channel)}


def problems_of(error: Exception) -> str:
    """The problems as a Markdown list, each with its file and line."""
    if isinstance(error, DefinitionError):
        return "\n".join(f"- `{p.file}` 第 {p.line} 行：{p.message}" for p in error.problems)
    return f"- {type(error).__name__}: {error}"


def fail(problems: str) -> None:
    raise DefinitionProblem(problems)


class DefinitionProblem(Exception):
    """What the placeholder's task fails with."""


def broken(code: str, problems: str) -> DAG:
    """A DAG that fails and says why."""
    with DAG(
        f"{code}.broken",
        dag_display_name=f"{code}·定义有误",
        doc_md=broken_manual(code, problems),
        tags=["统计任务", code, "定义有误"],
        schedule=CronTriggerTimetable("*/30 * * * *", timezone="Asia/Shanghai"),
        start_date=pendulum.datetime(2020, 1, 1, tz="Asia/Shanghai"),
        catchup=False,
        max_active_runs=1,
        default_args={"owner": DEFAULT_ARGS["owner"], "retries": 0},
        is_paused_upon_creation=False,
    ) as dag:
        task(task_id="definition", task_display_name="检查定义")(fail)(problems)
    return dag
