"""What a person decides on the board: figures from paper, in the name of whoever is logged in."""

from __future__ import annotations

from collections.abc import Mapping

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails

from huizong.errors import UsageError
from huizong_airflow.board import pages

_VALUE = "value:"  # before an item's code, in the names of the form's fields


def cycle_of(identity: str) -> str:
    """The cycle that a scan belongs to."""
    return str(pages.paper(identity)["cycle"])


def may_decide(code: str, user: BaseUser) -> bool:
    """Whoever may answer the cycle's required actions may key and confirm."""
    return get_auth_manager().is_authorized_dag(
        method="PUT",
        access_entity=DagAccessEntity.HITL_DETAIL,
        details=DagDetails(id=f"{code}.release"),
        user=user,
    )


def decide_paper(identity: str, asked: Mapping[str, str], by: str) -> None:
    """Key the figures of the fields, or confirm or refuse what another person keyed.

    Raises:
        UsageError: nothing of the kind was asked, or the stage refuses it.
    """
    from huizong.stages import keying

    ctx = pages.context()
    keyed = (pages.paper(identity)["keying"] or {}).get("id")
    if asked.get("do") in ("confirm", "drop") and asked.get("keying") != str(keyed):
        raise UsageError("这份录入已有变化，请返回重新查看。")
    match asked.get("do"):
        case "key":
            values = {n.removeprefix(_VALUE): v for n, v in asked.items() if n.startswith(_VALUE)}
            keying.key(ctx, identity, by=by, values=values)
        case "confirm":
            keying.confirm(ctx, int(asked["keying"]), by=by)
        case "drop":
            keying.drop(ctx, int(asked["keying"]), by=by, reason=asked.get("reason", ""))
        case _:
            raise UsageError("请选择录入、确认或退回。")
