"""Mail to another office's mailbox of the same task (cycles.md, mistake 20): taken, and the way shown.

Who answers is the office to whose mailbox it came: it says that the material is registered, and where such
mail belongs.
"""

from __future__ import annotations

from huizong.definition.model import Collection
from huizong.outbox.context import ReplyContext
from huizong.stages.issued import IssuedCycle
from huizong.stages.telling import Telling

_SECTIONS = "科部处室办"


def redirected(issued: IssuedCycle, told: Telling, context: ReplyContext) -> tuple[ReplyContext, str]:
    """The reply and the channel that it goes out by: where something belonged to another office's mailbox, by
    the one where it came, with a sentence that says so."""
    delivery, own = told.answer.delivery, told.first.collection
    here = [c for c in issued.collections if c.channel == delivery.channel]
    taken = {v.collection for v in told.versions} or {own.code}
    astray = [c for c in issued.collections if c.code in taken and c.channel != delivery.channel]
    if delivery.kind != "mail" or not here or not astray:
        return context, own.channel
    receiving = own if own in here else here[0]
    whole = len(astray) == len(taken)
    said = {
        "office_name": receiving.office.name,
        "office_contact": receiving.office.contact,
        "misdirected": _sentence(told, receiving, astray, whole=whole),
    }
    if whole:
        said["how"] = f"发送至{context.mailbox}"
    return context.model_copy(update=said), delivery.channel


def _sentence(told: Telling, receiving: Collection, astray: list[Collection], *, whole: bool) -> str:
    offices = "、".join(dict.fromkeys(c.office.name for c in astray))
    theirs = _called(astray[0].office.name, "该") if len(astray) == 1 else "相应"
    codes = {c.code for c in astray}
    files = {v.file_id for v in told.versions if v.collection in codes}
    names = "".join(f"《{f.name}》" for f in told.answer.files if f.id in files)
    what = "来件" if whole else f"来件中{names}"
    return (
        f"{what}属报送{offices}事项，{_called(receiving.office.name, '我')}已登记，"
        f"请{told.first.unit.address_as}按通知要求发送至{theirs}邮箱，以免遗漏。"
    )


def _called(office: str, whose: str) -> str:
    """我科, 该部: as the office's name ends."""
    return whose + (office[-1] if office[-1] in _SECTIONS else "单位")
