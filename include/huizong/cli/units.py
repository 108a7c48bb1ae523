"""huizong unit: what a person decides about one unit, and what was said to it on the telephone."""

from __future__ import annotations

from typing import Annotated

import typer

from huizong.cli.app import finish, session_of
from huizong.cli.options import AsOf, By, CycleArg, InCollection, Json, Lang, Reason
from huizong.cli.wording import DECISION
from huizong.errors import UsageError

# An option that belongs to one decision → that decision.
_ONLY_WITH = {"until": "extend", "part": "send-back"}


def unit(
    ctx: typer.Context,
    cycle: CycleArg,
    code: Annotated[str, typer.Argument(metavar="UNIT", help="单位代码")],
    decision: Annotated[
        str,
        typer.Argument(
            metavar=f"({'|'.join(DECISION)})",
            help=f"{'、'.join(DECISION.values())}（退回修改和不同意延期的理由写给单位）",
        ),
    ],
    by: By,
    reason: Reason,
    collection: InCollection = None,
    until: Annotated[str | None, typer.Option("--until", help="延期到何时，如 2022-06-24")] = None,
    part: Annotated[str | None, typer.Option("--part", help="退回哪项材料（不写：统计表）")] = None,
    as_of: AsOf = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """决定：对一家单位免报、延期或不延、同意采用、退回修改、说明不报，或撤销；登记电话联系。"""
    from huizong.stages.callsheet import log_contact
    from huizong.stages.decisions import decide

    session = session_of(ctx, as_json, lang)
    _stop_if_misused(decision, until=until, part=part)
    moment = session.as_of(as_of, cycle)
    context = session.open()
    if decision == "log-contact":
        logged = log_contact(context, cycle, code, moment, by=by, reason=reason, collection=collection)
        finish(session, logged)
        return
    decided = decide(
        context, cycle, code, decision, moment,
        by=by, reason=reason, collection=collection, until=until, part=part,
    )  # fmt: skip
    finish(session, decided)


def _stop_if_misused(decision: str, **options: str | None) -> None:
    if decision not in DECISION:
        raise UsageError(f"没有“{decision}”这种决定，可用：{'、'.join(DECISION)}。")
    for name, value in options.items():
        if value is not None and decision != (only := _ONLY_WITH[name]):
            raise UsageError(f"--{name} 只与 {only}（{DECISION[only]}）同用，请去掉。")
