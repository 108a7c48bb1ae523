"""The demo's whole office on one machine: mail server, clerks, Airflow, and a look into the ledger."""

from __future__ import annotations

import json
import os
import secrets
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from huizong.connections import EnvironmentConnections
from huizong.home import Home
from huizong.stages.context import Context, open_context
from huizong_demo import airflow, cycle
from huizong_demo.cast import CAST, PRIVATE_ADDRESS
from huizong_demo.mailserver import EmbeddedMailServer
from huizong_demo.processes import Children
from huizong_demo.robots import Responder
from huizong_machine.clock import SystemClock

OFFICE = "kjj@xinxiang.example"


class Office:
    """Starts everything and stops everything; all it writes is in `home`."""

    def __init__(self, home: Path, project: Path) -> None:
        self.home, self.project = home, project
        self.units = cycle.units(project)
        self.children = Children(home / "logs")
        self.diary = home / "clerks.jsonl"
        self.api = airflow.Api(airflow.free_port())
        self._code = secrets.token_hex(8)
        self._mail: EmbeddedMailServer | None = None
        self.environ: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.children.stop()
        if self._mail is not None:
            self._mail.stop()

    def start_mail(self) -> None:
        """The mail server, and the clerks at their mailboxes."""
        address = {unit.code: unit.address for unit in self.units}
        boxes = {OFFICE, PRIVATE_ADDRESS, *address.values()} - {
            address[role.unit] for role in CAST if role.bounces
        }
        self._mail = EmbeddedMailServer(
            dict.fromkeys(boxes, self._code),
            bouncing=[address[role.unit] for role in CAST if role.bounces],
            # One that answers machines, too, and does not say that it is one.
            responders={address[role.unit]: Responder(dumb=True) for role in CAST if role.responder},
        )
        imap, smtp = self._mail.start()
        self.environ = self._environ(imap, smtp)
        config = {
            "imap": ["127.0.0.1", imap],
            "smtp": ["127.0.0.1", smtp],
            "password": self._code,
            "diary": str(self.diary),
            "clerks": self._clerks(),
        }
        path = self.home / "clerks.json"
        path.write_text(json.dumps(config, ensure_ascii=False, indent=1), encoding="utf-8")
        self.children.start("clerks", [sys.executable, "-m", "huizong_demo.clerks", str(path)], self.environ)

    def _clerks(self) -> list[dict[str, Any]]:
        known = {unit.code: unit for unit in self.units}
        clerks = []
        for role in CAST:
            if role.read_by or role.bounces:
                continue
            reads = [role.unit, *(other.unit for other in CAST if other.read_by == role.unit)]
            units = [
                {"code": code, "name": known[code].full_name, "address": known[code].address}
                for code in reads
            ]
            clerks.append({"units": units, "steps": list(role.steps), "wait": role.wait})
        return clerks

    def _environ(self, imap: int, smtp: int) -> dict[str, str]:
        login = f"{quote(OFFICE, safe='')}:{self._code}@127.0.0.1"
        channel = cycle.CHANNEL.replace("-", "_").upper()
        port = int(self.api.url.rsplit(":", 1)[1])
        # Nothing of a real installation that the caller's shell may name.
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "HUIZONG_"))}
        return {
            **inherited,
            **airflow.settings(self.home, self.project, port),
            "HUIZONG_HOME": str(self.home),
            "HUIZONG_PROJECT": str(self.project),
            f"AIRFLOW_CONN_{channel}_IMAP": f"imap://{login}:{imap}/?ssl=false",
            f"AIRFLOW_CONN_{channel}_SMTP": f"smtp://{login}:{smtp}/?ssl=false&starttls=false",
            "HUIZONG_RECEIVE_EVERY": "20s",
            "GX_ANALYTICS_ENABLED": "false",
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def start_airflow(self) -> None:
        """Airflow, up and healthy.

        Raises:
            RuntimeError: it does not come up; the sentence says where to look.
        """
        airflow.prepare(self.home, self.environ)
        airflow.start(self.children, self.environ)
        self.api.wait_until_healthy(self.nobody_fell)
        self.api.login()

    def nobody_fell(self) -> None:
        """Raises RuntimeError when a process ended by itself."""
        fallen = self.children.fallen()
        if fallen:
            logs = "、".join(str(self.children.logs / f"{name}.log") for name in fallen)
            raise RuntimeError(f"{'、'.join(fallen)} 意外退出，见 {logs}")

    def context(self) -> Context:
        """The ledger, as the command line opens it."""
        connections = EnvironmentConnections(self.environ)
        return open_context(
            Home.from_environment(self.environ), SystemClock(), connections, say=lambda line: None
        )
