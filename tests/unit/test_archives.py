"""Archives as clerks send them and as attackers make them: what comes out, and what is said of the rest."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import archive_files as made
import pytest
from form_files import FORM, VALUES, xlsx

from huizong.readers.model import Unpacked
from huizong.readers.packing import haul, packed
from huizong.readers.packing.archives import ARCHIVES, unpack
from huizong.readers.sniff import sniff
from huizong.readers.worker import ReadWorker

XLSX = xlsx()


@pytest.fixture(scope="module")
def worker() -> Iterator[ReadWorker]:
    with ReadWorker() as one:
        yield one


def opened(data: bytes, name: str = "来件", path: Path | None = None) -> Unpacked:
    kind = sniff(data)
    assert kind in ARCHIVES
    return unpack(kind, data, name, path)


def contents(unpacked: Unpacked) -> dict[str, bytes]:
    assert len({member.name for member in unpacked.members}) == len(unpacked.members)
    return {member.name: member.data for member in unpacked.members}


def names(unpacked: Unpacked) -> list[str]:
    return [member.name for member in unpacked.members]


def on_disk(folder: Path, data: bytes) -> Path:
    path = folder / "archive"
    path.write_bytes(data)
    return path


# zip: names and what is left out


def test_the_form_in_a_zip_comes_out_as_it_went_in() -> None:
    unpacked = opened(made.zipped({"材料/统计表.xlsx": XLSX, "材料/总结.txt": b"1"}))
    assert names(unpacked) == ["材料/统计表.xlsx", "材料/总结.txt"]
    assert unpacked.members[0].data == XLSX
    assert (unpacked.kind, unpacked.reason, unpacked.awaiting) == ("zip", "", "")


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-8"])
def test_names_without_a_stated_encoding(encoding: str) -> None:
    name = "㙍河区统计表.xlsx" if encoding == "gb18030" else "新乡县镕统计表.xlsx"
    assert contents(opened(made.zipped_raw([(name.encode(encoding), b"x")]))) == {name: b"x"}


def test_a_name_is_a_label_that_points_nowhere() -> None:
    unpacked = opened(
        made.zipped_raw(
            [
                (b"../../etc/cron.d/a", b"1"),
                (b"/abs/b", b"2"),
                (b"C:\\Users\\c.xlsx", b"3"),
                ("d\\报\\..\\e.txt".encode("gbk"), b"4"),
                (b"...", b"5"),
            ]
        )
    )
    assert names(unpacked) == ["etc/cron.d/a", "abs/b", "Users/c.xlsx", "d/报/e.txt", "..."]


def test_names_do_not_hide_what_they_are() -> None:
    assert haul.label("统计表\u202excod.exe\x00\n") == "统计表xcod.exe"
    assert haul.label("../..") == haul.label("") == "未命名文件"
    assert len(haul.label("长" * 5_000)) <= 200


def test_two_members_of_one_name_are_both_there() -> None:
    data = made.zipped({"a.xlsx": b"1", "b.xlsx": b"2"}).replace(b"b.xlsx", b"a.xlsx")
    assert contents(opened(data)) == {"a.xlsx": b"1", "a(2).xlsx": b"2"}


def test_what_systems_leave_behind_is_no_material() -> None:
    junk = [
        "__MACOSX/._统计表.xlsx",
        ".DS_Store",
        "a/Thumbs.db",
        "~$统计表.xlsx",
        ".~统计表.xlsx",
        "a/desktop.ini",
    ]
    assert names(opened(made.zipped({"a/": b"", **dict.fromkeys(junk, b"x"), "a/表.xlsx": b"y"}))) == [
        "a/表.xlsx"
    ]


def test_links_and_devices_do_not_come_out() -> None:
    link, pipe, plain = (zipfile.ZipInfo(name) for name in ("link", "pipe", "plain"))
    link.external_attr, pipe.external_attr, plain.external_attr = (
        0o120777 << 16,
        0o010644 << 16,
        0o100644 << 16,
    )
    members = {link: b"/etc/passwd", pipe: b"", plain: b"x"}
    assert contents(opened(made.zipped(members))) == {"plain": b"x"}
    infos = [tarfile.TarInfo(name) for name in ("s", "h", "d", "f", "p")]
    infos[0].type, infos[1].type, infos[2].type = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE
    infos[3].type = tarfile.FIFOTYPE
    infos[0].linkname = infos[1].linkname = "/etc/passwd"
    assert contents(opened(made.tarred([(info, b"x") for info in infos]))) == {"p": b"x"}


def test_an_archive_without_files() -> None:
    for data in (made.zipped({}), made.zipped({"a/": b""}), made.zipped({"a/.DS_Store": b"x"})):
        assert (opened(data).members, opened(data).reason) == ((), haul.EMPTY)


# Faults of one member, and of the whole


def encrypted(data: bytes, *members: int) -> bytes:
    """The flag of encryption set in the directory and in the local headers of these members."""
    broken = bytearray(data)
    for mark, flag in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        for n in range(max(members) + 1):
            at = broken.index(mark, at + 1)
            if n in members:
                broken[at + flag] |= 1
    return bytes(broken)


def test_passwords() -> None:
    data = made.zipped({"表.xlsx": b"1" * 50, "总结.docx": b"2" * 50})
    assert opened(encrypted(data, 0, 1)) == Unpacked(kind="zip", reason=haul.PASSWORD)
    one = opened(encrypted(data, 0))
    assert (names(one), one.reason) == (["总结.docx"], "压缩包中的“表.xlsx”有密码，请取消密码后重新发送。")


def test_one_bad_member_does_not_take_the_others_along() -> None:
    data = made.zipped({"a.txt": b"A" * 99, "b.txt": b"B" * 99, "c.txt": b"C" * 99}, zipfile.ZIP_STORED)
    unpacked = opened(data.replace(b"B" * 99, b"B" * 98 + b"X"))
    assert names(unpacked) == ["a.txt", "c.txt"]
    assert unpacked.reason == "压缩包中的“b.txt”已损坏，无法解压，请重新发送该文件。"
    assert opened(data.replace(b"A" * 99, b"X" * 99).replace(b"B" * 99, b"X" * 99)).reason.count("“") == 2


def test_all_members_bad_is_a_bad_archive() -> None:
    data = made.zipped({"a.txt": b"A" * 99}, zipfile.ZIP_STORED).replace(b"A" * 99, b"X" * 99)
    assert opened(data) == Unpacked(kind="zip", reason=haul.DAMAGED)


def test_many_bad_members_are_counted_not_listed() -> None:
    data = made.zipped({f"{n}.txt": b"A" * 99 for n in range(9)}, zipfile.ZIP_STORED)
    unpacked = opened(data.replace(b"A" * 99, b"X" * 99, 8))
    assert (
        unpacked.reason == "压缩包中的“0.txt”、“1.txt”、“2.txt”等8个文件已损坏，无法解压，请重新发送该文件。"
    )


def test_one_volume_of_a_split_zip() -> None:
    assert opened(b"PK\x07\x08" + b"rest of it" * 9).reason == haul.VOLUME


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("kind", ["7z", "gzip", "bz2", "xz", "tar", "rar"])
def test_truncated_archives_are_named_as_such(kind: str, share: float, tmp_path: Path) -> None:
    words = random.Random(1).randbytes(100_000)
    whole = {
        "7z": lambda: made.seven_zipped({"a.txt": words}),
        "gzip": lambda: gzip.compress(words),
        "bz2": lambda: bz2.compress(words),
        "xz": lambda: lzma.compress(words),
        "tar": lambda: made.tarred([(tarfile.TarInfo("a.txt"), words)]),
        "rar": lambda: made.rar5([("a.txt", words)]),
    }[kind]()
    data = whole[: max(600 if kind == "tar" else 40, int(len(whole) * share))]
    unpacked = unpack(kind, data, "a", on_disk(tmp_path, data))
    assert unpacked.reason
    assert b"".join(member.data for member in unpacked.members) in (b"", words)


# Bombs


def test_too_many_files_are_not_opened() -> None:
    files = {f"{n}.txt": b"" for n in range(haul.MAX_MEMBERS + 1)}
    assert opened(made.zipped(files)) == Unpacked(kind="zip", reason=haul.TOO_MANY)
    assert len(opened(made.zipped(dict(list(files.items())[1:]))).members) == haul.MAX_MEMBERS
    assert opened(made.zipped({f"{n}.txt": b"" for n in range(10_000)})).reason == haul.TOO_MANY
    assert "500" in haul.TOO_MANY


def test_what_has_been_packed_too_well_is_not_opened() -> None:
    zeros = b"\0" * 30_000_000
    assert opened(made.zipped({"a.bmp": zeros})) == Unpacked(kind="zip", reason=haul.BOMB)
    assert opened(made.seven_zipped({"a.bmp": zeros})) == Unpacked(kind="7z", reason=haul.BOMB)
    for pack in (gzip.compress, bz2.compress, lzma.compress):
        unpacked = opened(pack(zeros))
        assert (unpacked.members, unpacked.reason) == ((), haul.BOMB)


def test_a_member_that_is_larger_than_it_says() -> None:
    data = bytearray(made.zipped({"a.txt": b"A" * 100_000}))
    size = struct.pack("<I", 100_000)
    while (at := data.find(size)) >= 0:
        data[at : at + 4] = struct.pack("<I", 10)
    assert opened(bytes(data)) == Unpacked(kind="zip", reason=haul.DAMAGED)


def test_members_that_overlap() -> None:
    """Two entries of the directory over the same packed bytes."""
    data = made.zipped({"a.txt": b"A" * 999, "b.txt": b"B" * 999}, zipfile.ZIP_STORED)
    directory = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", directory + 1)
    broken = bytearray(data)
    broken[second + 42 : second + 46] = struct.pack("<I", 0)
    assert opened(bytes(broken)) == Unpacked(kind="zip", reason=haul.BOMB)


def test_a_member_beyond_the_limit_is_named_and_the_others_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(haul, "MAX_MEMBER", 1_000)
    for data in (
        made.zipped({"活动.mp4": b"v" * 2_000, "表.xlsx": b"x"}),
        made.seven_zipped({"活动.mp4": b"v" * 2_000, "表.xlsx": b"x"}),
    ):
        unpacked = opened(data)
        assert names(unpacked) == ["表.xlsx"]
        assert unpacked.reason.startswith("压缩包中的“活动.mp4”超过")


def test_all_together_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(haul, "MAX_TOTAL", 1_000)
    data = made.zipped({"a": b"a" * 600, "b": b"b" * 600})
    assert opened(data) == Unpacked(kind="zip", reason=haul.TOO_LARGE)
    assert opened(gzip.compress(b"a" * 2_000)) == Unpacked(kind="gzip", reason=haul.TOO_LARGE)


def test_a_sparse_tar_is_not_believed() -> None:
    info = tarfile.TarInfo("a.bin")
    header = bytearray(made.tarred([(info, b"x")])[:1024])
    header[124:136] = b"\x80" + (2**50).to_bytes(11, "big")  # its size in base 256
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    assert opened(bytes(header) + b"\0" * 1024).members == ()


def test_an_archive_that_holds_itself() -> None:
    haul_of_one = haul.Haul("zip", b"PK")
    with pytest.raises(Exception, match="内容异常"):
        haul_of_one.add("again.zip", b"PK")


# 7z, streams, tar


def test_seven_zip() -> None:
    files = {"材料/统计表.xlsx": XLSX, "空.txt": b"", ".DS_Store": b"x"}
    assert contents(opened(made.seven_zipped(files))) == {"材料/统计表.xlsx": XLSX, "空.txt": b""}
    assert opened(made.seven_zipped({"a": b"x"}, password="p")) == Unpacked(kind="7z", reason=haul.PASSWORD)


def test_a_bad_member_of_a_seven_zip_is_named() -> None:
    noise = random.Random(1).randbytes(9_000)
    data = made.seven_zipped({"a.txt": b"A" * 50, "b.bin": noise})
    broken = bytearray(data)
    broken[32 + len(noise) // 2] ^= 0xFF
    unpacked = opened(bytes(broken))
    assert "b.bin" not in names(unpacked)
    assert unpacked.reason


@pytest.mark.parametrize(
    ("pack", "ending"), [(gzip.compress, "gz"), (bz2.compress, "bz2"), (lzma.compress, "xz")]
)
def test_a_single_file_packed(pack: object, ending: str) -> None:
    packed = pack(XLSX)  # type: ignore[operator]
    assert contents(opened(packed, f"外层/统计表.xlsx.{ending}")) == {"统计表.xlsx": XLSX}
    tar = pack(made.tarred([(tarfile.TarInfo("材料/统计表.xlsx"), b"x")]))  # type: ignore[operator]
    assert contents(opened(tar, f"a.tar.{ending}")) == {"材料/统计表.xlsx": b"x"}


def test_a_tar_with_names_in_gbk() -> None:
    assert names(opened(made.tarred([(tarfile.TarInfo("统计表.xlsx"), b"x")], "gbk"))) == ["统计表.xlsx"]


# rar


def test_rar_of_both_kinds(tmp_path: Path) -> None:
    files = [("材料/统计表.xlsx", XLSX), ("[1]*.txt", b"a pattern to unar"), ("空.txt", b"")]
    old = made.rar4([(name.encode("gbk"), data) for name, data in files])
    new = made.rar5(files, folders=["材料"])
    for data in (old, new):
        unpacked = opened(data, path=on_disk(tmp_path, data))
        assert contents(unpacked) == dict(files)
        assert (unpacked.kind, unpacked.reason) == ("rar", "")


def test_rar_names_are_labels_too(tmp_path: Path) -> None:
    data = made.rar5([("../../etc/a", b"1"), ("C:\\b", b"2"), ("__MACOSX/c", b"3")])
    assert names(opened(data, path=on_disk(tmp_path, data))) == ["etc/a", "b"]
    assert [p.name for p in tmp_path.iterdir()] == ["archive"]


def test_a_bad_member_of_a_rar_is_named(tmp_path: Path) -> None:
    data = made.rar5([("a", b"A" * 99), ("b", b"B" * 99), ("c", b"C" * 99)]).replace(b"B" * 99, b"X" * 99)
    unpacked = opened(data, path=on_disk(tmp_path, data))
    assert contents(unpacked) == {"a": b"A" * 99, "c": b"C" * 99}
    assert "“b”已损坏" in unpacked.reason


def test_rar_with_password_in_volumes_and_with_links(tmp_path: Path) -> None:
    locked = made.rar4([(b"a", b"x")], flags=made.RAR4_PASSWORD)
    assert opened(locked, path=on_disk(tmp_path, locked)) == Unpacked(kind="rar", reason=haul.PASSWORD)
    volume = made.rar4([(b"a", b"x")], flags=made.RAR4_SPLIT_AFTER)
    assert opened(volume, path=on_disk(tmp_path, volume)) == Unpacked(kind="rar", reason=haul.VOLUME)
    link = made.rar4([(b"a", b"/etc/passwd")], host=3, mode=0o120777)
    assert opened(link, path=on_disk(tmp_path, link)) == Unpacked(kind="rar", reason=haul.EMPTY)


def test_rar_without_its_program_waits_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    data = made.rar5([("a", b"A")])
    unpacked = opened(data, path=on_disk(tmp_path, data))
    assert (unpacked.awaiting, unpacked.members) == ("unar", ())
    assert "zip" in unpacked.reason


def test_an_unpacking_program_that_spins_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some broken archives make unar run without end: here a stand-in does for all of them."""
    stand_in = tmp_path / "bin" / "unar"
    stand_in.parent.mkdir()
    stand_in.write_text("#!/bin/sh\nwhile :; do :; done\n")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(stand_in.parent))
    monkeypatch.setattr(packed, "CPU_SECONDS", 1)
    data = made.rar5([("a", b"A"), ("b", b"B")])
    assert opened(data, path=on_disk(tmp_path, data)) == Unpacked(kind="rar", reason=haul.DAMAGED)


# Messages


def test_a_saved_message_gives_its_files() -> None:
    inner = EmailMessage()
    inner["Subject"], inner["From"], inner["Message-ID"] = "统计表", "kjj@hq.example", "<1@hq.example>"
    inner.set_content("见附件")
    inner.add_attachment(XLSX, "application", "octet-stream", filename="统计表.xlsx")
    outer = EmailMessage()
    outer["Subject"], outer["From"] = "转发", "office@hq.example"
    outer.set_content("转发")
    outer.add_attachment(inner)
    unpacked = opened(outer.as_bytes(), "邮件.eml")
    assert contents(unpacked) == {"统计表.xlsx": XLSX}


def test_a_message_without_files_gives_its_words() -> None:
    message = EmailMessage()
    message["Subject"], message["From"] = "零报告", "kjj@hq.example"
    message.set_content("我区本年度未开展活动。")
    assert contents(opened(message.as_bytes())) == {"邮件正文.txt": "我区本年度未开展活动。".encode()}
    message.set_content("")
    assert opened(message.as_bytes()) == Unpacked(kind="eml", reason=haul.EMPTY_MESSAGE)


# Through the limited child process


def test_through_the_child(worker: ReadWorker) -> None:
    """It may write no file: unar and py7zr need none."""
    for data in (
        made.zipped({"a.xlsx": XLSX}),
        made.seven_zipped({"a.xlsx": XLSX}),
        made.rar5([("a.xlsx", XLSX)]),
    ):
        unpacked = worker.unpack(data, "来件")
        assert contents(unpacked) == {"a.xlsx": XLSX}
    reading = worker.read(unpacked.members[0].data, "a.xlsx", [FORM])
    assert {code: item.number for code, item in reading.forms[0].items.items()} == VALUES
