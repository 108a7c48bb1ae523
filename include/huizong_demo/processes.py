"""Child processes of the demo, each the leader of a group of its own, with its output in a file."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

PATIENCE = 15.0  # seconds between asking and killing


class Children:
    """Starts processes and stops them all, with all that they started."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.logs / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(  # noqa: S603 - our own commands
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(environ),
                start_new_session=True,
            )

    def fallen(self) -> list[str]:
        """Those that ended by themselves."""
        return [name for name, child in self._running.items() if child.poll() is not None]

    def stop(self, *names: str) -> None:
        """Stop these (default: all): ask every group first, then wait, then kill what is left."""
        chosen = [self._running.pop(name) for name in names or tuple(self._running)]
        for child in chosen:
            _signal(child, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        for child in chosen:
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(0.1, deadline - time.monotonic()))
            _signal(child, signal.SIGKILL)  # also what its children left behind
            child.wait()


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number)
