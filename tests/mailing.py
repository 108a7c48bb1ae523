"""What tests by mail share: a real mail server's boxes, the clerks' mails, and an office that sweeps them."""

from __future__ import annotations

import csv
from email.message import EmailMessage
from email.utils import make_msgid
from io import BytesIO

import docx

from huizong.connections import MailServer
from huizong.intake.idle import Watch, Woken
from huizong.intake.imap import Mailbox
from huizong.mime.parse import ParsedMail, parse_message
from huizong_demo.mailserver import EmbeddedMailServer
from office import PROJECT, Office, fill, honest

OFFICE, OFFICE_KX = "kjj@xinxiang.example", "kx@xinxiang.example"
STRANGER = "xiaowang@qq.example"
BOUNCING, ON_LEAVE = "410726", "410727"  # units whose mailboxes refuse or answer by themselves


def addresses() -> dict[str, str]:
    with (PROJECT / "include/cycles/xinxiang-2022/roster.csv").open(encoding="utf-8") as f:
        return {row["code"]: row["email"] for row in csv.DictReader(f)}


ADDRESS = addresses()


async def wait_for_mail(server: MailServer, idle_seconds: float = 240) -> Woken:
    """Log in and wait once. What came before wakes nobody."""
    async with Watch(server) as watch:
        return await watch.wait(idle_seconds)


def inbox(server: EmbeddedMailServer, address: str) -> list[ParsedMail]:
    """What lies in somebody's mailbox, oldest first."""
    with Mailbox(MailServer("127.0.0.1", server.imap_port, address, "secret", False, False)) as box:
        _, uids = box.list_uids("INBOX")
        return [parse_message(raw) for _, _, _, raw in box.fetch("INBOX", uids)] if uids else []


def answer(
    server: EmbeddedMailServer,
    sender: str,
    text: str,
    files: dict[str, bytes] | None = None,
    to: ParsedMail | None = None,
) -> None:
    """A clerk's mail into the office's mailbox, as a reply to `to` or of itself."""
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, OFFICE
    mail["Subject"] = f"回复：{to.subject}" if to else "活动周材料"
    mail["Message-ID"] = make_msgid(domain="xinxiang.example")
    if to:
        mail["In-Reply-To"] = mail["References"] = to.message_id_raw
    mail.set_content(text)
    for name, data in (files or {}).items():
        mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    server.deliver(OFFICE, mail.as_bytes())


def report(unit: str = "") -> bytes:
    """A report to which no rule objects; two units with the same text would be asked about it."""
    document = docx.Document()
    document.add_paragraph(f"活动总结{unit}")
    for _ in range(5):
        document.add_paragraph("本单位围绕活动周主题，组织开展了科普讲座、开放日等活动，群众踊跃参加。")
    out = BytesIO()
    document.save(out)
    return out.getvalue()


def scan() -> bytes:
    """A PDF with a page of words: what stands in for a stamped copy where nobody looks at it."""
    words = b"BT /F1 12 Tf 72 720 Td 14 TL " + b"(This is the stamped copy of the form.) ' " * 8 + b"ET"
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%b\nendstream" % (len(words), words),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, table = b"%PDF-1.4\n", b"xref\n0 6\n0000000000 65535 f \n"
    for n, part in enumerate(parts, start=1):
        table += b"%010d 00000 n \n" % len(out)
        out += b"%d 0 obj%b\nendobj\n" % (n, part)
    return out + table + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(out)


def all_parts(office: Office, unit: str, seed: int) -> dict[str, bytes]:
    return {
        "统计表.xlsx": fill(office.template(unit), honest(seed)),
        "统计表盖章扫描件.pdf": scan(),
        "总结报告.docx": report(unit),
    }


def sweep(office: Office, as_of: str) -> dict[str, object]:
    got = office.receive(as_of, "mailbox-kjj")
    office.validate(as_of, send=True)
    return got
