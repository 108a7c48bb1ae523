"""A process that opens strangers' files really has no network, and no more than it was given.

Confinement cannot be taken back, so each case runs in a process of its own.
"""

from __future__ import annotations

import platform
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator

import pytest

from huizong.readers import confine

GIB = 2**30


def run(code: str, *, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [*before, sys.executable, "-P", "-c", textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def listener() -> Iterator[tuple[int, list[str]]]:
    """A port of this machine, and who called there."""
    callers: list[str] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            callers.append(connection.recv(100).decode())
            connection.close()

    server = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield server.getsockname()[1], callers
    server.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    server.close()


def test_nobody_gets_out_neither_thread_nor_child(listener: tuple[int, list[str]]) -> None:
    port, callers = listener
    ran = run(f"""
        import socket, subprocess, sys, threading
        from huizong.readers.confine import no_network

        def call(who):
            try:
                with socket.create_connection(("127.0.0.1", {port})) as connection:
                    connection.sendall(who.encode())
            except PermissionError:
                print(who, "denied")

        call("before")
        allowed = threading.Event()
        early = threading.Thread(target=lambda: (allowed.wait(), call("thread")))
        early.start()
        print(no_network())
        allowed.set()
        early.join()
        call("after")
        child = "import socket; socket.create_connection(('127.0.0.1', {port})).sendall(b'child')"
        ended = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True)
        print(ended.stderr.splitlines()[-1].partition(":")[0])
    """)
    assert ran.stdout.splitlines() == ["True", "thread denied", "after denied", "PermissionError"], ran
    assert callers == ["before"]


def test_only_local_sockets_are_left() -> None:
    ran = run("""
        import socket
        from huizong.readers.confine import no_network
        no_network()
        for family in ("AF_INET", "AF_INET6", "AF_PACKET", "AF_NETLINK", "AF_VSOCK"):
            try:
                socket.socket(getattr(socket, family), socket.SOCK_DGRAM)
            except PermissionError:
                print("denied")
        server = socket.socket(socket.AF_UNIX)
        server.bind("\\0huizong-test-" + str(id(server)))
        server.listen()
        client = socket.socket(socket.AF_UNIX)
        client.connect(server.getsockname())
        client.sendall(b"hello")
        print(server.accept()[0].recv(5).decode())
    """)
    assert ran.stdout.split() == ["denied"] * 5 + ["hello"], ran


@pytest.mark.parametrize(("confined", "answer"), [(False, "0"), (True, "-1")])
def test_no_hand_in_another_process(confined: bool, answer: str) -> None:
    ran = run(f"""
        import ctypes
        from huizong.readers.confine import no_network
        {confined} and no_network()
        PTRACE_TRACEME = 0
        print(ctypes.CDLL(None).ptrace(PTRACE_TRACEME, 0, 0, 0))
    """)
    assert ran.stdout.split() == [answer]


def test_another_processor_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert confine.no_network() is False
    socket.socket(socket.AF_INET).close()


def verdict(code: bytes, call: int, audit: int, argument: int) -> int:
    """What the kernel would say: the few instructions that the filter is made of."""
    instructions = list(struct.iter_unpack("<HBBI", code))
    loaded, at = 0, 0
    while True:
        operation, yes, no, constant = instructions[at]
        at += 1
        if operation == 0x20:
            loaded = {0: call, 4: audit, 16: argument}[constant]
        elif operation == 0x15:
            at += yes if loaded == constant else no
        elif operation == 0x35:
            at += yes if loaded >= constant else no
        else:
            return int(constant)


@pytest.mark.parametrize("name", ["x86_64", "aarch64"])
def test_the_filter_of_each_processor(name: str) -> None:
    machine = confine._MACHINES[name]
    code = confine._filter(machine)
    allow, deny, kill = 0x7FFF0000, 0x00050001, 0x80000000
    assert verdict(code, machine.socket, machine.audit, socket.AF_UNIX) == allow
    assert verdict(code, machine.socket + 1, machine.audit, socket.AF_INET) == allow  # connect on x86-64
    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_PACKET):
        assert verdict(code, machine.socket, machine.audit, family) == deny
    assert {verdict(code, call, machine.audit, socket.AF_UNIX) for call in machine.denied} == {deny}
    assert verdict(code, 0x40000000 + machine.socket, machine.audit, socket.AF_INET) == deny
    assert verdict(code, machine.socket, 0x40000003, socket.AF_INET) == kill  # 32 bits


def test_memory_and_files_are_bounded() -> None:
    ran = run("""
        import errno, tempfile
        from huizong.readers.confine import limit
        limit(memory_bytes=512 * 2**20, file_bytes=1000)
        try:
            bytearray(2**30)
        except MemoryError:
            print("memory")
        with tempfile.TemporaryFile(buffering=0) as file:
            print(file.write(bytes(1000)))
            try:
                file.write(b"x")
            except OSError as e:
                print(errno.errorcode[e.errno])
    """)
    assert ran.stdout.split() == ["memory", "1000", "EFBIG"], ran


def test_processor_time_is_bounded() -> None:
    ran = run("""
        from huizong.readers.confine import allow_cpu
        allow_cpu(0)
        while True:
            pass
    """)
    assert ran.returncode == -signal.SIGXCPU


def test_a_program_under_limits() -> None:
    before = (sys.executable, "-P", "-m", "huizong.readers.confine", str(GIB), "4096", "7", "--")
    ran = run(
        """
        import resource, socket, sys
        for name in ("AS", "FSIZE", "CORE"):
            print(*resource.getrlimit(getattr(resource, "RLIMIT_" + name)))
        print(resource.getrlimit(resource.RLIMIT_CPU)[0])
        try:
            socket.socket(socket.AF_INET)
        except PermissionError:
            print("denied")
        sys.exit(3)
        """,
        before=before,
    )
    first_three, cpu, network = ran.stdout.split("\n")[:3], *ran.stdout.split("\n")[3:5]
    assert first_three == [f"{GIB} {GIB}", "4096 4096", "0 0"]
    assert (7 <= int(cpu) <= 9, network, ran.returncode) == (True, "denied", 3)
