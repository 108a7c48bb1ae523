"""The child process that opens files: `python -m huizong.readers.child MEMORY_BYTES CPU_SECONDS`.

It says READY, then reads requests from standard input and answers on standard output, as
`multiprocessing.connection` frames: a JSON header, then the file's bytes; back comes one `FileReading`, as
JSON. It ends when its input does. It has limits on memory and on processor time a file, may write no file,
and is started without the parent's environment, so that a file which takes it over finds neither keys nor
passwords.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from functools import lru_cache
from multiprocessing.connection import Connection

from pydantic import TypeAdapter

from huizong.instruments.model import Instrument
from huizong.readers.entry import read_bytes

READY = b"ready"
_INSTRUMENTS = TypeAdapter(tuple[Instrument, ...])


@lru_cache(maxsize=8)
def _instruments(text: str) -> tuple[Instrument, ...]:
    return _INSTRUMENTS.validate_json(text)


def _limit(memory_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _allow_cpu(seconds: int) -> None:
    """So much processor time from here: ends a runaway child even when its parent is gone."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))


def main() -> None:
    """Serve until the parent closes the pipe."""
    memory_bytes, cpu_seconds = int(sys.argv[1]), int(sys.argv[2])
    requests = Connection(os.dup(0), writable=False)
    answers = Connection(os.dup(1), readable=False)
    # Whatever a library prints must not get between the answers.
    quiet = os.open(os.devnull, os.O_RDWR)
    os.dup2(quiet, 0)
    os.dup2(quiet, 1)
    _limit(memory_bytes)
    answers.send_bytes(READY)
    while True:
        try:
            header = json.loads(requests.recv_bytes())
            data = requests.recv_bytes()
        except EOFError:
            return
        _allow_cpu(cpu_seconds)
        reading = read_bytes(data, header["name"], _instruments(header["instruments"]))
        answers.send_bytes(reading.model_dump_json().encode())


if __name__ == "__main__":
    main()
