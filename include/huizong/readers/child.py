"""The child process that opens files: `python -m huizong.readers.child MEMORY_BYTES CPU_SECONDS`.

It says READY, then reads requests from standard input and answers on standard output, as
`multiprocessing.connection` frames. A request is a JSON header and the file's bytes; the answer to `read` and
`look` is one `FileReading`, to `unpack` and `draw` an `Unpacked` without its bytes and then each member's. It
ends when its input does. It has limits on memory and on processor time a file, may write no file and open no
connection, and is started without the parent's environment. That bounds what a broken file costs; a file that
takes the process over still has the rights of its user: the guard against that is a user of its own.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from functools import lru_cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from huizong.instruments.model import Instrument
from huizong.readers import confine, secrecy
from huizong.readers.entry import draw_bytes, look_at, read_bytes, unpack_bytes

READY = b"ready"
_INSTRUMENTS = TypeAdapter(tuple[Instrument, ...])


@lru_cache(maxsize=8)
def _instruments(text: str) -> tuple[Instrument, ...]:
    return _INSTRUMENTS.validate_json(text)


def _answer(header: dict[str, Any], data: bytes) -> Iterator[bytes]:
    if header["op"] in ("unpack", "draw"):
        path = Path(header["path"]) if header.get("path") else None
        unpacked = draw_bytes(data) if header["op"] == "draw" else unpack_bytes(data, header["name"], path)
        names = [member.name for member in unpacked.members]
        yield json.dumps({"unpacked": unpacked.model_dump(exclude={"members"}), "names": names}).encode()
        for member in unpacked.members:
            yield member.data
        return
    secrecy.CLEARED.set(header["cleared"])
    how = look_at if header["op"] == "look" else read_bytes
    reading = how(data, header["name"], _instruments(header["instruments"]))
    yield reading.model_dump_json(exclude_defaults=True).encode()


def main() -> None:
    """Serve until the parent closes the pipe."""
    memory_bytes, cpu_seconds = int(sys.argv[1]), int(sys.argv[2])
    requests = Connection(os.dup(0), writable=False)
    answers = Connection(os.dup(1), readable=False)
    # Whatever a library prints must not get between the answers.
    quiet = os.open(os.devnull, os.O_RDWR)
    os.dup2(quiet, 0)
    os.dup2(quiet, 1)
    confine.limit(memory_bytes, file_bytes=0)
    confine.no_network()
    answers.send_bytes(READY)
    while True:
        try:
            header = json.loads(requests.recv_bytes())
            data = requests.recv_bytes()
        except EOFError:
            return
        confine.allow_cpu(cpu_seconds)
        for frame in _answer(header, data):
            answers.send_bytes(frame)


if __name__ == "__main__":
    main()
