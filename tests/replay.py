"""A whole cycle in its own dates: real mail server, real stages, clerks that follow a timetable.

    ACTS = [
        Act("2022-06-07T10:00", "410702", "mail", ("form", "scan", "report")),  # answers its newest letter
        Act("2022-06-08T10:00", "410703", "folder", ("form",)),                 # receive --folder
        Act("2022-06-08T15:00", "410704", "fax", ("scan",)),                    # receive --via fax --by
        Act("2022-06-09T10:00", "410711", "mail", text="本期未开展活动"),
        Ruling("2022-06-10T10:00", "410781", "extend", "来电申请", until="2022-06-24"),
    ]
    with replayed(tmp_path, "xinxiang-2022", kit) as play:
        play.issue("2022-05-24T09:00")            # a person approves, the letters leave
        play.run(ACTS, until="2022-07-05T08:30")  # the final summary is written in that morning's run
        play.release("2022-07-05T10:00")          # a person approves it, and the results
        assert play.standings("2022-07-05T11:00") == {(collection, unit): Stand(...), ...}

`kit(office, unit, what)` gives name and bytes of what a clerk lays in: `what` is a word of the test's own.
An act's `how` is `mail`, `folder`, `upload` (the folder of a channel, for cycles without a mailbox), or a
word of `receive --via`. `run` works as the DAGs do: each act is received and validated when it comes, the
chase runs once each working day, at the last of its instants; a person approves formal notices on the spot;
provisional and final summaries are written when they are due.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path
from typing import Any
from urllib.parse import quote

import openpyxl
from sqlalchemy import select

from huizong.definition.load import LoadedCycle, load_named
from huizong.definition.schedule import instants
from huizong.ledger.tables import Event, Letter
from huizong.mime.parse import ParsedMail
from huizong.stages.assemble import due_editions
from huizong.stages.decisions import decide
from huizong.stages.receive import receive_folder
from huizong.stages.release import approve, open_questions
from huizong.stages.send import send
from huizong.stages.status import status
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import inbox
from office import Office, at, statistics_form

OPERATOR = "caozuo@office.example"
Kit = Callable[[Office, str, str], tuple[str, bytes]]
Place = tuple[str, str]  # collection, unit


@dataclass(frozen=True)
class Act:
    """What one clerk does. `of`: the collection whose letter is answered, where the unit is in several; `to`:
    another mailbox than the one of that letter; `sender`: another address than the registered one."""

    when: str
    unit: str
    how: str
    what: tuple[str, ...] = ()
    text: str = "材料见附件，请查收。"
    of: str | None = None
    to: str | None = None
    sender: str | None = None


@dataclass(frozen=True)
class Ruling:
    """What the operator decides about a unit (`huizong unit`)."""

    when: str
    unit: str
    kind: str
    reason: str
    until: str | None = None
    of: str | None = None


@dataclass(frozen=True)
class Stand:
    """What a test states of one unit in one collection. `letters`: all that its mailbox holds at the end,
    oldest first, a reminder by the name of its rung."""

    status: str = "complete"
    flags: str = "punctual"
    letters: str = "notice receipt result"


class Replay:
    """One cycle being replayed. Moments are texts in the cycle's zone, as `Office` takes them."""

    def __init__(self, office: Office, loaded: LoadedCycle, server: EmbeddedMailServer, kit: Kit) -> None:
        self.office, self.loaded, self.server, self.kit = office, loaded, server, kit
        self.channels = list(loaded.cycle.channels)
        self.address = {u.code: u.contacts[0].address for u in loaded.units if u.contacts}
        self.results: list[dict[str, Any]] = []  # of each chase
        self._read: dict[str, list[ParsedMail]] = {}  # mailboxes as read since the last letter

    # --- what happens

    def issue(self, moment: str) -> None:
        self._clock(moment)
        approve(self.office.ctx, self.office.cycle, "issue", at(moment), by="王局", basis="签批单1号")
        self.send(moment)

    def run(self, script: Sequence[Act | Ruling], until: str) -> None:
        """Let the days pass from where they are up to and with `until`."""
        from_here, end = self.office.clock.instant, at(until)
        due, working = instants(self.loaded.schedule)["chase"], self.loaded.calendar.is_working_day
        by_day = {m.date(): m for m in due if from_here < m <= end and working(m.date())}
        mornings = set(by_day.values())
        moments = {at(step.when) for step in script} | mornings
        assert min(moments) > from_here and max(moments) <= end
        for moment in sorted(moments):
            text = f"{moment:%Y-%m-%dT%H:%M}"
            self._clock(text)
            steps = [step for step in script if at(step.when) == moment]
            for step in steps:
                self._rule(step) if isinstance(step, Ruling) else self._act(step)
            if steps:
                self.take(text)
            if moment in mornings:
                self.morning(text)

    def take(self, moment: str) -> None:
        """Receive, validate, send: what the DAGs do every few minutes."""
        self.office.receive(moment, *self.channels)
        self.office.validate(moment, send=False)
        self.send(moment)

    def morning(self, moment: str) -> None:
        self._read.clear()
        self.results.append(self.office.chase(moment, send=True))
        self._approve("formal_notice", moment)
        for kind in due_editions(self.office.ctx, self.office.cycle, at(moment)):
            self.office.assemble(moment, kind)

    def release(self, moment: str) -> None:
        """A person approves the summary, then that its results go to the units."""
        self._clock(moment)
        for question in ("final", "results"):
            assert self._approve(question, moment)

    def send(self, moment: str) -> None:
        self._read.clear()
        send(self.office.ctx, self.channels, at(moment))

    # --- what came of it

    def standings(self, moment: str) -> dict[Place, Stand]:
        """Where every unit stands, and what its mailbox holds."""
        heard = self.heard()
        units = status(self.office.ctx, self.office.cycle, at(moment))["units"]
        return {
            (place := (u["collection"], u["code"])): Stand(
                u["status"], " ".join(u["flags"]), " ".join(heard[place])
            )
            for u in units
        }

    def heard(self) -> dict[Place, list[str]]:
        """(collection, unit) → what lies in the unit's mailbox, as read from the mail server."""
        sent = {letter.message_id: letter for letter in self.letters()}
        found: dict[Place, list[str]] = defaultdict(list)
        for mails in map(self.mails, self.address):
            for mail in mails:
                letter = sent[mail.message_id_raw]
                rung = letter.key.split(":")[4] if letter.key.startswith("rung:") else letter.kind
                found[letter.collection or "", letter.unit or ""].append(rung)
        return found

    def mails(self, unit: str) -> list[ParsedMail]:
        """What lies in the unit's mailbox, oldest first."""
        if unit not in self._read:
            self._read[unit] = inbox(self.server, self.address[unit])
        return self._read[unit]

    def to_operator(self) -> list[ParsedMail]:
        """The telephone lists and alarms."""
        return inbox(self.server, OPERATOR)

    def letters(self, **wanted: str) -> list[Letter]:
        """Rows of the outbox, oldest first."""
        with self.office.ctx.ledger.read() as session:
            rows = session.scalars(select(Letter).filter_by(**wanted).order_by(Letter.id))
            return list(rows)

    def told_the_leader(self) -> set[Place]:
        """Who stands in a list for the leader (superior_informed)."""
        with self.office.ctx.ledger.read() as session:
            rows = session.scalars(select(Event).where(Event.kind == "superior_informed"))
            return {(row.collection or "", row.unit or "") for row in rows}

    def nobody_heard_twice(self) -> None:
        """No mailbox holds one letter twice, no message of a clerk has two answers in one mailbox, and no
        reminder left outside office hours."""
        for unit in self.address:
            mails = self.mails(unit)
            assert len({mail.message_id_raw for mail in mails}) == len(mails)
            assert len({(mail.subject, mail.text) for mail in mails}) == len(mails)
            answers = [m.in_reply_to for m in mails if "clerk.example" in (m.in_reply_to or "")]
            assert len(set(answers)) == len(answers)
        left = [x.finished_at for x in self.letters(state="sent") if x.key.startswith("rung:")]
        assert all(moment and self.loaded.schedule.in_office_hours(moment) for moment in left)

    # --- how

    def _clock(self, moment: str) -> None:
        """Machine time goes along, for the caps of letters an hour and a day."""
        self.office.clock.instant = at(moment)

    def _approve(self, question: str, moment: str) -> bool:
        waiting = open_questions(self.office.ctx, self.office.cycle, at(moment))
        if question not in [q.question for q in waiting]:
            return False
        approve(self.office.ctx, self.office.cycle, question, at(moment), by="王局", basis="签批单2号")
        self.send(moment)
        return True

    def _rule(self, step: Ruling) -> None:
        decide(
            self.office.ctx, self.office.cycle, step.unit, step.kind, at(step.when),
            by="李科", reason=step.reason, until=step.until, collection=step.of,
        )  # fmt: skip

    def _act(self, act: Act) -> None:
        files = dict(self.kit(self.office, act.unit, what) for what in act.what)
        if act.how == "mail":
            self._mail(act, files)
        elif act.how == "upload":
            (channel,) = [c.folder for c in self.loaded.cycle.channels.values() if c.folder]
            self.office.drop(act.unit, files, channel)
        else:
            folder = f"drop-{act.when}-{act.unit}"
            self.office.drop(act.unit, files, folder)
            via = {} if act.how == "folder" else {"via": act.how, "by": "李科"}
            receive_folder(self.office.ctx, self.office.home / folder, self.office.cycle, at(act.when), **via)

    def _mail(self, act: Act, files: Mapping[str, bytes]) -> None:
        letters = [x for x in self.letters(unit=act.unit, state="sent") if act.of in (None, x.collection)]
        mail = EmailMessage()
        mail["From"] = act.sender or self.address[act.unit]
        box = act.to or self.loaded.cycle.channels[letters[-1].channel].address or ""
        mail["To"], mail["Subject"] = box, f"回复：{letters[-1].subject}"
        mail["Message-ID"] = make_msgid(domain="clerk.example")
        if act.to is None:
            mail["In-Reply-To"] = mail["References"] = letters[-1].message_id
        mail.set_content(act.text)
        for name, data in files.items():
            mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
        self.server.deliver(box, mail.as_bytes())


def printed(path: str) -> dict[str, Decimal]:
    """The sums as they stand in a summary workbook's form, each beside its item."""
    codes = {item.label: item.code for item in statistics_form().items}
    found: dict[str, Decimal] = {}
    for row in openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True):
        cells = ["".join(str(cell).split()) for cell in row if cell is not None]
        for label in (cell for cell in cells if cell in codes):
            found[codes[label]] = Decimal(cells[-1])
    return found


@contextmanager
def replayed(
    home: Path, cycle: str, kit: Kit, others: Sequence[str] = (), bouncing: Sequence[str] = ()
) -> Iterator[Replay]:
    """An office with all of a cycle's mailboxes and its own, and a mail server where everybody has one.

    others: addresses that stand in no roster. bouncing: those that are taken and come back.
    """
    office = Office(home / "home", cycle=cycle)
    loaded = load_named(cycle, office.ctx.home)
    boxes = {code: c.address for code, c in loaded.cycle.channels.items() if c.address} | {
        "operator": OPERATOR
    }
    clerks = [contact.address for unit in loaded.units for contact in unit.contacts]
    users = dict.fromkeys([*boxes.values(), *clerks, *others], "secret")
    with EmbeddedMailServer(users, bouncing=bouncing) as server:
        for code, address in boxes.items():
            name, login = code.replace("-", "_").upper(), f"{quote(address, safe='')}:secret@127.0.0.1"
            office.environ |= {
                f"AIRFLOW_CONN_{name}_IMAP": f"imap://{login}:{server.imap_port}/?ssl=false",
                f"AIRFLOW_CONN_{name}_SMTP": f"smtp://{login}:{server.smtp_port}/?ssl=false&starttls=false",
            }
        office.clock.instant = loaded.schedule.issue
        yield Replay(office, loaded, server, kit)
