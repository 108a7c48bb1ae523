"""Airflow for the demo: its settings, its processes, and its public API as an operator's browser uses it."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

import huizong_airflow
from huizong_demo.processes import Children

COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
# name -> (role, password): known, because this Airflow listens on loopback only and ends with the demo
LOGINS = {
    "operator": ("op", "operator"),
    "admin": ("admin", "admin"),
    "viewer": ("viewer", "viewer"),
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings(home: Path, project: Path, port: int) -> dict[str, str]:
    """Airflow's environment: SQLite, four tasks at a time, short intervals, known logins."""
    folder = home / "airflow"
    options = {
        ("core", "executor"): "LocalExecutor",
        ("core", "parallelism"): "4",
        ("core", "dags_folder"): str(project / "dags"),
        ("core", "plugins_folder"): str(project / "plugins"),
        ("core", "load_examples"): "False",
        ("core", "dags_are_paused_at_creation"): "False",
        ("core", "default_timezone"): "Asia/Shanghai",
        (
            "core",
            "auth_manager",
        ): "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        ("core", "simple_auth_manager_users"): ",".join(f"{n}:{role}" for n, (role, _) in LOGINS.items()),
        ("core", "simple_auth_manager_passwords_file"): str(folder / "passwords.json"),
        ("database", "sql_alchemy_conn"): f"sqlite:///{folder / 'airflow.db'}",
        ("api", "host"): "127.0.0.1",
        ("api", "port"): str(port),
        ("api", "base_url"): f"http://127.0.0.1:{port}",
        ("api", "workers"): "1",
        ("api", "instance_name"): "汇总",
        ("core", "execution_api_server_url"): f"http://127.0.0.1:{port}/execution/",
        ("logging", "worker_log_server_port"): str(free_port()),
        ("logging", "trigger_log_server_port"): str(free_port()),
        ("scheduler", "enable_health_check"): "False",
        ("dag_processor", "refresh_interval"): "5",
        ("dag_processor", "min_file_process_interval"): "5",
        ("dag_processor", "parsing_processes"): "1",
        # A definition written while Airflow runs must count at once.
        ("core", "min_serialized_dag_update_interval"): "1",
        ("core", "min_serialized_dag_fetch_interval"): "1",
    }
    return {
        "AIRFLOW_HOME": str(folder),
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}",
        **{
            f"AIRFLOW__{section.upper()}__{name.upper()}": value for (section, name), value in options.items()
        },
    }


def prepare(home: Path, environ: Mapping[str, str]) -> None:
    """The metadata database, in WAL mode, and the password file.

    Raises:
        RuntimeError: the migration failed; the sentence names its log.
    """
    folder = home / "airflow"
    folder.mkdir(parents=True, exist_ok=True)
    passwords = {name: password for name, (_, password) in LOGINS.items()}
    # Great Expectations is imported once, where tasks are forked from.
    (folder / "config").symlink_to(Path(huizong_airflow.__file__).parent / "config")
    (folder / "passwords.json").write_text(json.dumps(passwords), encoding="utf-8")
    log = home / "logs" / "migrate.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        done = subprocess.run(
            ["airflow", "db", "migrate"],  # noqa: S607 - found on the PATH of `settings`
            env=dict(environ),
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"Airflow 数据库初始化失败，见 {log}")
    with sqlite3.connect(folder / "airflow.db") as database:
        database.execute("PRAGMA journal_mode=WAL")


def start(children: Children, environ: Mapping[str, str]) -> None:
    """All components at once: `airflow standalone` is slower and hides a dead child."""
    for name in COMPONENTS:
        children.start(name, ["airflow", name], environ)


@dataclass(frozen=True)
class Question:
    """A task that waits for a person."""

    dag: str
    run: str
    task: str
    map_index: int
    subject: str
    options: tuple[str, ...]


class Api:
    """Airflow's public REST API, logged in as the operator."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._http = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    def health(self) -> dict[str, str]:
        """Component -> status; nothing while the server is not up."""
        try:
            answer = self._http.get("/api/v2/monitor/health", timeout=5)
            return {name: part.get("status") or "" for name, part in answer.json().items()}
        except (httpx.HTTPError, ValueError):
            return {}

    def wait_until_healthy(self, alive: Callable[[], None], seconds: float = 150) -> None:
        """Until all four components say so; `alive` raises when one of them has ended.

        Raises:
            RuntimeError: not within that time.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            alive()
            states = self.health()
            if len(states) >= len(COMPONENTS) and set(states.values()) == {"healthy"}:
                return
            time.sleep(0.5)
        raise RuntimeError(f"Airflow 未在 {seconds:.0f} 秒内就绪：{self.health() or '无应答'}")

    def login(self) -> None:
        name = "operator"
        answer = self._http.post("/auth/token", json={"username": name, "password": LOGINS[name][1]})
        answer.raise_for_status()
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def _get(self, path: str, **params: Any) -> Any:
        answer = self._http.get(f"/api/v2{path}", params=params)
        answer.raise_for_status()
        return answer.json()

    def import_errors(self) -> list[str]:
        errors = self._get("/importErrors", limit=100)["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in errors]

    def runs(self) -> list[dict[str, Any]]:
        """All DAG runs."""
        found: list[dict[str, Any]] = []
        while True:
            page = self._get("/dags/~/dagRuns", limit=100, offset=len(found), order_by="id")
            found.extend(page["dag_runs"])
            if not page["dag_runs"] or len(found) >= page["total_entries"]:
                return found

    def troubled(self) -> list[str]:
        """Tasks that failed, or wait to be tried again."""
        path = "/dags/~/dagRuns/~/taskInstances"
        found = self._get(path, state=["failed", "up_for_retry", "upstream_failed"], limit=100)
        return [f"{t['dag_id']}.{t['task_id']}（{t['state']}）" for t in found["task_instances"]]

    def questions(self) -> list[Question]:
        """What waits for a person now."""
        waiting = self._get("/dags/~/dagRuns/~/hitlDetails", response_received=False, limit=100)
        return [
            Question(
                task["dag_id"],
                task["dag_run_id"],
                task["task_id"],
                task["map_index"],
                detail["subject"],
                tuple(detail["options"]),
            )
            for detail in waiting["hitl_details"]
            if (task := detail["task_instance"])["state"] in ("awaiting_input", "deferred")
        ]

    def answer(self, question: Question, option: str) -> None:
        """Answer as the operator does in the UI."""
        path = f"/api/v2/dags/{quote(question.dag)}/dagRuns/{quote(question.run)}/taskInstances"
        answer = self._http.patch(
            f"{path}/{quote(question.task)}/{question.map_index}/hitlDetails",
            json={"chosen_options": [option], "params_input": {}},
        )
        answer.raise_for_status()
