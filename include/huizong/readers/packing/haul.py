"""What may come out of an archive, and what is said of the rest.

The limits hold for one archive; how deep archives may lie in one another is for the caller to say. Nothing
is ever written to a path from an archive: a member's name is a label.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from huizong.errors import RejectedError
from huizong.readers.model import Member, Unpacked

MAX_TOTAL = 200 * 2**20  # bytes that may come out of one archive
MAX_MEMBER = 100 * 2**20  # and of one of its members
MAX_MEMBERS = 500
MAX_ENTRIES = 10_000  # with folders and what systems leave behind
MAX_RATIO = 200  # honest material packs 1 to 40 to 1
RATIO_MATTERS_FROM = 20 * 2**20

PASSWORD = "压缩包有密码，请取消密码后重新发送。"  # noqa: S105 (a sentence)
DAMAGED = "压缩包已损坏或不完整，无法打开，请重新压缩（不要分卷）后发送。"
VOLUME = "收到的是分卷压缩包的一部分，请压缩成一个文件（不要分卷）后重新发送。"
UNSUPPORTED = "压缩包的压缩方式无法识别，请改用 zip 格式压缩后重新发送。"
EMPTY = "压缩包里没有文件，请重新压缩后发送。"
EMPTY_MESSAGE = "邮件中没有附件，请将材料作为附件重新发送。"
NO_FILES = "winmail.dat 中没有文件；添加过附件的，请在 Outlook 中把邮件格式改为“HTML”或“纯文本”后重新发送。"
TOO_MANY = f"压缩包里的文件超过{MAX_MEMBERS}个，未打开，请只保留本次报送的材料后重新发送。"
TOO_LARGE = f"压缩包解压后超过{MAX_TOTAL // 2**20}MB，未打开，请分成几个压缩包重新发送。"
BOMB = "压缩包内容异常，未打开，请将其中的文件直接作为附件重新发送。"
MEMBER_DAMAGED = "压缩包中的{}已损坏，无法解压，请重新发送该文件。"
MEMBER_PASSWORD = "压缩包中的{}有密码，请取消密码后重新发送。"  # noqa: S105
MEMBER_TOO_LARGE = f"压缩包中的{{}}超过{MAX_MEMBER // 2**20}MB，请不要压缩，将其单独发送。"

_WHOLE = {MEMBER_PASSWORD: PASSWORD, MEMBER_DAMAGED: DAMAGED}  # said when nothing at all came out
_NAMED = 3
_PIECE = 2**16
# Left behind by systems and by programs that have a file open (WPS and Word: owner files).
_JUNK = re.compile(r"(?:thumbs\.db|desktop\.ini|\.ds_store|\._.*|~\$.*|\.~.*|~wrl\d+\.tmp)", re.I)
# Control characters, and marks that turn the direction of writing round: exe.xslx shown as xlsx.exe.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_DRIVE = re.compile(r"^[A-Za-z]:")
_LONGEST_NAME = 200


class Readable(Protocol):
    """What a member is read from."""

    def read(self, size: int = ..., /) -> bytes:
        """At most so many bytes; none at the end."""
        ...


@dataclass(frozen=True)
class Entry:
    """One line of an archive's directory; sizes as declared."""

    name: str
    size: int
    encrypted: bool = False
    plain: bool = True  # a file: no folder, link or device


def label(name: str) -> str:
    """A member's path as people may see it: forward slashes, nothing that points outside, nothing unseen."""
    steps = _DRIVE.sub("", _UNSEEN.sub("", name).replace("\\", "/")).split("/")
    kept = [step.strip()[:_LONGEST_NAME] for step in steps if step.strip() not in {"", ".", ".."}]
    return "/".join(kept[-8:]) or "未命名文件"


def decode_name(raw: bytes) -> str:
    """A name without a stated encoding: UTF-8 if it is that, else GB 18030 (GBK lacks 㙍 and the like)."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("gb18030", "replace")


@dataclass
class Haul:
    """Takes members in while the limits last, and keeps the names of those that did not come out."""

    kind: str
    source: bytes = field(repr=False)
    _members: list[Member] = field(default_factory=list)
    _trouble: dict[str, list[str]] = field(default_factory=dict)
    _left: int = MAX_TOTAL

    def admit(self, entries: Sequence[Entry]) -> list[int]:
        """Which entries to take out, by position; judged by what the directory declares.

        Raises:
            RejectedError: the archive as a whole is not to be opened.
        """
        if len(entries) > MAX_ENTRIES:
            raise RejectedError(TOO_MANY)
        files = [n for n, entry in enumerate(entries) if entry.plain and not _is_junk(entry.name)]
        if len(files) > MAX_MEMBERS:
            raise RejectedError(TOO_MANY)
        taken = [n for n in files if self._may_come(entries[n])]
        self.check_total(sum(entries[n].size for n in taken))
        return taken

    def check_total(self, size: int) -> None:
        """Refuse what would come to too much, or has been packed too well to be honest.

        Raises:
            RejectedError: with the sentence for the clerk.
        """
        if size > RATIO_MATTERS_FROM and size > MAX_RATIO * len(self.source):
            raise RejectedError(BOMB)
        if size > MAX_TOTAL:
            raise RejectedError(TOO_LARGE)

    def _may_come(self, entry: Entry) -> bool:
        if entry.encrypted:
            self.leave(entry.name, MEMBER_PASSWORD)
        elif entry.size > MAX_MEMBER:
            self.leave(entry.name, MEMBER_TOO_LARGE)
        return not entry.encrypted and entry.size <= MAX_MEMBER

    def leave(self, name: str, sentence: str) -> None:
        """Note a member that does not come out, and why (one of the MEMBER_ sentences)."""
        self._trouble.setdefault(sentence, []).append(label(name))

    def add(self, name: str, data: bytes) -> None:
        """Take a member in.

        Raises:
            RejectedError: it is the archive itself, or more has come out than may.
        """
        if data == self.source:
            raise RejectedError(BOMB)
        self._left -= len(data)
        if self._left < 0:
            raise RejectedError(TOO_LARGE)
        self._members.append(Member(name=self._unique(label(name)), data=data))

    def _unique(self, name: str) -> str:
        taken = {member.name for member in self._members}
        stem, dot, ending = name.rpartition(".")
        names = (f"{stem}({n}){dot}{ending}" if dot else f"{name}({n})" for n in range(2, MAX_ENTRIES))
        return name if name not in taken else next(n for n in names if n not in taken)

    def result(self) -> Unpacked:
        """What came out, and one sentence for each kind of trouble."""
        if not self._members and not self._trouble:
            return Unpacked(kind=self.kind, reason=EMPTY)
        if not self._members and len(self._trouble) == 1 and (whole := _WHOLE.get(next(iter(self._trouble)))):
            return Unpacked(kind=self.kind, reason=whole)
        reason = "".join(sentence.format(_listed(names)) for sentence, names in self._trouble.items())
        return Unpacked(kind=self.kind, members=tuple(self._members), reason=reason)


def read_at_most(stream: Readable, most: int, sentence: str = TOO_LARGE) -> bytes:
    """All of a stream, counted while it comes.

    Raises:
        RejectedError: with `sentence`; it holds more than `most` bytes, whatever was declared.
    """
    pieces: list[bytes] = []
    left = most
    while piece := stream.read(_PIECE):
        pieces.append(piece)
        left -= len(piece)
        if left < 0:
            raise RejectedError(sentence)
    return b"".join(pieces)


def _is_junk(name: str) -> bool:
    steps = label(name).split("/")
    return "__MACOSX" in steps[:-1] or _JUNK.fullmatch(steps[-1]) is not None


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    shown = "、".join(f"“{name}”" for name in every[:_NAMED])
    return shown if len(every) <= _NAMED else f"{shown}等{len(every)}个文件"
