"""winmail.dat and .msg: the files that Outlook packs into them come out under their own names."""

from __future__ import annotations

import random

import outlook_files as made
import pytest
from form_files import xlsx

from huizong.intake.unpack import pieces
from huizong.readers.model import Unpacked
from huizong.readers.packing import haul
from huizong.readers.packing.archives import unpack
from huizong.readers.sniff import sniff
from huizong.readers.worker import ReadWorker

XLSX = xlsx()


def opened(data: bytes, kind: str) -> Unpacked:
    assert sniff(data) == kind
    return unpack(kind, data, "winmail.dat")


def contents(unpacked: Unpacked) -> dict[str, bytes]:
    return {member.name: member.data for member in unpacked.members}


@pytest.mark.parametrize(
    ("attachment", "name"),
    [
        (made.attached(XLSX, "统计表.xlsx".encode("gbk")), "统计表.xlsx"),
        (made.attached(XLSX, b"TONGJI~1.XLS", made.unicode_name("㛃县统计表.xlsx")), "㛃县统计表.xlsx"),
        (made.attached(XLSX, b"TONGJI~1.XLS", made.ansi_name("统计表（朱镕）.xlsx")), "统计表（朱镕）.xlsx"),
        (
            made.attached(
                XLSX, b"T.XLS", made.ansi_name("T~1.XLS", made.SHORT_NAME), made.unicode_name("统计表.xlsx")
            ),
            "统计表.xlsx",
        ),
        (made.attached(XLSX, b"", made.unicode_name("统计表.xlsx", made.SHOWN_NAME)), "统计表.xlsx"),
        (
            made.attached(None, b"", made.unicode_name("统计表.xlsx"), (made.CONTENT, made.BINARY, XLSX)),
            "统计表.xlsx",
        ),
        (
            made.attached(
                None, b"", made.unicode_name("表.xlsx"), (made.CONTENT, made.OBJECT, bytes(16) + XLSX)
            ),
            "表.xlsx",
        ),
        (made.attached(XLSX), "未命名附件1"),
        (made.attached(XLSX, rb"C:\baosong\a.xlsx"), "baosong/a.xlsx"),
    ],
)
def test_an_attachment_comes_out_under_its_best_name(attachment: bytes, name: str) -> None:
    unpacked = opened(made.tnef(attachment), "tnef")
    assert contents(unpacked) == {name: XLSX}
    assert unpacked.reason == ""


def test_the_codepage_of_the_file_is_believed() -> None:
    data = made.tnef(made.attached(XLSX, "統計表.xlsx".encode("big5")), codepage=950)
    assert list(contents(opened(data, "tnef"))) == ["統計表.xlsx"]


def test_the_worker_opens_winmail_dat_as_an_archive_and_what_lies_in_it_too() -> None:
    inner = made.tnef(made.attached(b"2", b"inner.txt"))
    message = (made.CONTENT, made.OBJECT, made.MESSAGE_INTERFACE + inner)
    data = made.tnef(
        made.attached(XLSX, b"", made.unicode_name("统计表.xlsx")),
        made.attached(None, b"", made.unicode_name("转发：报表"), message),
    )
    with ReadWorker() as worker:
        found = pieces(worker, "winmail.dat", data)
    assert [(piece.name, piece.data) for piece in found] == [
        ("winmail.dat/统计表.xlsx", XLSX),
        ("winmail.dat/转发：报表.dat/inner.txt", b"2"),
    ]
    assert all(piece.reading is None for piece in found)


def test_without_attachments_the_words_are_what_it_holds() -> None:
    assert contents(opened(made.tnef(words="附件随后发送"), "tnef")) == {
        "邮件正文.txt": "附件随后发送".encode()
    }
    assert opened(made.tnef(), "tnef").reason == haul.NO_FILES


def test_what_is_cut_off_gives_what_there_is() -> None:
    whole = made.tnef(made.attached(b"1" * 100, b"a.txt"), made.attached(b"2" * 100, b"b.txt"))
    cut = opened(whole[:-50], "tnef")
    assert contents(cut) == {"a.txt": b"1" * 100, "b.txt": b"2" * 52}


@pytest.mark.parametrize("length", [0, 1, 0x7FFFFFFF, 0xFFFFFFFF])
def test_lengths_that_lie_end(length: int) -> None:
    liar = length.to_bytes(4, "little")
    data = made.tnef(made.attached(XLSX, b"a.xlsx", made.unicode_name("b.xlsx")))
    for at in range(6, len(data) - 4 if len(data) < 3000 else 300):
        unpacked = unpack("tnef", data[:at] + liar + data[at + 4 :], "winmail.dat")
        assert unpacked.members or unpacked.reason


def message() -> bytes:
    attachment = {"__substg1.0_37010102": XLSX, "__substg1.0_3707001F": "㛃县统计表.xlsx".encode("utf-16-le")}
    inside = {
        "__substg1.0_3701000D": {
            "__attach_version1.0_#00000000": {
                "__substg1.0_37010102": b"2" * 5000,
                "__substg1.0_3704001E": "总结.txt".encode("gbk"),
            }
        },
        "__substg1.0_3001001F": "转发".encode("utf-16-le"),
    }
    return made.msg(
        {
            "__substg1.0_1000001F": "见附件".encode("utf-16-le"),
            "__attach_version1.0_#00000000": attachment,
            "__attach_version1.0_#00000001": inside,
        }
    )


def test_a_saved_message_gives_its_attachments_and_those_of_messages_inside() -> None:
    found = contents(opened(message(), "msg"))
    assert found["㛃县统计表.xlsx"].rstrip(b"\0") == XLSX.rstrip(b"\0")
    assert found["总结.txt"].rstrip(b"\0") == b"2" * 5000
    assert len(found) == 2


def test_a_saved_message_without_attachments_gives_its_words() -> None:
    words = made.msg({"__substg1.0_1000001F": "附件随后发送".encode("utf-16-le")})
    assert contents(opened(words, "msg")) == {"邮件正文.txt": "附件随后发送".encode()}
    assert opened(made.msg({}), "msg").reason == haul.EMPTY_MESSAGE


@pytest.mark.parametrize("kind", ["tnef", "msg"])
def test_damage_is_named_and_never_raises(kind: str) -> None:
    whole = (
        made.tnef(made.attached(XLSX, b"a.xlsx", made.unicode_name("b.xlsx")))
        if kind == "tnef"
        else message()
    )
    draw = random.Random(1)
    for _ in range(200):
        data = bytearray(whole)
        for _ in range(draw.randint(1, 8)):
            data[draw.randrange(min(len(data), 2000))] = draw.randrange(256)
        unpacked = unpack(kind, bytes(data[: draw.choice([len(data), draw.randrange(len(data))])]), "x")
        assert unpacked.members or unpacked.reason
