"""Debian's own mail servers for the slow tests: Dovecot (IMAP, LMTP, Sieve) behind Postfix, on loopback.

Everything lives in one temporary folder and is gone at the end, also when the test process is killed. Root is
needed (the servers change users); what is missing fails the test by name.
"""

from __future__ import annotations

import os
import pwd
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from email import message_from_bytes
from email.utils import parseaddr
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from imapclient import IMAPClient

HOST = "localhost"  # as the certificate says
_GUARD = '"$@" & server=$!; cat >/dev/null; kill $server; wait $server; rm -rf "$0"'
_POSTFIX = Path("/usr/lib/postfix/sbin/master")
_PROGRAMS = {
    "/usr/sbin/dovecot": "dovecot-imapd",
    "/usr/lib/dovecot/imap": "dovecot-imapd",
    "/usr/lib/dovecot/lmtp": "dovecot-lmtpd",
    "/usr/bin/sievec": "dovecot-sieve",
    str(_POSTFIX): "postfix",
}
_DOVECOT = """
base_dir = {place}/run
state_dir = {place}/state
instance_name = {place.name}
protocols = imap lmtp
listen = 127.0.0.1
log_path = {place}/dovecot.log
ssl = yes
ssl_cert = <{place}/cert.pem
ssl_key = <{place}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:~/Maildir
first_valid_uid = 1
mail_fsync = never
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {place}/users
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={place}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service auth {{
  unix_listener {place}/sasl {{
    mode = 0666
  }}
}}
verbose_proctitle = yes
service lmtp {{
  unix_listener {place}/lmtp {{
    mode = 0666
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
protocol imap {{
  mail_max_userip_connections = 50
}}
protocol lmtp {{
  postmaster_address = postmaster@mx.example
  mail_plugins = sieve
}}
submission_host = 127.0.0.1:{smtp}
plugin {{
  sieve = file:~/sieve;active=~/.dovecot.sieve
}}
"""
_MAIN = """
compatibility_level = 3.6
queue_directory = {place}/spool
data_directory = {place}/data
maillog_file = {place}/postfix.log
maillog_file_prefixes = {place}
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = mx.example
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
local_recipient_maps =
biff = no
message_size_limit = 62914560
virtual_mailbox_limit = 0
virtual_mailbox_domains = {domains}
virtual_mailbox_maps = texthash:{place}/etc/boxes
virtual_transport = lmtp:unix:{place}/lmtp
default_transport = error:5.4.4 nothing leaves this machine
relay_transport = error:5.4.4 nothing leaves this machine
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {place}/sasl
smtpd_sender_login_maps = texthash:{place}/etc/boxes
smtpd_sender_restrictions = reject_authenticated_sender_login_mismatch
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_tls_security_level = may
smtpd_tls_cert_file = {place}/cert.pem
smtpd_tls_key_file = {place}/key.pem
"""
_MASTER = """
127.0.0.1:{smtp} inet n - n - - smtpd
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
tlsmgr    unix  - - n 1000? 1 tlsmgr
proxymap  unix  - - n - - proxymap
error     unix  - - n - - error
retry     unix  - - n - - error
lmtp      unix  - - n - - lmtp
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""
_VACATION = 'require ["vacation"];\nvacation :days 1 :subject "自动回复" "正在休假，暂不能处理邮件。";\n'


class RealMail:
    """Mailboxes `users` (address to password) on Dovecot, which take their mail from Postfix.

    ghosts: addresses that Postfix takes and Dovecot does not know: a real delivery status notification.
    on_leave: mailboxes with a Sieve vacation script. `smtp_port` also speaks STARTTLS.
    """

    def __init__(
        self, users: Mapping[str, str], ghosts: Collection[str] = (), on_leave: Collection[str] = ()
    ) -> None:
        self.users, self.ghosts, self.on_leave = dict(users), list(ghosts), list(on_leave)
        self.imap_port, self.imaps_port, self.smtp_port = _free_ports(3)
        self.place: Path
        self._stack = ExitStack()

    @property
    def certificate(self) -> Path:
        """What a client has to trust (`SSL_CERT_FILE`) to speak TLS with the servers as `localhost`."""
        return self.place / "cert.pem"

    def __enter__(self) -> Self:
        missing = {package for program, package in _PROGRAMS.items() if not Path(program).exists()}
        if missing or os.geteuid() != 0:
            pytest.fail(f"real mail servers need root and, from Debian: apt-get install {' '.join(missing)}")
        with ExitStack() as stack:
            self.place = Path(
                tempfile.mkdtemp(prefix="hz-mail-")
            )  # short: a socket's path has 107 characters
            stack.callback(shutil.rmtree, self.place, ignore_errors=True)
            self._write()
            stack.callback(
                _stop, _start(self.place, "/usr/sbin/dovecot", "-F", "-c", self.place / "dovecot.conf")
            )
            stack.callback(_stop, _start(self.place, _POSTFIX, "-c", self.place / "etc", "-d"))
            wait_until(lambda: all(map(_listens, (self.imap_port, self.imaps_port, self.smtp_port))))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def deliver(self, address: str, raw: bytes, folder: str = "INBOX") -> None:
        """A mail from far away: by LMTP, or where it must lie in another folder by APPEND."""
        if folder == "INBOX":
            sender = parseaddr(str(message_from_bytes(raw).get("From", "")))[1]
            with smtplib.LMTP(str(self.place / "lmtp")) as door:
                door.sendmail(sender, [address], raw)
            return
        with self.login(address) as client:
            if not client.folder_exists(folder):
                client.create_folder(folder)
            client.append(folder, raw)

    def login(self, address: str) -> IMAPClient:
        """A person's mail program, for use in a `with` statement."""
        client = IMAPClient("127.0.0.1", port=self.imap_port, ssl=False, timeout=20)
        client.login(address, self.users[address])
        return client

    def settle(self) -> None:
        """Wait until Postfix has nothing more to deliver: bounces and automatic answers are there."""
        queues = [self.place / "spool" / name for name in ("maildrop", "incoming", "active", "deferred")]
        quiet = [0]

        def over() -> bool:
            left = any(path.is_file() for queue in queues for path in queue.rglob("*"))
            quiet[0] = 0 if left else quiet[0] + 1
            return quiet[0] == 5  # a bounce is queued a moment after what it is about is gone

        wait_until(over)

    def boxed(self, address: str) -> list[bytes]:
        """The mails of somebody's inbox as they lie on the disk, in order of arrival."""
        maildir = self.place / "mail" / address / "Maildir"
        found = [path for part in ("new", "cur") for path in (maildir / part).glob("*")]
        return [path.read_bytes() for path in sorted(found, key=lambda path: path.name)]

    def idling(self, address: str) -> bool:
        """Whether somebody waits for mail in this box (the process of Dovecot says so in its title)."""
        titles = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        return any("imap" in t and address in t and "IDLE" in t.upper() for t in titles.splitlines())

    def rebuild(self, address: str) -> None:
        """What a restored mailbox looks like: the same mails under another UIDVALIDITY, numbered anew."""
        for path in (self.place / "mail" / address).rglob("dovecot*"):
            if not path.name.startswith("dovecot-uidvalidity"):  # from which the next number is counted
                path.unlink()

    def _write(self) -> None:
        place = self.place
        place.chmod(0o755)
        boxes, mail = [*self.users, *self.ghosts], pwd.getpwnam("mail")
        names = {
            "place": place, "domains": ", ".join(sorted({box.partition("@")[2] for box in boxes})),
            "imap": self.imap_port, "imaps": self.imaps_port, "smtp": self.smtp_port,
        }  # fmt: skip
        for folder in ("etc", "mail", "spool", "data"):
            (place / folder).mkdir()
        for name, text in (("dovecot.conf", _DOVECOT), ("etc/main.cf", _MAIN), ("etc/master.cf", _MASTER)):
            (place / name).write_text(text.format(**names), "utf-8")
        (place / "users").write_text("".join(f"{a}:{p}\n" for a, p in self.users.items()), "utf-8")
        (place / "etc/boxes").write_text("".join(f"{box} {box}\n" for box in boxes), "utf-8")
        for address in self.on_leave:
            home = place / "mail" / address
            home.mkdir()
            (home / ".dovecot.sieve").write_text(_VACATION, "utf-8")
        for path in (place / "mail", *(place / "mail").rglob("*")):
            os.chown(path, mail.pw_uid, mail.pw_gid)
        shutil.chown(place / "data", "postfix")
        _run(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST},IP:127.0.0.1",
            "-keyout", place / "key.pem", "-out", place / "cert.pem",
        )  # fmt: skip
        (place / "key.pem").chmod(0o600)
        _run("/usr/sbin/postfix", "-c", place / "etc", "check")  # makes the queue's folders, too


def wait_until(true: Callable[[], bool], seconds: float = 20) -> float:
    """Look 20 times a second; how many seconds it took. Fails when it never becomes true."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > seconds:
            pytest.fail(f"not within {seconds} seconds: {true}")
        time.sleep(0.05)
    return time.monotonic() - began


def _free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 5):
            return True
    except OSError:
        return False


def _run(*command: str | Path) -> None:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{command[0]}: {done.stderr}"


def _start(place: Path, *command: str | Path) -> subprocess.Popen[bytes]:
    """A server that ends with us, whatever ends us: its guard's standard input is closed then."""
    return subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, str(place), *map(str, command)],
        stdin=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def _stop(guard: subprocess.Popen[bytes]) -> None:
    assert guard.stdin is not None
    guard.stdin.close()
    guard.wait(20)
