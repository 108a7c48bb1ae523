"""What a cycle's tasks do: call one stage each, and pass on ids and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from huizong_airflow.assets import LETTERS, announce, letters
from huizong_airflow.clock import as_of
from huizong_airflow.context import open_context

if TYPE_CHECKING:
    from huizong.stages.context import Context


def opened(*codes: str) -> Context:
    """The context, once one of these cycles has been issued; until then there is nothing to do.

    Raises:
        AirflowSkipException: none has; that is no failure, the sign-off may take days.
    """
    from huizong.stages.issued import issued_codes

    context = open_context()
    if not set(codes) & set(issued_codes(context)):
        raise AirflowSkipException(f"尚未下发：{'、'.join(codes)}")
    return context


def validate(code: str, zone: str, channels: list[str]) -> dict[str, Any]:
    from huizong.stages.validate import validate

    # send=False: whatever is queued is sent by `send.<channel>`, the only sender of its account.
    result = validate(opened(code), code, as_of(zone), send=False)
    _announce_letters(result, channels)
    return {"returns": result["returns"], "findings": result["findings"], "queued": result["queued"]}


def chase(code: str, zone: str, channels: list[str]) -> dict[str, Any]:
    from huizong.stages.chase import chase

    result = chase(opened(code), code, as_of(zone), send=False)
    _announce_letters(result, channels)
    return {"rungs": result["rungs"], "held": result["held"], "queued": result["queued"]}


def assemble(code: str, zone: str) -> list[str]:
    """Write the editions that are due and not done; their names."""
    from huizong.stages.assemble import assemble, due_editions

    context, now = opened(code), as_of(zone)
    editions = [str(edition) for edition in due_editions(context, code, now)]
    for edition in editions:
        assemble(context, code, now, edition)
    return editions


def _announce_letters(result: dict[str, Any], channels: list[str]) -> None:
    if result["queued"]:
        announce(LETTERS, [letters(channel) for channel in result.get("channels", channels)])
