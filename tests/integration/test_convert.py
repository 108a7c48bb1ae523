"""LibreOffice as a converter: what it makes is right, and what it must not do it cannot."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from zipfile import ZipFile

import olefile
import openpyxl
import pytest
import python_calamine
import xlwt

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from form_files import FORM, UNIT, VALUES, docx_bytes, saved

from huizong.readers import convert, limits
from huizong.readers.convert import Converter
from huizong.readers.model import FileReading
from huizong.readers.worker import ReadWorker, Source

pytestmark = pytest.mark.slow

FILTERS = {"doc": "doc", "rtf": "rtf", "odt": "odt", "xml": "xml:MS Word 2003 XML"}


def soffice(folder: Path, to: str, *sources: Path) -> None:
    """LibreOffice as anybody would call it: not confined, with its own defaults."""
    profile = f"-env:UserInstallation=file://{folder}/profile"
    command = ["soffice", "--headless", profile, "--convert-to", to, "--outdir", str(folder / "out")]
    subprocess.run([*command, *map(str, sources)], check=True, capture_output=True, timeout=180)


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """The filled form as LibreOffice saves it in each old format."""
    folder = tmp_path_factory.mktemp("forms")
    source = folder / "form.docx"
    source.write_bytes(docx_bytes())
    for to in FILTERS.values():
        soffice(folder, to, source)
    return {suffix: (folder / f"out/form.{suffix}").read_bytes() for suffix in FILTERS}


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the converter puts its files, and nobody else does."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def wrapper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script in the place of soffice; a test writes what it does before it becomes the real one."""
    script = tmp_path / "soffice.sh"
    monkeypatch.setenv("HUIZONG_SOFFICE", str(script))
    write(script, "")
    return script


def write(script: Path, first: str) -> None:
    script.write_text(f'#!/bin/sh\n{first}\nexec soffice "$@"\n')
    script.chmod(0o755)


def running(words: str) -> list[str]:
    """Command lines of live processes with these words in them."""
    lines = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if words in line:
            lines.append(line)
    return lines


def gone(words: str, seconds: float = 5.0) -> bool:
    until = time.monotonic() + seconds
    while running(words):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def outcome(reading: FileReading) -> tuple[str, str, str]:
    return reading.kind, reading.disposition, reading.reason


def table(data: bytes | None) -> list[list[object]]:
    assert data is not None
    sheet = python_calamine.load_workbook(io.BytesIO(data)).get_sheet_by_index(0)
    return [list(row) for row in sheet.to_python()]


def locked(doc: bytes) -> bytes:
    """The document with the flag fEncrypted of [MS-DOC] 2.5.2 set."""
    with olefile.OleFileIO(io.BytesIO(doc)) as ole:
        start = doc.index(ole.openstream("WordDocument").read(64))
    return doc[: start + 0x0B] + bytes([doc[start + 0x0B] | 0x01]) + doc[start + 0x0C :]


def test_old_documents_say_the_same(forms: Mapping[str, bytes]) -> None:
    files = {
        "统计表.doc": forms["doc"],
        "统计表.wps": forms["doc"],
        "加密.doc": locked(forms["doc"]),
        "残缺.doc": forms["doc"][: len(forms["doc"]) // 2],
        "统计表.rtf": forms["rtf"],
        "统计表.odt": forms["odt"],
        "统计表.xml": forms["xml"],
    }
    with ReadWorker() as worker:
        readings = worker.read_all([Source(name, data) for name, data in files.items()], [FORM])
    found = dict(zip(files, readings, strict=True))
    assert outcome(found.pop("加密.doc")) == ("doc", "set_aside", limits.PASSWORD)
    assert outcome(found.pop("残缺.doc")) == ("damaged", "set_aside", limits.DAMAGED)
    for name, reading in found.items():
        form = reading.forms[0]
        assert (reading.notes, form.unit_text, form.missing, form.unknown) == ((), UNIT, (), ()), name
        assert {code: item.number for code, item in form.items.items()} == VALUES, name
    assert [r.kind for r in found.values()] == ["doc", "doc", "rtf", "odt", "xml-word"]


def test_formulas_without_results_are_worked_out() -> None:
    book = openpyxl.Workbook()
    for cell, content in (("A1", 2), ("A2", 3), ("A3", "=SUM(A1:A2)"), ("A4", "=A3*1.5")):
        book.worksheets[0][cell] = content
    stale = io.BytesIO()
    with ZipFile(io.BytesIO(saved(book))) as old, ZipFile(stale, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"</f><v></v>", b"</f><v>99</v>"))
    old_book = xlwt.Workbook()
    sheet = old_book.add_sheet("a")
    for row, value in enumerate((2, 3, xlwt.Formula("SUM(A1:A2)"), xlwt.Formula("A3*1.5"))):
        sheet.write(row, 0, value)
    xls = io.BytesIO()
    old_book.save(xls)
    assert [row[0] for row in table(saved(book))] == [2, 3]
    assert [row[0] for row in table(stale.getvalue())] == [2, 3, 99, 99]
    workbooks = [("xlsx", saved(book)), ("xls", xls.getvalue()), ("xlsx", stale.getvalue())]
    for converted in Converter().convert(workbooks):
        assert [row[0] for row in table(converted.data)] == [2, 3, 5, 7.5]


@pytest.fixture
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a web server of this machine, and what it was asked for."""
    asked: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                asked.append(connection.recv(1000))
                connection.sendall(b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    server = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
    server.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    server.close()


def with_links(odt: bytes, address: str, secret: Path) -> bytes:
    """The document with a picture from the network and a section from a file of ours."""
    picture = (
        '<text:p><draw:frame text:anchor-type="as-char" svg:width="1cm" svg:height="1cm">'
        f'<draw:image xlink:href="{address}/p.png" xlink:actuate="onLoad"/></draw:frame></text:p>'
    )
    section = (
        f'<text:section text:name="s"><text:section-source xlink:href="{secret.as_uri()}" '
        'text:filter-name="Text"/><text:p>old</text:p></text:section>'
    )
    out = io.BytesIO()
    with ZipFile(io.BytesIO(odt)) as old, ZipFile(out, "w") as new:
        for name in old.namelist():
            end = b"</office:text>"
            new.writestr(name, old.read(name).replace(end, (picture + section).encode() + end))
    return out.getvalue()


def test_nothing_is_fetched(
    forms: Mapping[str, bytes], listener: tuple[str, list[bytes]], tmp_path: Path
) -> None:
    address, asked = listener
    secret = tmp_path / "secret.txt"
    secret.write_text("TOP SECRET")
    document = with_links(forms["odt"], address, secret)
    (made,) = Converter().convert([("odt", document)])
    assert made.data is not None
    with ZipFile(io.BytesIO(made.data)) as archive:
        text = archive.read("word/document.xml")
    assert (b"old" in text, b"TOP SECRET" in text) == (True, False)
    assert asked == []
    # The same document does call when LibreOffice runs as it pleases.
    (tmp_path / "calls.odt").write_bytes(document)
    soffice(tmp_path, "docx", tmp_path / "calls.odt")
    assert any(b"/p.png" in line for line in asked)


def test_without_libreoffice_the_file_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUIZONG_SOFFICE", "/nonexistent/soffice")
    made = Converter().convert([("doc", b"x"), ("xlsx", b"y")])
    assert [(m.data, m.reason, m.awaiting) for m in made] == [(None, convert.MISSING, "soffice")] * 2


def test_a_wreck_between_two_good_ones(forms: Mapping[str, bytes], temporary: Path) -> None:
    good, wreck = forms["doc"], forms["doc"][:9000]
    made = Converter().convert([("doc", good), ("doc", wreck), ("../../x", b""), ("doc", good)])
    assert [m.data is not None for m in made] == [True, False, False, True]
    assert {made[1].reason, made[2].reason} == {convert.FAILED.format("docx")}
    assert (list(temporary.iterdir()), running(str(temporary))) == ([], [])


def test_those_that_hang_or_crash_cost_only_themselves(
    forms: Mapping[str, bytes], wrapper: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert, "_STALLED", 1.0)
    monkeypatch.setattr(convert, "_ALONE", 10.0)
    write(wrapper, 'case "$*" in *.rtf*) sleep 600 ;; *.odt*) kill -SEGV $$ ;; esac')
    good, hangs, crashes = (("doc", forms["doc"]), ("rtf", forms["rtf"]), ("odt", forms["odt"]))
    made = Converter().convert([good, hangs, crashes])
    assert [m.data is not None for m in made] == [True, False, False]
    assert [m.reason for m in made[1:]] == [r.format("docx") for r in (convert.TIMED_OUT, convert.FAILED)]
    made = Converter().convert([crashes, good])
    assert [m.data is not None for m in made] == [False, True]
    assert (list(temporary.iterdir()), running(str(temporary))) == ([], [])


def test_libreoffice_itself_is_ended_in_the_middle(
    forms: Mapping[str, bytes], temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    wait = convert._wait

    def until_it_works(process: subprocess.Popen[bytes], log: Path, _patience: float) -> str:
        while not any("soffice.bin" in line for line in running(str(temporary))):
            time.sleep(0.02)
        seen.extend(running(str(temporary)))
        return wait(process, log, 0.0)

    monkeypatch.setattr(convert, "_wait", until_it_works)
    (made,) = Converter().convert([("doc", forms["doc"])])
    assert made.reason == convert.TIMED_OUT.format("docx")
    assert any("soffice.bin" in line for line in seen)
    assert (running(str(temporary)), list(temporary.iterdir())) == ([], [])


def test_nothing_is_left_running_when_we_are_killed(wrapper: Path, temporary: Path) -> None:
    write(wrapper, "sleep 600")
    code = """
from huizong.readers import convert
convert._ALONE = 1.0
convert.Converter().convert([("doc", b"x")])
"""
    environment = os.environ | {"TMPDIR": str(temporary)}
    ours = subprocess.Popen([sys.executable, "-P", "-c", code], env=environment)
    while not any("soffice.sh" in line for line in running(str(temporary))):
        time.sleep(0.02)
    ours.send_signal(signal.SIGKILL)
    ours.wait()
    assert running(str(temporary))
    assert gone(str(temporary))


def test_what_a_taken_over_program_has(
    wrapper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUIZONG_TOKEN_KEYS", "k1:very-secret")
    elsewhere = tmp_path / "elsewhere.docx"
    elsewhere.write_bytes(docx_bytes())
    look = "env; grep Seccomp: /proc/self/status; ulimit -v; ulimit -c"
    write(wrapper, f"{{ {look}; }} > {tmp_path}/seen; ln -s {elsewhere} out/0.docx; exit")
    (made,) = Converter().convert([("doc", b"x")])
    assert (made.data, made.reason) == (None, convert.FAILED.format("docx"))
    seen = (tmp_path / "seen").read_text()
    assert "HUIZONG" not in seen and "very-secret" not in seen
    assert seen.splitlines()[-3:] == ["Seccomp:\t2", str(1536 * 1024), "0"]


def test_an_output_that_is_too_large_is_not_taken(wrapper: Path) -> None:
    write(wrapper, f"truncate -s {limits.MAX_BYTES + 1} out/0.docx; exit")
    (made,) = Converter().convert([("doc", b"x")])
    assert (made.data, made.reason) == (None, limits.TOO_LARGE)
