"""The stamped copy beside the form (mistake 12 of the twenty likeliest): one figure, said twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from huizong.rules.model import Finding

COPY_DIFFERS = "copy_differs"
_NAMED = 5  # differing items that a sentence names


@dataclass(frozen=True)
class Pair:
    """An item's figure on the copy and in the form; `number` is its number on the form."""

    item: str
    number: int
    copy: Decimal
    form: Decimal


def copy_differs(pairs: Sequence[Pair], part: str, form: str, *, recognised: bool) -> list[Finding]:
    """One finding on the first item that differs; none where all agree.

    Args:
        pairs: of the items that both say.
        part, form: what the copy and the form are called.
        recognised: the copy is a picture. Recognition errs without knowing it (docs/decisions/0009), so what
            it saw is only remarked on (`hint`); a PDF or OFD with text is asked about (`verify`).
    """
    differing = [pair for pair in pairs if pair.copy != pair.form]
    if not differing:
        return []
    said = "，".join(
        f"第{p.number}项盖章件为{_plain(p.copy)}、电子表为{_plain(p.form)}" for p in differing[:_NAMED]
    )
    more = f"，等{len(differing)}项" if len(differing) > _NAMED else ""
    if recognised:
        message = f"{part}与{form}可能不一致：{said}{more}（由图片识别，可能有误）。"
        remedy = "确不一致的，请核准后统一数据，重新盖章报送；一致的不必理会。"
        return [Finding(COPY_DIFFERS, "hint", None, message + remedy)]
    message = f"{said}{more}，请核准后统一数据，重新盖章报送。"
    return [Finding(COPY_DIFFERS, "verify", differing[0].item, message)]


def copy_older(numbers: Sequence[int], part: str, form: str) -> list[Finding]:
    """A remark that the form was corrected after it was stamped; none where nothing was corrected.

    Args:
        numbers: of the items that were corrected, as printed on the form.
    """
    if not numbers:
        return []
    named = "、".join(f"第{n}项" for n in sorted(numbers)[:_NAMED])
    more = "等" if len(numbers) > _NAMED else ""
    message = f"{form}已更正（{named}{more}），此前报送的{part}为更正前的表，"
    return [Finding("copy_older", "hint", None, message + "请按更正后的表重新盖章，补报扫描件。")]


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
