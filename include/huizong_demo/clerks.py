"""The clerks of the demo: each reads its own mailbox, fills in the form it got and replies.

Run as `python -m huizong_demo.clerks CONFIG.json`. It knows nothing of Huizong: a letter is known by the
words in 【】 of its subject, a form by its printed labels. CONFIG holds the servers and, clerk by clerk, what
each does when such a letter comes (from `cast.py`). All that is read and sent goes into a JSON-lines file.
"""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import localtime, make_msgid
from pathlib import Path
from typing import Any

import imapclient
import yagmail

from huizong_demo import papers

KINDS = {
    "报送工作提示": "notice",
    "修改意见": "correction",
    "补报材料提示": "supplement",
    "催报提醒": "reminder",
    "收件回执": "receipt",
    "汇总结果反馈": "result",
}
COVERING = "现报送我单位统计表、盖章扫描件及总结报告，请查收。"


@dataclass(frozen=True)
class Step:
    """What a clerk does at the next letter of kind `on`."""

    on: str
    text: str = COVERING
    forms: tuple[str, ...] = (".xlsx",)  # which of the attached forms it fills in
    papers: bool = True  # also the stamped copy's scan and the report
    mistakes: dict[str, str | int | None] = field(default_factory=dict)  # label -> what it writes instead
    copies: int = 1
    sender: str | None = None  # another mailbox than its own
    every_unit: bool = False  # the colleague's form goes into the same mail

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Step:
        return cls(**{**raw, "forms": tuple(raw.get("forms", (".xlsx",)))})


@dataclass(frozen=True)
class Letter:
    """A letter that came: whom it was for, what it is, and the files in it."""

    unit: str
    kind: str
    mail: EmailMessage
    files: dict[str, bytes]

    @property
    def subject(self) -> str:
        return str(self.mail["Subject"] or "")


class Servers:
    """The mail servers, as every clerk uses them."""

    def __init__(self, imap: tuple[str, int], smtp: tuple[str, int], password: str) -> None:
        self.imap, self.smtp, self.password = imap, smtp, password

    def mailbox(self, address: str) -> imapclient.IMAPClient:
        timeouts = imapclient.SocketTimeout(connect=10, read=30)
        client = imapclient.IMAPClient(*self.imap, ssl=False, timeout=timeouts)
        client.login(address, self.password)
        client.select_folder("INBOX")
        return client

    def post(self, sender: str, mail: EmailMessage) -> None:
        host, port = self.smtp
        with yagmail.SMTP(
            sender, self.password, host=host, port=port, smtp_ssl=False, smtp_starttls=False, timeout=30
        ) as client:
            client.login()
            client.smtp.send_message(mail)  # ready-made: yagmail's own would not say that .xlsx is attached


class Clerk:
    """One office's clerk. `units` are the offices whose mail it reads: code -> (name, address)."""

    def __init__(self, raw: dict[str, Any], servers: Servers, diary: Diary) -> None:
        self.units: dict[str, tuple[str, str]] = {u["code"]: (u["name"], u["address"]) for u in raw["units"]}
        self.unit = raw["units"][0]["code"]
        self.steps = [Step.from_json(step) for step in raw["steps"]]
        self.wait = float(raw.get("wait", 0))
        self.servers, self.diary = servers, diary
        self.forms: dict[str, dict[str, bytes]] = {}  # unit -> file name -> the newest form it was sent
        self.desk: list[tuple[float, Step, Letter]] = []
        self.boxes = {code: servers.mailbox(address) for code, (_, address) in self.units.items()}
        self.seen: dict[str, set[int]] = {code: set() for code in self.units}

    def look(self, now: float) -> None:
        """Read what is new; answer what has lain on the desk long enough."""
        for code, box in self.boxes.items():
            for letter in self._new(code, box):
                self._read(letter, now)
        due = [entry for entry in self.desk if entry[0] <= now and self._ready(entry[1])]
        for entry in due:
            self.desk.remove(entry)
            self._answer(entry[1], entry[2])

    def _new(self, code: str, box: imapclient.IMAPClient) -> list[Letter]:
        box.noop()
        numbers = sorted(set(box.search(["ALL"])) - self.seen[code])
        fetched = box.fetch(numbers, ["BODY.PEEK[]"]) if numbers else {}
        self.seen[code].update(fetched)
        return [_letter(code, fetched[number][b"BODY[]"]) for number in numbers if number in fetched]

    def _read(self, letter: Letter, now: float) -> None:
        self.diary.read(letter)
        forms = {name: data for name, data in letter.files.items() if name.endswith((".xlsx", ".docx"))}
        if letter.kind in ("notice", "correction") and forms:
            self.forms[letter.unit] = {**self.forms.get(letter.unit, {}), **_by_kind(forms)}
        step = next((step for step in self.steps if step.on == letter.kind), None)
        if step is not None and letter.unit == self.unit:
            self.steps.remove(step)
            self.desk.append((now + self.wait, step, letter))

    def _ready(self, step: Step) -> bool:
        """With the colleague's form in the same mail it first waits for the colleague's notice."""
        return not step.every_unit or set(self.units) <= set(self.forms)

    def _answer(self, step: Step, letter: Letter) -> None:
        reply = _reply(letter, step.sender or self.units[self.unit][1], self.units[self.unit][0], step.text)
        told = {}
        for code in self.units if step.every_unit else (self.unit,):
            truth = papers.figures(code)
            if step.forms:
                told[code] = {**truth, **step.mistakes}
            for name, data in self._papers(code, step, truth):
                _attach(reply, name, data)
        for _ in range(step.copies):
            del reply["Message-ID"]
            reply["Message-ID"] = make_msgid(domain="clerk.example")
            self.servers.post(str(reply["From"].addresses[0].addr_spec), reply)
            self.diary.sent(self.unit, letter, reply, told)

    def _papers(self, code: str, step: Step, truth: dict[str, Decimal]) -> list[tuple[str, bytes]]:
        name = self.units[code][0]
        entries = {**truth, **step.mistakes}
        filled = [
            (f"{name}开展情况统计表{suffix}", papers.fill(suffix, self.forms[code][suffix], entries))
            for suffix in step.forms
        ]
        if not step.papers:
            return filled
        rest = [
            (f"{name}统计表盖章扫描件.pdf", papers.scan(name)),
            (f"{name}总结报告.docx", papers.report(name, truth)),
        ]
        return filled + rest


class Diary:
    """What was read and sent, line by line: the demo compares the summary with it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, letter: Letter) -> None:
        self._write(what="read", unit=letter.unit, kind=letter.kind, subject=letter.subject)

    def sent(self, unit: str, letter: Letter, reply: EmailMessage, told: dict[str, dict[str, Any]]) -> None:
        files = [part.get_filename() for part in reply.iter_attachments()]
        figures = {code: {label: str(entry) for label, entry in form.items()} for code, form in told.items()}
        self._write(what="sent", unit=unit, kind=letter.kind, subject=str(reply["Subject"]),
                    sender=str(reply["From"]), files=files, figures=figures)  # fmt: skip

    def _write(self, **entry: Any) -> None:
        entry = {"at": datetime.now().astimezone().isoformat(timespec="seconds"), **entry}
        with self.path.open("a", encoding="utf-8") as diary:
            diary.write(json.dumps(entry, ensure_ascii=False) + "\n")


def _letter(unit: str, raw: bytes) -> Letter:
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)  # noqa: S101 - the policy's promise, for the type checker
    word = re.search("【(.+?)】", str(mail["Subject"] or ""))
    files = {part.get_filename() or "": part.get_content() for part in mail.iter_attachments()}
    kind = KINDS.get(word[1], "other") if word else "other"
    return Letter(unit, kind, mail, {name: data for name, data in files.items() if isinstance(data, bytes)})


def _by_kind(forms: dict[str, bytes]) -> dict[str, bytes]:
    """The forms of a letter by their suffix: a letter brings one workbook and at most one Word form."""
    return {Path(name).suffix: data for name, data in forms.items()}


def _reply(letter: Letter, sender: str, name: str, text: str) -> EmailMessage:
    source = letter.mail["Reply-To"] or letter.mail["From"]
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = Address(name, addr_spec=sender)
    mail["To"] = source.addresses[0].addr_spec
    mail["Subject"] = f"回复：{letter.subject}"
    mail["Date"] = localtime()
    known = str(letter.mail["Message-ID"] or "")
    mail["In-Reply-To"] = known
    mail["References"] = " ".join([*str(letter.mail["References"] or "").split(), known])
    mail.set_content(f"{text}\n\n{name}\n")
    return mail


def _attach(mail: EmailMessage, name: str, data: bytes) -> None:
    subtype = {
        ".pdf": "pdf",
        ".xlsx": "vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ".docx": "vnd.openxmlformats-officedocument.wordprocessingml.document",
    }[Path(name).suffix]
    mail.add_attachment(data, maintype="application", subtype=subtype, filename=name)


def main(path: str) -> None:
    config = json.loads(Path(path).read_text(encoding="utf-8"))
    servers = Servers(tuple(config["imap"]), tuple(config["smtp"]), config["password"])
    diary = Diary(Path(config["diary"]))
    clerks = [Clerk(raw, servers, diary) for raw in config["clerks"]]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        for clerk in clerks:
            clerk.look(time.monotonic())
        time.sleep(config.get("pause", 2))


if __name__ == "__main__":
    main(sys.argv[1])
