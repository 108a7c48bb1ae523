"""Attachments that came as links to a net disk, found and filed.

What can come as an ordinary attachment (a form, a report) is asked for as one; videos and photographs, which
no mailbox would take, are `link_pending` (链接待下载). The system itself opens no address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.definition.model import Collection, Part
from huizong.intake.links import Share, shares_in, shares_of_mail
from huizong.intake.netdisks import same_place
from huizong.intake.relevance import bears_mark
from huizong.ledger.tables import File
from huizong.mime.parse import ParsedMail
from huizong.readers.model import FileReading
from huizong.readers.secrecy import is_restricted
from huizong.stages.envelope import Envelope
from huizong.stages.issued import IssuedCycle
from huizong.stages.linked import KIND, to_download
from huizong.stages.others import NO_UNIT, unit_of
from huizong.stages.placing import put
from huizong.store import sha256

MAIL_TAKES = 50 * 2**20  # bytes: what the large providers let through as ordinary attachments
SEEN_BEFORE = "同一链接此前已登记，待下载"
_UNREAD = FileReading(kind=KIND, disposition="set_aside").model_dump_json(exclude_defaults=True)

_ONLINE = ("腾讯文档", "金山文档")  # a document that is written there
_DOCUMENT = re.compile(r"\.(xlsx?|xlsm|csv|et|docx?|wps|pdf|ofd|txt|pptx?|dps)$", re.IGNORECASE)
_MEDIUM = re.compile(r"\.(mp4|mov|avi|wmv|mkv|flv|mpe?g|m4v|mts|jpe?g|png|bmp|heic|tiff?|psd|mp3|wav)$", re.I)
_SAYS_MEDIUM = re.compile(r"影像|视频|录像|照片|图片|相片|素材|宣传片|短片")
_SAYS_DOCUMENT = re.compile(r"统计表|备案表|报表|总结|报告|汇报|扫描件|盖章")


@dataclass(frozen=True)
class Link:
    """A share as it is filed."""

    share: Share
    container: str = ""  # the digest of the document in which it stands
    secret: bool = False  # its name, or the mail that names it, bears a mark of secrecy

    @property
    def data(self) -> bytes:
        """What the store keeps of it: where it lies, so that the same place has the same digest."""
        return same_place(self.share.url).encode()

    @property
    def digest(self) -> str:
        return sha256(self.data)

    @property
    def name(self) -> str:
        return self.share.name or f"{self.share.provider}链接"


def links_in(
    mail: ParsedMail | None, texts: Iterable[tuple[str, str]], received_at: datetime, *, cleared: bool
) -> list[Link]:
    """The links of a mail and of its documents, each place once.

    Args:
        texts: of each document its digest and its words.
        cleared: a person has seen that nothing of it is secret.
    """
    marked = mail is not None and bears_mark(mail)
    found = [Link(share, secret=marked) for share in shares_of_mail(mail, received_at)] if mail else []
    found += [Link(share, digest) for digest, text in texts for share in shares_in(text, received_at)]
    places: dict[bytes, Link] = {}
    for link in found:
        secret = not cleared and (link.secret or is_restricted([link.name]))
        places.setdefault(link.data, replace(link, secret=secret))
    return list(places.values())


def file_links(
    envelope: Envelope, links: Sequence[Link], files: Sequence[File], units: AbstractSet[str], *, known: bool
) -> list[File]:
    """Give each link of a known sender its disposition; of a document's, where the document was taken.

    Args:
        files: what else the delivery brought, filed already.
        units: whose forms came in the same delivery.
        known: whether the sender is registered.
    """
    issued = envelope.home_cycle
    if issued is None or not (known or units):
        return []
    owners = {file.digest: file.unit for file in files if file.disposition == "return"}
    return [
        _file(envelope, issued, link, owners.get(link.container), units)
        for link in links
        if not link.container or link.container in owners
    ]


def _file(
    envelope: Envelope, issued: IssuedCycle, link: Link, owner: str | None, units: AbstractSet[str]
) -> File:
    session, share = envelope.session, link.share
    unit = owner or unit_of(envelope, issued, link.name, units)
    collection = envelope.collection_for(issued, unit) if unit else None
    part = _media_part(collection)
    file = File(
        delivery_id=envelope.delivery.id,
        name=link.name[:255],
        digest=link.digest,
        container=link.container or None,
        size=len(link.data),
        kind=KIND,
        cycle=issued.code,
        reading=_UNREAD,
        witnesses={"units": [unit] if unit else sorted(envelope.senders | units), KIND: _told(share)},
    )
    if unit is None or collection is None:
        file.disposition, file.reason = "triage", NO_UNIT
    else:
        put(file, issued.code, collection.code, unit, None)
        if earlier := _earlier(session, file):
            file.disposition, file.reason = "duplicate", SEEN_BEFORE
            _add(earlier, file.witnesses[KIND])
        elif _is_medium(share, part):
            file.disposition, file.reason = "link_pending", to_download(unit)
            file.part = part.code if part else None
        else:
            file.disposition, file.reason = "set_aside", to_send_anew(share.provider)
    session.add(file)
    session.flush()
    return file


def to_send_anew(provider: str) -> str:
    """What the clerk does about a link."""
    return (
        f"系以{provider}链接发来，未下载；请改用普通附件直接回复本邮件重新发送"
        "（每封邮件不超过20MB，超过的请压缩或分次发送）。"
    )


def _told(share: Share) -> dict[str, Any]:
    """What `witnesses` keep of it."""
    return {
        "url": share.url,
        "provider": share.provider,
        "size": share.size,
        "code": share.code,
        "expires_at": share.expires_at.isoformat(timespec="seconds") if share.expires_at else None,
        "lasting": share.lasting,
    }


def _media_part(collection: Collection | None) -> Part | None:
    """The part that photographs and videos are, where it is only one."""
    parts = [part for part in collection.parts if part.kind == "media"] if collection else []
    return parts[0] if len(parts) == 1 else None


def _is_medium(share: Share, part: Part | None) -> bool:
    """Whether it is photographs or videos; what nobody said is, where such are asked for and it is large, an
    archive or nameless."""
    if share.provider in _ONLINE or _DOCUMENT.search(share.name):
        return False
    if _MEDIUM.search(share.name) or _SAYS_MEDIUM.search(share.name):
        return True
    if _SAYS_DOCUMENT.search(share.name):
        return False
    if _SAYS_MEDIUM.search(share.words):
        return True
    if part is None or _SAYS_DOCUMENT.search(share.words):
        return part is not None and (share.bytes or 0) > MAIL_TAKES
    return True


def _earlier(session: Session, file: File) -> File | None:
    """The same link of the same unit that waits, or was downloaded."""
    query = select(File).where(
        File.kind == KIND, File.digest == file.digest, File.cycle == file.cycle, File.unit == file.unit,
        File.disposition == "link_pending",
    )  # fmt: skip
    newest = session.scalars(query.order_by(File.id.desc()).limit(1)).first()
    if newest is None or (newest.settled_at is not None and "downloaded" not in newest.witnesses):
        return None
    return newest


def _add(earlier: File, told: Mapping[str, Any]) -> None:
    """What the second mail says holds: the code that was forgotten, a longer term."""
    news = {key: value for key, value in told.items() if value}
    earlier.witnesses = earlier.witnesses | {KIND: earlier.witnesses[KIND] | news}
