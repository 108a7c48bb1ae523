"""What a process that opens strangers' files may still do: no network, so much memory, disk and time.

`python -m huizong.readers.confine MEMORY_BYTES FILE_BYTES CPU_SECONDS -- program arguments…` becomes that
program under these limits; its children inherit them. So no code runs between fork and exec of a process
that has threads (`preexec_fn` does).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import socket
import struct
import sys
from typing import Final, NamedTuple

_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_SET_MODE_FILTER: Final = 1
_SECCOMP_FILTER_FLAG_TSYNC: Final = 1  # threads that run already are bound too

# Classic BPF, from linux/bpf_common.h and linux/seccomp.h.
_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_AT_LEAST: Final = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_RETURN: Final = 0x06  # BPF_RET | BPF_K
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data, little endian
_ALLOW: Final = 0x7FFF0000
_DENY: Final = 0x00050000 | errno.EPERM
_KILL: Final = 0x80000000
_X32: Final = 0x40000000  # system calls of x86-64's other ABI have this bit


class _Machine(NamedTuple):
    """Numbers of one architecture: its audit name, and system calls by asm/unistd.h."""

    audit: int
    seccomp: int
    socket: int
    # ptrace, process_vm_readv, process_vm_writev, pidfd_getfd: into the parent, which has the keys;
    # io_uring_setup: opens sockets without socket(); unshare, setns, mount, bpf, kexec_load: out of the box.
    denied: tuple[int, ...]


_MACHINES: Final = {
    "x86_64": _Machine(0xC000003E, 317, 41, (101, 310, 311, 438, 425, 272, 308, 165, 321, 246)),
    "aarch64": _Machine(0xC00000B7, 277, 198, (117, 270, 271, 438, 425, 97, 268, 40, 280, 104)),
}


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def no_network() -> bool:
    """Make every socket but AF_UNIX impossible, for this process, its threads and all children, for good.

    Needs no privilege (it gives up gaining any: no_new_privs), and works in a container.

    Returns:
        True if it holds; False where the system cannot do it (not Linux, or another processor): nothing
        was changed then, but no_new_privs.
    """
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    code = _filter(machine)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(buffer))
    call = libc.syscall
    call.restype = ctypes.c_long
    mode, flags = ctypes.c_long(_SECCOMP_SET_MODE_FILTER), ctypes.c_long(_SECCOMP_FILTER_FLAG_TSYNC)
    return bool(call(ctypes.c_long(machine.seccomp), mode, flags, ctypes.byref(program)) == 0)


def _filter(machine: _Machine) -> bytes:
    """Kill what calls by another architecture; deny the calls of `machine.denied` and other sockets."""
    count = len(machine.denied)
    # Jumps count instructions to skip. At the end stand ALLOW, DENY and KILL.
    denied = [(_EQUAL, count - n + 3, 0, call) for n, call in enumerate(machine.denied)]
    instructions = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 0, count + 7, machine.audit),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, count + 4, 0, _X32),
        *denied,
        (_EQUAL, 0, 2, machine.socket),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_EQUAL, 0, 1, socket.AF_UNIX),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _DENY),
        (_RETURN, 0, 0, _KILL),
    ]
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in instructions)


def limit(memory_bytes: int, file_bytes: int) -> None:
    """Bound the address space and what may be written into one file; no core dumps."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def allow_cpu(seconds: int) -> None:
    """So much processor time from here: ends a runaway process even when its parent is gone."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))


def main() -> None:
    """Become the program named behind `--`."""
    memory_bytes, file_bytes, cpu_seconds = map(int, sys.argv[1:4])
    program = sys.argv[5:]
    no_network()
    limit(memory_bytes, file_bytes)
    allow_cpu(cpu_seconds)
    os.execvp(program[0], program)  # noqa: S606 (no shell is wanted)


if __name__ == "__main__":
    main()
