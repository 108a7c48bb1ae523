"""One message's bytes to what the stages need: who wrote, the words, and every file in it.

Only this module knows the standard library's parser. It uses the old `compat32` policy on purpose: the new
one cuts odd Message-IDs and raises on odd addresses, and this one keeps every header's bytes.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.errors import InvalidBase64LengthDefect
from email.message import Message

from huizong.mime.charset import decode_bytes
from huizong.mime.htmltext import html_to_text
from huizong.mime.limits import MAX_DEPTH, MAX_PARTS, TooMuchError, read_head, read_message
from huizong.mime.names import attachment_name, clean_name, decode_text, header_parameter
from huizong.mime.uuencoded import take_out_files

_LONGEST_TEXT = 2_000_000  # characters of one body that are read

_ANGLES = re.compile(r"<([^<>]{3,320})>")
_BETWEEN_ADDRESSES = re.compile(r"[\s<>\"'(),;:]+")
_MESSAGE_ID = re.compile(r"<[^<>]*>")
_MOST_IDS = 50
_LONGEST_ADDRESS = 320  # characters (RFC 3696)
# What parts a mail whose header names another boundary, or none.
_DELIMITER = re.compile(rb'^--([^\r\n"\\]{1,200}?)[ \t]*\r?\n(?=content-[a-z-]{1,40}:)', re.I | re.M)


@dataclass(frozen=True)
class Leaf:
    """One file of a mail. `data` is decoded; `path` is its place (`1.2`: second part of the first part).

    `inside` holds the Message-IDs of the attached messages around it, outermost first: a file inside a copy
    of one of our own letters is no return.
    """

    name: str
    content_type: str
    data: bytes = field(repr=False)
    path: str
    inside: tuple[str, ...] = ()


@dataclass(frozen=True)
class ParsedMail:
    """A mail as read. Texts are decoded.

    `message_id_raw`, `in_reply_to`, `references`, `attached_ids` and the values of `headers` are the bytes of
    the mail as Latin-1, unfolded: compare them as they are.
    """

    message_id_raw: str  # with angle brackets as sent, "" if there is none
    in_reply_to: str
    references: tuple[str, ...]
    from_address: str  # lower-case, "" if there is none
    from_name: str
    sender: str  # address of Sender:
    return_path: str | None  # "" is the null path <>, None: no such header
    to: tuple[str, ...]  # addresses of To: and Cc:
    subject: str
    date: str
    text: str  # the body's words; HTML is stripped, quoted history is not
    links: tuple[str, ...]  # http(s) addresses of the HTML body
    content_type: str  # of the whole mail
    report_type: str  # of a multipart/report
    leaves: tuple[Leaf, ...]
    attached_ids: tuple[str, ...]  # Message-IDs of attached messages, in order; "" for one without
    headers: tuple[tuple[str, str], ...]
    problems: tuple[str, ...]
    html: tuple[str, ...] = ()  # the HTML bodies as they came

    def header(self, name: str) -> str | None:
        """The first header of that name, decoded, or None."""
        wanted = name.lower()
        found = next((value for key, value in self.headers if key.lower() == wanted), None)
        return None if found is None else decode_text(found.encode("latin-1"))


def parse_message(raw: bytes) -> ParsedMail:
    """Read a mail. Never raises on its content: what cannot be taken apart is one leaf, with a problem named.

    Problems: `no_parts` (a multipart whose parts were not found: a leaf); for the whole mail those of
    `limits.read_message` and `structure:<error>`.
    """
    walk = _Walk()
    try:
        message = read_message(raw)
        walk.part(message, "", 0, None)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError) as e:
        message = read_head(raw)
        walk = _Walk()
        walk.leaves.append(Leaf("message.eml", "message/rfc822", raw, "0"))
        walk.problems.append(str(e) if isinstance(e, TooMuchError) else f"structure:{type(e).__name__}")
    return _assemble(message, walk)


def raw_header(part: Message, name: str) -> bytes | None:
    """The bytes of the first header of that name, folds included; None if there is none.

    Not `part.get`: over 8-bit bytes that answers with a damaged text.
    """
    wanted = name.lower()
    found = (value for key, value in part.raw_items() if key.lower() == wanted)
    value = next(found, None)
    return None if value is None else _to_bytes(value)


def _to_bytes(value: object) -> bytes:
    """What the parser kept as text with surrogates, back to the bytes of the mail."""
    return str(value).encode("ascii", "surrogateescape")


def _part_bytes(part: Message) -> bytes:
    """A part's decoded content; for one that the parser made into messages (a report), their source."""
    if blocks := _submessages(part):
        return b"\r\n".join(block.as_bytes() for block in blocks)
    encoding = _transfer_encoding(part)
    if encoding in {"base64", "quoted-printable", "x-uuencode"}:
        del part["Content-Transfer-Encoding"]
        part["Content-Transfer-Encoding"] = encoding  # without the odd case, blanks or semicolon
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return b""
    if any(isinstance(defect, InvalidBase64LengthDefect) for defect in part.defects):
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", data)  # cut off: the odd last letter says nothing
        return base64.b64decode(letters[: len(letters) // 4 * 4])
    return data


def _submessages(part: Message) -> list[Message]:
    return [sub for sub in part.get_payload() if isinstance(sub, Message)] if part.is_multipart() else []


def _transfer_encoding(part: Message) -> str:
    return (raw_header(part, "Content-Transfer-Encoding") or b"").decode("latin-1").strip(" ;\t").lower()


class _Walk:
    """Collects leaves and body texts while going through the parts."""

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self.bodies: list[tuple[str, str, str | None]] = []  # subtype, text, the alternative it belongs to
        self.attached_ids: list[str] = []
        self.problems: list[str] = []
        self._inside: list[str] = []
        self._parts = 0

    def part(self, part: Message, path: str, depth: int, alternative: str | None) -> None:
        self._parts += 1
        if depth > MAX_DEPTH or self._parts > MAX_PARTS:  # by messages in base64, which the parser leaves
            raise TooMuchError("too_deep" if depth > MAX_DEPTH else "too_many_parts")
        inner = _submessages(part)
        kind = part.get_content_type()
        if part.get_content_maintype() == "multipart" and inner:
            self._parts_of(inner, kind, path, depth, alternative)
        elif kind in {"message/rfc822", "message/global"} and inner:
            self._attached_message(part, inner, path, depth)
        else:
            self._single(part, path, kind, depth, alternative)

    def _parts_of(
        self, inner: list[Message], kind: str, path: str, depth: int, alternative: str | None
    ) -> None:
        group = path or "0" if kind == "multipart/alternative" else alternative
        for number, sub in enumerate(inner, 1):
            self.part(sub, f"{path}.{number}".lstrip("."), depth + 1, group)

    def _attached_message(self, part: Message, inner: list[Message], path: str, depth: int) -> None:
        encoding = _transfer_encoding(part)
        if encoding in {"base64", "quoted-printable"}:  # forbidden, and done
            holder = Message()
            holder["Content-Transfer-Encoding"] = encoding
            holder.set_payload(inner[0].as_bytes().lstrip(b"\n").decode("ascii", "surrogateescape"))
            inner = [read_message(_part_bytes(holder))]
        for number, sub in enumerate(inner, 1):
            self._message(sub, f"{path or '1'}.{number}", depth)

    def _message(self, message: Message, path: str, depth: int) -> None:
        message_id = _raw(message, "Message-ID")
        self.attached_ids.append(message_id)
        self._inside.append(message_id)
        self.part(message, path, depth + 1, None)
        self._inside.pop()

    def _single(self, part: Message, path: str, kind: str, depth: int, alternative: str | None) -> None:
        disposition, content_type = raw_header(part, "Content-Disposition"), raw_header(part, "Content-Type")
        name = attachment_name(disposition, content_type)
        attached = (disposition or b"").strip().lower().startswith(b"attachment")
        data = _part_bytes(part)
        if not name and not attached and kind in {"text/plain", "text/html"}:
            text = decode_bytes(data, header_parameter(content_type or b"", "charset"))
            self._words(text[:_LONGEST_TEXT], kind[5:], path, alternative)
        elif part.get_content_maintype() == "multipart":
            self._unparted(part, data, kind, path, depth, alternative)
        elif name.lower().endswith(".eml") and (message := read_message(data)).keys():
            self._message(message, f"{path or '1'}.1", depth)  # whatever type it was sent under
        elif data or name:
            self._leaf(part, path, name, data)

    def _words(self, text: str, subtype: str, path: str, alternative: str | None) -> None:
        if subtype == "plain":
            text, files = take_out_files(text)
            for name, data in files:
                self._add(clean_name(name), "application/octet-stream", data, path)
        if not self._inside:
            self.bodies.append((subtype, text, alternative))

    def _unparted(
        self, part: Message, data: bytes, kind: str, path: str, depth: int, alternative: str | None
    ) -> None:
        """A multipart without the boundary that its header names: by the one that is there."""
        inner: list[Message] = []
        if found := _DELIMITER.search(data):
            head = b'Content-Type: multipart/mixed; boundary="' + found[1] + b'"\r\n\r\n'
            inner = _submessages(read_message(head + data))
        self._parts_of(inner, kind, path, depth, alternative)
        if not inner:
            self.problems.extend(["no_parts"] if "no_parts" not in self.problems else [])
            self._leaf(part, path, "", data)

    def _leaf(self, part: Message, path: str, name: str, data: bytes) -> None:
        self._add(name, part.get_content_type(), data, path)

    def _add(self, name: str, kind: str, data: bytes, path: str) -> None:
        path = path or "1"
        self.leaves.append(Leaf(name or f"未命名附件{path}", kind, data, path, tuple(self._inside)))

    def text_and_links(self) -> tuple[str, tuple[str, ...]]:
        """All body texts in order; of an alternative, the plain one if it says anything."""
        has_plain = {group for kind, text, group in self.bodies if kind == "plain" and text.strip() and group}
        words: list[str] = []
        links: dict[str, None] = {}
        for kind, text, group in self.bodies:
            if kind == "html":
                text, found = html_to_text(text)
                links.update(dict.fromkeys(found))
                if group in has_plain:
                    continue
            if text.strip():
                words.append(text.replace("\r\n", "\n").replace("\x00", "").strip())
        return "\n\n".join(words), tuple(links)


def _raw(message: Message, name: str) -> str:
    """A header's bytes as Latin-1, unfolded and trimmed; "" if absent."""
    value = raw_header(message, name) or b""
    return re.sub(rb"\r?\n[ \t]*", b" ", value).strip().decode("latin-1")


def _addresses(raw: str) -> Iterator[str]:
    """All addresses, in lower case: what stands in angles, where nothing does, any word with an @ inside."""
    for words in _ANGLES.findall(raw) or _BETWEEN_ADDRESSES.split(raw):
        address = words.strip()
        if "@" in words.strip("@ ") and " " not in address and len(address) <= _LONGEST_ADDRESS:
            yield address.lower()


def _sender(raw: str) -> tuple[str, str]:
    """Address and display name of a From header."""
    address = next(_addresses(raw), "")
    name = raw.split("<")[0] if "<" in raw else ""
    return address, decode_text(name.encode("latin-1")).strip().strip('"').replace('\\"', '"').strip()


def _return_path(message: Message) -> str | None:
    if raw_header(message, "Return-Path") is None:
        return None
    text = _raw(message, "Return-Path").strip("<> ")
    return next(_addresses(text), text.lower())


def _raw_headers(message: Message) -> Iterator[tuple[str, str]]:
    for name, value in message.raw_items():
        unfolded = re.sub(rb"\r?\n[ \t]*", b" ", _to_bytes(value)).strip()
        yield _to_bytes(name).decode("latin-1"), unfolded.decode("latin-1")


def _bounded(ids: list[str]) -> tuple[str, ...]:
    """The first and the last of very many: the thread's beginning, and what was answered."""
    return tuple(ids if len(ids) <= 2 * _MOST_IDS else ids[:_MOST_IDS] + ids[-_MOST_IDS:])


def _assemble(message: Message, walk: _Walk) -> ParsedMail:
    text, links = walk.text_and_links()
    from_address, from_name = _sender(_raw(message, "From"))
    content_type = raw_header(message, "Content-Type") or b""
    return ParsedMail(
        message_id_raw=_raw(message, "Message-ID"),
        in_reply_to=next(iter(_MESSAGE_ID.findall(_raw(message, "In-Reply-To"))), ""),
        references=_bounded(_MESSAGE_ID.findall(_raw(message, "References"))),
        from_address=from_address,
        from_name=from_name,
        sender=next(_addresses(_raw(message, "Sender")), ""),
        return_path=_return_path(message),
        to=tuple(_addresses(_raw(message, "To"))) + tuple(_addresses(_raw(message, "Cc"))),
        subject=decode_text(_raw(message, "Subject").encode("latin-1")),
        date=_raw(message, "Date"),
        text=text,
        links=links,
        content_type=message.get_content_type(),
        report_type=header_parameter(content_type, "report-type").lower(),
        leaves=tuple(walk.leaves),
        attached_ids=_bounded(walk.attached_ids),
        headers=tuple(_raw_headers(message)),
        problems=tuple(walk.problems),
        html=tuple(text for kind, text, _ in walk.bodies if kind == "html"),
    )
