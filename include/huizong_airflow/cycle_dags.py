"""The family of DAGs of one cycle, from its definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pendulum
from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable, Param, TriggerRule, task

# The core class: the one in airflow.sdk cannot be serialized in 3.3.2.
from airflow.timetables.events import EventsTimetable

from huizong.definition.load import LoadedCycle
from huizong.definition.schedule import instants
from huizong_airflow import asking, cycle_tasks
from huizong_airflow.arrangement import arrangement, deadlines, minute
from huizong_airflow.assets import LETTERS, arrivals
from huizong_airflow.clock import as_of_param
from huizong_airflow.manuals import manual
from huizong_airflow.policy import DEFAULT_ARGS

VERBS = {"issue": "发文", "validate": "审核", "chase": "催报", "assemble": "汇总", "release": "签批"}
LONG_AGO = pendulum.datetime(2020, 1, 1, tz="UTC")
VALIDATE_EVERY = "*/30 * * * *"


class CycleDags:
    """Builds `<cycle>.issue`, `.validate`, `.chase`, `.assemble` and `.release`."""

    def __init__(self, loaded: LoadedCycle) -> None:
        cycle = loaded.cycle
        self.code = cycle.code
        self.title = cycle.title
        self.live = cycle.live
        self.zone = cycle.timezone
        self.channels = sorted({c.channel for c in cycle.collections if cycle.channels[c.channel].address})
        self.instants = instants(loaded.schedule)
        self.about = arrangement(loaded)
        self.issue_at = minute(loaded)
        self.hint = f"《{self.title}》{self.issue_at} 下发，{deadlines(loaded)}截止。"

    def all(self) -> list[DAG]:
        return [self.issue(), self.validate(), self.chase(), self.assemble(), self.release()]

    def issue(self) -> DAG:
        with self._dag("issue", self._at("issue")) as dag:
            self._ask()
        return dag

    def validate(self) -> DAG:
        clock = CronTriggerTimetable(VALIDATE_EVERY, timezone=self.zone)
        schedule = AssetOrTimeSchedule(timetable=clock, assets=arrivals(self.code))
        with self._dag("validate", schedule if self.live else None, catchup=False, ends=True) as dag:
            self._stage(cycle_tasks.validate, "读表审核并答复", self.code, self.zone, self.channels)
        return dag

    def chase(self) -> DAG:
        with self._dag("chase", self._at("chase")) as dag:
            chased = self._stage(cycle_tasks.chase, "催报", self.code, self.zone, self.channels)
            chased >> self._ask()
        return dag

    def assemble(self) -> DAG:
        with self._dag("assemble", self._at("assemble")) as dag:
            assembled = task(task_id="assemble", task_display_name="生成汇总")(cycle_tasks.assemble)
            assembled(self.code, self.zone) >> self._ask()
        return dag

    def release(self) -> DAG:
        # Several questions may wait at once; each is a run.
        with self._dag(
            "release", None, max_active_runs=16, params=asking.release_params(self._as_of())
        ) as dag:
            question = asking.question_operator()
            recorded = self._stage(
                asking.record, "记录并执行", self.code, self.zone, self.channels, question.output
            )
            recorded >> self._ask()  # one answer may lead to the next question: final, then results
        return dag

    def _stage(self, function: Callable[..., Any], label: str, *arguments: Any) -> Any:
        """A task that may announce letters to their senders."""
        decorate = task(task_id=function.__name__, task_display_name=label, outlets=[LETTERS])
        return decorate(function)(*arguments)

    def _ask(self) -> Any:
        """What waits for a person, then a run of `<cycle>.release` for each."""
        # Before issue the stage is skipped, and the question is whether to issue: so not only after success.
        decorate = task(
            task_id="questions", task_display_name="列出待签批事项", trigger_rule=TriggerRule.NONE_FAILED
        )
        asked = decorate(asking.questions)(self.code, self.zone)
        asking.AskOperator.partial(
            task_id="ask",
            task_display_name="发起签批",
            trigger_dag_id=f"{self.code}.release",
            skip_when_already_exists=True,
            map_index_template="{{ task.trigger_run_id }}",
        ).expand_kwargs(asked)
        return asked

    def _as_of(self) -> Param:
        """A new one for each DAG: Airflow keeps what was given in the object."""
        return as_of_param(live=self.live, hint=self.hint)

    def _at(self, verb: str) -> EventsTimetable | None:
        if not self.live:
            return None
        moments = [pendulum.instance(at).in_timezone("UTC") for at in self.instants[verb]]
        return EventsTimetable(moments, description=f"{len(moments)} 个时刻")

    def _dag(
        self,
        verb: str,
        schedule: EventsTimetable | AssetOrTimeSchedule | None,
        *,
        catchup: bool = True,
        ends: bool = False,
        max_active_runs: int = 1,
        params: dict[str, Any] | None = None,
    ) -> DAG:
        start, end = self.instants["issue"][0], self.instants["chase"][-1]
        return DAG(
            f"{self.code}.{verb}",
            dag_display_name=f"{self.title}·{VERBS[verb]}",
            description=f"{self.title}：{VERBS[verb]}",
            doc_md=manual(
                verb,
                live=self.live,
                about=self.about,
                code=self.code,
                issue_at=self.issue_at,
                end=f"{end:%Y-%m-%d}",
            ),
            tags=["统计任务", self.code, VERBS[verb]],
            schedule=schedule,
            # Outside these Airflow gives a run no tasks, not even one started by hand: a rehearsal and an
            # archived cycle have neither.
            start_date=pendulum.instance(start) if self.live else LONG_AGO,
            end_date=pendulum.instance(end) if ends and self.live else None,
            catchup=catchup,
            max_active_runs=max_active_runs,
            params=params or {"as_of": self._as_of()},
            default_args=DEFAULT_ARGS,
            is_paused_upon_creation=False,
        )
