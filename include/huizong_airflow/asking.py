"""Asking a person in Airflow's required actions, and carrying out the answer.

A cleared question shows its old text (Airflow reuses the row), so each question is a run of its own of
`<cycle>.release`, named after what it asks and the day; nobody's answer means that things stay as they are.
"""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Param, get_current_context

from huizong_airflow.assets import LETTERS, announce, letters
from huizong_airflow.clock import as_of, parse_as_of
from huizong_airflow.context import open_context

if TYPE_CHECKING:
    from huizong.stages.release import Question

# Shorter than a day, so that the next morning's question never stands beside the last one.
ANSWER_WITHIN = timedelta(hours=20)

log = logging.getLogger(__name__)


class QuestionOperator(HITLOperator):
    """A question whose options, too, come from the run's parameters."""

    template_fields = (*HITLOperator.template_fields, "options", "defaults")


class AskOperator(TriggerDagRunOperator):
    """Starts a run of `<cycle>.release`; what it is told is text and never a template.

    A question quotes what clerks wrote: `{{ … }}` in a unit's name must not be carried out.
    """

    template_fields = ()


def release_params(as_of: Param) -> dict[str, Param]:
    """What a run of `<cycle>.release` is told; all but as_of come from `questions`."""
    wanted = {
        "question": "所问事项（issue、formal_notice、final、results）",
        "subject": "所批对象的编号",
        "title": "标题",
        "body": "正文（Markdown）",
        "approve_label": "“批准”选项",
        "decline_label": "“维持现状”选项",
    }
    params = {name: Param(type="string", minLength=1, title=title) for name, title in wanted.items()}
    return params | {"as_of": as_of}


def question_operator() -> QuestionOperator:
    return QuestionOperator(
        task_id="question",
        task_display_name="请人签批",
        subject="{{ params.title }}",
        body="{{ params.body }}",
        options=["{{ params.approve_label }}", "{{ params.decline_label }}"],
        defaults=["{{ params.decline_label }}"],
        params={
            "basis": Param(
                "",
                type="string",
                title="依据",
                description="如：某领导某日纸质签批（存档编号）。领导无须登录，由经办人代录。",
            )
        },
        response_timeout=ANSWER_WITHIN,
        retries=0,
        retry_policy=None,
    )


def questions(code: str, zone: str) -> list[dict[str, Any]]:
    """What waits for a person now, as arguments of the runs that ask it; what is being asked is left out."""
    from huizong.stages.release import open_questions

    context = get_current_context()
    now = as_of(zone)
    given = context["params"].get("as_of")
    asked = open_questions(open_context(), code, now)
    by_hand = context["dag_run"].run_type == "manual"
    day = now.astimezone(ZoneInfo(zone))
    return [
        {"trigger_run_id": _run_id(q, day, by_hand), "conf": _conf(q, given)}
        for q in asked
        if not _being_asked(f"{code}.release", q, day.date())
    ]


def _run_id(question: Question, day: datetime, by_hand: bool) -> str:
    """One run per question, subject and day; whoever starts a run by hand is asked again."""
    stamp = f"{day:%Y-%m-%dT%H%M%S}" if by_hand else f"{day:%Y-%m-%d}"
    return f"{question.question}__{question.subject}__{stamp}"


def _being_asked(dag_id: str, question: Question, day: date) -> bool:
    days = (day, day - timedelta(days=1))
    run_ids = [f"{question.question}__{question.subject}__{d:%Y-%m-%d}" for d in days]
    states = ["queued", "running"]
    return get_current_context()["ti"].get_dr_count(dag_id, run_ids=run_ids, states=states) > 0


def _conf(question: Question, given: str | None) -> dict[str, Any]:
    return {
        "question": question.question,
        "subject": question.subject,
        "title": question.title,
        "body": question.body,
        "approve_label": question.approve_label,
        "decline_label": question.decline_label,
        "as_of": given,
    }


def record(code: str, zone: str, channels: list[str], answer: dict[str, Any]) -> dict[str, Any]:
    """Carry out the answer: who approved, when, on what basis; or leave things as they are."""
    from huizong.stages.release import approve

    params = get_current_context()["params"]
    if params["approve_label"] not in answer["chosen_options"]:
        log.info("%s：维持现状", params["title"])
        return {"question": params["question"], "approved": False}
    user = answer["responded_by_user"] or {}
    approve(
        open_context(),
        code,
        params["question"],
        _answered_at(params.get("as_of"), answer["responded_at"], zone),
        by=str(user.get("name") or user.get("id") or "未知用户"),
        basis=str(answer["params_input"].get("basis") or "Airflow 页面批准"),
        subject=params["subject"],
    )
    announce(LETTERS, [letters(channel) for channel in channels])
    return {"question": params["question"], "approved": True}


def _answered_at(given: str | None, responded_at: datetime | str, zone: str) -> datetime:
    """Business time of an approval: the rehearsal's, else the moment of the answer."""
    if given:
        return parse_as_of(given, zone)
    text = responded_at if isinstance(responded_at, str) else responded_at.isoformat()
    return parse_as_of(text, "UTC")
