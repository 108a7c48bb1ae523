"""A line to a server that breaks, falls silent, or is not answered: a TCP proxy with faults to give."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Self

Fault = Literal["cut", "silent", "gone"]


class ShakyLine:
    """Forwards to `upstream`; each of the next `faults` connections goes wrong.

    cut: closed after `after()` bytes from the server. silent: nothing more comes after as many. gone: closed
    at once. `struck` counts how often it happened.
    """

    def __init__(self, upstream: int, fault: Fault, after: Callable[[], int] = lambda: 0) -> None:
        self.fault, self.after = fault, after
        self.faults = self.struck = 0
        self._upstream = upstream
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._over = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._socket.accept()
            except OSError:
                return
            wrong, self.faults = self.faults > 0, max(0, self.faults - 1)
            if wrong and self.fault == "gone":
                self.struck += 1
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._upstream))
            left = self.after() if wrong else None
            threading.Thread(target=self._up, args=(near, far), daemon=True).start()
            threading.Thread(target=self._down, args=(far, near, left), daemon=True).start()

    def _up(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := near.recv(1 << 16):
                far.sendall(data)
        _end(far)

    def _down(self, far: socket.socket, near: socket.socket, left: int | None) -> None:
        """Forward; with `left` no more than so many bytes."""
        with contextlib.suppress(OSError):
            while data := far.recv(1 << 16):
                if left is not None and len(data) >= left:
                    near.sendall(data[:left])
                    self.struck += 1
                    if self.fault == "silent":
                        self._over.wait(60)
                    break
                near.sendall(data)
                left = None if left is None else left - len(data)
        _end(near)


def _end(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()
