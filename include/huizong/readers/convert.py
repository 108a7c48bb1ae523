"""LibreOffice as a converter: old documents become docx, workbooks get their formulas worked out.

One call converts a whole batch, at a twelfth of the cost of a call a file. It runs with a throw-away profile
that forbids macros and links, without network and within limits, and its whole process group ends with it.
LibreOffice exits with 0 where a conversion failed: what counts is that the output is there.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from zipfile import is_zipfile

from huizong.readers import limits, programs

MISSING = "文件已保存，本系统暂不能打开该格式，请另存为 xlsx 或 docx 后重新发送。"
FAILED = "文件无法打开，可能已损坏，请在 WPS 或 Office 中打开、另存为 {} 后重新发送。"
TIMED_OUT = "文件转换超时，内容异常或过大，请另存为 {} 后重新发送。"

Target = Literal["docx", "xlsx"]
_TARGETS: Mapping[str, Target] = {
    "doc": "docx",  # wps too: the same format
    "rtf": "docx",
    "odt": "docx",
    "works": "docx",
    "xml-word": "docx",
    "xlsx": "xlsx",
    "xlsb": "xlsx",
    "xls": "xlsx",
    "xls-old": "xlsx",
    "ods": "xlsx",
}
_SUFFIX: Mapping[str, str] = {"works": "wps", "xml-word": "xml", "xls-old": "xls"}  # others: the kind itself
_FILTER: Mapping[Target, str] = {"docx": "docx:MS Word 2007 XML", "xlsx": "xlsx:Calc MS Excel 2007 XML"}

_BATCH: Final = 50  # how many files one that hangs or crashes can make to be converted singly
# Seconds. The longest that one file takes is a stalled batch, and then its own turn: 30 together.
_STALLED: Final = 10.0  # without a further file done, its start (1 to 2) included
_ALONE: Final = 20.0
_EACH: Final = 2.0  # a file of a batch on the average; 0.1 to 0.3 are usual
_POLL: Final = 0.05
_MEMORY: Final = 1536 * 2**20  # of address space; 40 forms take 470 MB of it, 215 MB resident
_LARGEST_FILE: Final = 4 * limits.MAX_BYTES  # its own temporary files
_PASSED_ON: Final = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")

# No macros, no links out of the document, never updated, formulas always worked out anew.
_SETTINGS: Final = (
    ("Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("Writer/Content/Update", "Link", "0"),
    ("Calc/Content/Update", "Link", "1"),
    ("Calc/Formula/Load", "OOXMLRecalcMode", "0"),
    ("Calc/Formula/Load", "ODFRecalcMode", "0"),
)
_PROFILE: Final = (
    '<oor:items xmlns:oor="http://openoffice.org/2001/registry">'
    + "".join(
        f'<item oor:path="/org.openoffice.Office.{path}">'
        f'<prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>'
        for path, name, value in _SETTINGS
    )
    + "</oor:items>"
)

_Files = Mapping[int, tuple[str, bytes]]  # kind and content by an own number: names never reach the disk


@dataclass(frozen=True)
class Converted:
    """One file's outcome: its new bytes, or one sentence for the clerk."""

    data: bytes | None
    reason: str = ""
    awaiting: str = ""  # soffice, where it is not installed


class Converter:
    """Converts with the `soffice` on the path, or that of HUIZONG_SOFFICE."""

    def convert(self, files: Sequence[tuple[str, bytes]]) -> list[Converted]:
        """Convert (kind, bytes) pairs; the results stand in the same order. Never raises for what they hold.

        doc, rtf, odt, works and xml-word become docx; xlsx, xlsb, xls, xls-old and ods become xlsx with every
        formula worked out. A file that hangs or crashes LibreOffice costs the rest of its batch a second,
        single try; alone it has 20 seconds.
        """
        program = programs.find("soffice")
        if program is None:
            return [Converted(None, MISSING, "soffice") for _ in files]
        results: dict[int, Converted] = {}
        for target, batch in _batches(files):
            results |= _convert(program, target, batch)
        return [results.get(n, Converted(None, FAILED.format("docx"))) for n in range(len(files))]


def _batches(files: Sequence[tuple[str, bytes]]) -> Iterator[tuple[Target, _Files]]:
    for target in _FILTER:
        numbers = [n for n, (kind, _) in enumerate(files) if _TARGETS.get(kind) == target]
        for start in range(0, len(numbers), _BATCH):
            yield target, {n: files[n] for n in numbers[start : start + _BATCH]}


def _convert(program: str, target: Target, files: _Files) -> dict[int, Converted]:
    made, outcome = _run(program, target, files)
    left = {n: file for n, file in files.items() if n not in made}
    if outcome != "ended" and len(files) > 1:
        for n, file in left.items():
            made |= _convert(program, target, {n: file})
        return made
    reason = (TIMED_OUT if outcome == "stalled" else FAILED).format(target)
    return made | {n: Converted(None, reason) for n in left}


_Outcome = Literal["ended", "crashed", "stalled"]


def _run(program: str, target: Target, files: _Files) -> tuple[dict[int, Converted], _Outcome]:
    """One call of LibreOffice: what it made, and how it ended."""
    with tempfile.TemporaryDirectory(prefix="huizong-soffice-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        profile = folder / "profile/user/registrymodifications.xcu"
        profile.parent.mkdir(parents=True)
        profile.write_text(_PROFILE, encoding="utf-8")
        sources = []
        for n, (kind, data) in files.items():
            sources.append(folder / f"{n}.{_SUFFIX.get(kind, kind)}")
            sources[-1].write_bytes(data)
        out = folder / "out"
        out.mkdir()
        outcome = _call(program, target, sources, folder)
        made = {n: result for n in files if (result := _output(out / f"{n}.{target}")) is not None}
    return made, outcome


def _call(program: str, target: Target, sources: Sequence[Path], folder: Path) -> _Outcome:
    longest = _ALONE if len(sources) == 1 else _STALLED + _EACH * len(sources)
    # timeout ends the whole group, and does so even when this process is gone.
    confined = ["timeout", "--signal=KILL", str(longest), sys.executable, "-P", "-m"]
    confined += ["huizong.readers.confine", str(_MEMORY), str(_LARGEST_FILE), str(int(longest) + 1), "--"]
    command = [program, "--headless", "--norestore", "--nolockcheck", "--nodefault"]
    command += [f"-env:UserInstallation={(folder / 'profile').as_uri()}"]
    command += ["--convert-to", _FILTER[target], "--outdir", str(folder / "out"), *map(str, sources)]
    log = folder / "log"
    with log.open("wb") as lines:
        process = subprocess.Popen(  # noqa: S603 (our own module, own file names)
            confined + command,
            stdin=subprocess.DEVNULL,
            stdout=lines,
            stderr=lines,
            cwd=folder,
            env=_environment(folder),
            start_new_session=True,
        )
        try:
            return _wait(process, log, longest if len(sources) == 1 else _STALLED)
        finally:
            _end(process)


def _environment(folder: Path) -> dict[str, str]:
    """Neither keys nor passwords; everything that is written goes into the folder that is thrown away."""
    passed_on = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
    own = {"HOME": str(folder), "TMPDIR": str(folder), "LC_ALL": "C.UTF-8", "OOO_DISABLE_RECOVERY": "1"}
    return passed_on | own


def _wait(process: subprocess.Popen[bytes], log: Path, patience: float) -> _Outcome:
    """Until it ends, or says nothing of a further file for `patience` seconds."""
    size, waited = 0, 0.0
    while waited < patience:
        with suppress(subprocess.TimeoutExpired):
            ended = process.wait(_POLL)
            return "ended" if ended == 0 else "stalled" if ended == -signal.SIGKILL else "crashed"
        grown = log.stat().st_size
        waited = waited + _POLL if grown == size else 0.0
        size = grown
    return "stalled"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the group, LibreOffice being a grandchild, and wait until it is gone."""
    pause = threading.Event()
    for _ in range(40):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            break
        process.poll()
        pause.wait(_POLL)
    process.wait()


def _output(path: Path) -> Converted | None:
    """What stands there, if it is a whole file (a killed program leaves half ones)."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):  # a link to elsewhere, made by who took LibreOffice over
        return None
    if status.st_size > limits.MAX_BYTES:
        return Converted(None, limits.TOO_LARGE)
    return Converted(path.read_bytes()) if is_zipfile(path) else None
