"""Trying a mailbox: login both ways, the folders, a letter to itself and back. One login each.

The test letter stays in the mailbox, which is never written to; its Message-ID tells `receive` that it is a
copy of our own. A stopped account is tried once: if the login works, it may be used again.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta

from huizong.connections import MailServer, connection_id
from huizong.definition.model import Channel, Proof
from huizong.errors import HuizongError, TransientError, UsageError
from huizong.intake.imap import UNDATED, Mailbox
from huizong.intake.sentbox import found_in_sent
from huizong.ledger.engine import LockBusyError
from huizong.ledger.upkeep import Account
from huizong.outbox.compose import compose
from huizong.outbox.model import Outgoing, Rendered
from huizong.outbox.queue import message_id
from huizong.outbox.sender import Sender
from huizong.stages.accounts import Purpose, account_name, login_worked
from huizong.stages.context import Context
from huizong.stages.doctor.model import Check, sentence

WAIT = timedelta(seconds=60)  # for the letter to come back
SENT_WAIT = timedelta(seconds=10)  # for its copy in 已发送, once it has come
_STEP = 2.0  # seconds
_SKEW = timedelta(minutes=5)
_REACH = "请核对服务器地址和端口（网易：imap.163.com:993、smtp.163.com:465），并确认本机能访问外网。"
_WHY: Mapping[Proof, str] = {
    "sent_folder": "服务器自动把所发信件存入已发送文件夹",
    "blind_copy": "服务器不存已发送，但抄送本邮箱能够收到",
    "none": "既不存已发送，也收不到发给自己的信",
}


def check_mailbox(ctx: Context, code: str, channel: Channel, wanted: str) -> list[Check]:
    """All that can be tried of a mailbox with the connections that it has. Never raises for what fails.

    Args:
        wanted: why it has to have connections, in the clerk's words; "" where it may do without.
    """
    try:
        imap, smtp = (ctx.connections.get(connection_id(code, purpose)) for purpose in ("imap", "smtp"))
    except UsageError as e:
        return [Check(code, False, str(e))]
    if imap is None and smtp is None:
        return [_unconnected(code, wanted)]
    with ExitStack() as stack:
        box, reading = _try_imap(ctx, stack, code, channel, imap)
        sender, writing = _try_smtp(ctx, stack, code, channel, smtp)
        checks = [reading, writing]
        if box is not None and sender is not None and smtp is not None:
            ctx.say(f"{code}：向本邮箱发一封测试信，等它回来（最多{WAIT.seconds}秒）")
            try:
                checks += _round_trip(_Trip(ctx, code, channel, smtp.login, box, sender))
            except (HuizongError, OSError) as e:
                checks.append(Check(f"{code}.letter", False, f"测试信未能收回：{e}"))
    return checks


def check_sender(ctx: Context, code: str) -> Check:
    """Log in to a connection that only sends.

    Raises:
        UsageError: the connection is not written as it should be.
    """
    with ExitStack() as stack:
        server = ctx.connections.get(connection_id(code, "smtp"))
        return _try_smtp(ctx, stack, code, None, server)[1]


def _unconnected(code: str, wanted: str) -> Check:
    names = "、".join(f"AIRFLOW_CONN_{connection_id(code, p).upper()}" for p in ("imap", "smtp"))
    if wanted:
        return Check(code, False, f"未配置连接，{wanted}而无法收发。请添加 {names}（值中用授权码）。")
    return Check(code, True, f"未配置连接，按文件夹方式工作（需要收发邮件时添加 {names}）。")


def _try_imap(
    ctx: Context, stack: ExitStack, code: str, channel: Channel, server: MailServer | None
) -> tuple[Mailbox | None, Check]:
    name = f"{code}.imap"
    if server is None:
        return None, _missing(code, "imap")
    ctx.say(f"{code}：登录 {server.host}（IMAP）")
    try:
        box = stack.enter_context(Mailbox(server))
        folders = box.folders(channel.folders)
        for folder in folders:
            box.list_uids(folder)
    except (HuizongError, OSError) as e:
        return None, Check(name, False, _with_advice(e))
    said = f"已登录 {server.host}，可打开并将读取：{'、'.join(folders)}。{_lift(ctx, code, 'imap', server)}"
    if absent := [folder for folder in channel.folders if folder not in folders]:
        said += f"定义中的文件夹{'、'.join(absent)}不存在，请在 folders 中改正。"
    return box, Check(name, not absent, said)


def _try_smtp(
    ctx: Context, stack: ExitStack, code: str, channel: Channel | None, server: MailServer | None
) -> tuple[Sender | None, Check]:
    name = f"{code}.smtp"
    if server is None:
        return None, _missing(code, "smtp")
    if channel is not None and (channel.address or "").lower() != server.login.lower():
        said = f"连接的用户名 {server.login} 与渠道的 address {channel.address} 不一致，请改为一致。"
        return None, Check(name, False, said)
    ctx.say(f"{code}：登录 {server.host}（SMTP）")
    try:
        stack.enter_context(ctx.ledger.lock(f"account:{server.host}:{server.login}"))
        sender = stack.enter_context(Sender(server))
        sender.connect()
    except LockBusyError:
        return None, Check(name, True, "发信流程正在使用该账号，未另行登录；稍后可再查一次。")
    except (HuizongError, OSError) as e:
        return None, Check(name, False, _with_advice(e))
    return sender, Check(name, True, f"已登录 {server.host}。{_lift(ctx, code, 'smtp', server)}")


def _missing(code: str, purpose: Purpose) -> Check:
    name = connection_id(code, purpose)
    doing = "收取来件" if purpose == "imap" else "发出信件"
    said = f"缺少连接 {name}，无法{doing}。请在 Airflow 的“连接”中添加，或设置 AIRFLOW_CONN_{name.upper()}。"
    return Check(f"{code}.{purpose}", False, said)


def _lift(ctx: Context, code: str, purpose: Purpose, server: MailServer) -> str:
    """The login worked: an account that was stopped for its login goes on, and that is said."""
    with ctx.ledger.write() as session:
        known = session.get(Account, account_name(purpose, server))
        stopped = known is not None and known.stopped_at is not None
        login_worked(ctx, session, purpose, server)
        stays = known is not None and known.stopped_at is not None
    if stays:
        return f"账号另因发信问题停用，看过之后运行 huizong outbox resume {code}。"
    return "此前的停用已解除。" if stopped else ""


def _with_advice(error: Exception) -> str:
    return f"{sentence(str(error))}{_REACH}" if isinstance(error, TransientError) else str(error)


@dataclass(frozen=True)
class _Trip:
    ctx: Context
    code: str
    channel: Channel
    address: str
    box: Mailbox
    sender: Sender


def _round_trip(trip: _Trip) -> list[Check]:
    """Send a letter to the mailbox itself, and look where it and its copy turn up."""
    name = f"{trip.code}.letter"
    folders = trip.box.folders(trip.channel.folders)
    before = {folder: set(trip.box.list_uids(folder)[1]) for folder in folders}
    own_id = message_id(f"doctor:{secrets.token_hex(16)}", "", trip.address)
    outcome = trip.sender.send(trip.address, _letter(trip, own_id))
    if outcome.state != "sent":
        return [Check(name, False, f"测试信未被服务器接收（{outcome.code or ''} {outcome.reply}）。")]
    found = _wait(trip, before, own_id)
    proof = _check_proof(trip, own_id, arrived=found is not None)
    if found is None:
        said = f"测试信已发出，{WAIT.seconds}秒内没有回到{'、'.join(folders)}；请在网页邮箱中查看它去了哪里。"
        return [Check(name, False, said), proof]
    folder, date = found
    where = "" if folder == "INBOX" else f"，被归入“{folder}”，建议在网页邮箱中把本邮箱加入白名单"
    return [Check(name, True, f"测试信已发出并收回{where}。"), proof, *_check_clock(trip, date)]


def _letter(trip: _Trip, own_id: str) -> bytes:
    text = f"这是 huizong doctor 对渠道 {trip.code} 的测试信，无需处理，可以删除。"
    outgoing = Outgoing(
        sender_name="汇总系统",
        sender_address=trip.address,
        to_name="汇总系统",
        to_address=trip.address,
        message_id=own_id,
        rendered=Rendered("【测试】邮箱检查", text, f"<p>{text}</p>"),
        auto_submitted="auto-generated",
    )
    return compose(outgoing, trip.ctx.clock.now())


def _wait(trip: _Trip, before: dict[str, set[int]], own_id: str) -> tuple[str, datetime] | None:
    """The folder in which the letter turned up, and the server's date of it."""
    until = trip.ctx.clock.now() + WAIT
    while True:
        for folder, known in before.items():
            new = [uid for uid in trip.box.list_uids(folder)[1] if uid not in known]
            heads = trip.box.headers(folder, new) if new else {}
            for uid, head in heads.items():
                if own_id.encode() in head:
                    return folder, next((date for _, date, _, _ in trip.box.fetch(folder, [uid])), UNDATED)
        if trip.ctx.clock.now() >= until:
            return None
        trip.ctx.clock.sleep(_STEP)


def _check_proof(trip: _Trip, own_id: str, *, arrived: bool) -> Check:
    until = trip.ctx.clock.now() + SENT_WAIT
    while not (in_sent := bool(found_in_sent(trip.box, [own_id]))):
        if trip.ctx.clock.now() >= until:
            break
        trip.ctx.clock.sleep(_STEP)
    fits: Proof = "sent_folder" if in_sent else "blind_copy" if arrived else "none"
    works = {"none": True, "blind_copy": arrived, "sent_folder": in_sent}
    written = trip.channel.proof
    if written == fits:
        said = f"proof: {fits} 与定义一致（{_WHY[fits]}）。"
    elif works[written]:
        said = f"定义为 proof: {written}，可用；该邮箱还可用 proof: {fits}（{_WHY[fits]}），建议改用。"
    else:
        said = f"定义为 proof: {written}，但该邮箱不适用：{_WHY[fits]}。请改为 proof: {fits}。"
    return Check(f"{trip.code}.proof", works[written], said)


def _check_clock(trip: _Trip, date: datetime) -> list[Check]:
    """Only where the clocks differ: punctuality goes by the server's date."""
    skew = date - trip.ctx.clock.now()
    if date == UNDATED or abs(skew) <= _SKEW:
        return []
    minutes = round(abs(skew) / timedelta(minutes=1))
    way = "快" if skew > timedelta() else "慢"
    said = f"邮件服务器的时间比本机{way}{minutes}分钟；是否按时以它为准，请校准本机时间（NTP）。"
    return [Check(f"{trip.code}.clock", False, said)]
