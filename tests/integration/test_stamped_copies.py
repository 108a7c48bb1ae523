"""Pictures and prints of the form: a stamped copy, never figures, and how it agrees is a proposal only."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from huizong.ledger.tables import Delivery, File, FormIssue, Letter
from huizong.readers.model import FileReading, FormReading, ItemReading
from huizong.stages.filing import Filing, Leaf
from huizong.stages.issued import issued_cycle
from huizong.stages.triage import assign, waiting
from huizong.store import sha256
from office import COLLECTION, CYCLE, Office, at, honest, statistics_form

A, B = "410721", "410724"
BY = {"by": "小李", "reason": "电话核实"}


@pytest.fixture
def issued(office: Office) -> Office:
    office.issue()
    return office


def number_of(office: Office, unit: str) -> str:
    with office.ctx.ledger.read() as session:
        return session.scalars(select(FormIssue.form_number).where(FormIssue.unit == unit)).one()


def shown(seed: int, *, number: str = "", header: str = "", **changed: Decimal | None) -> FormReading:
    """A form as read from a print or recognised on a picture; None: could not be read."""
    figures: dict[str, Decimal | None] = {**honest(seed)}
    figures |= {code.replace("__", "."): value for code, value in changed.items()}
    return FormReading(
        instrument=statistics_form().ref,
        title=statistics_form().title,
        unit_text=header,
        form_number=number or None,
        items={
            code: ItemReading(state="blank")
            if value is None
            else ItemReading(state="number", number=value, raw=str(value))
            for code, value in figures.items()
        },
    )


def picture(form: FormReading, *, stamp: bool | None = True) -> FileReading:
    return FileReading(kind="image", disposition="return", proposals=(form,), stamp=stamp)


def print_(form: FormReading, *, stamp: bool | None = None, kind: str = "pdf") -> FileReading:
    return FileReading(kind=kind, disposition="return", forms=(form,), stamp=stamp)


def workbook(form: FormReading) -> FileReading:
    return FileReading(kind="xlsx", disposition="return", forms=(form,))


def file(office: Office, sender: str, day: int, **readings: FileReading) -> dict[str, str]:
    """What becomes of a drop whose files read like this, by name."""
    with office.ctx.ledger.write() as session:
        delivery = Delivery(
            channel="folder", kind="folder", sender=sender, subject="", cycle=CYCLE,
            received_at=at(f"2022-06-{day}T10:00"), stored_at=office.ctx.clock.now(),
            processed_at=office.ctx.clock.now(),
        )  # fmt: skip
        session.add(delivery)
        session.flush()
        data = {name: f"{sender} {day} {name}".encode() for name in readings}
        leaves = [Leaf(name, sha256(data[name]), data[name]) for name in readings]
        cycles = [issued_cycle(office.ctx, CYCLE)]
        Filing(office.ctx, session, delivery, None, cycles).file(
            leaves, {leaf.digest: readings[leaf.name] for leaf in leaves}
        )
        files = session.scalars(select(File).where(File.delivery_id == delivery.id)).all()
        return {f.name: f.part if f.disposition == "return" and f.part else f.disposition for f in files}


def scan(office: Office, unit: str) -> dict[str, Any]:
    (found,) = office.unit(unit)["scans"]
    return {key: value for key, value in found.items() if key != "file"}


def test_a_picture_is_known_by_its_form_number_and_never_counts(issued: Office) -> None:
    photo = picture(shown(1, number=number_of(issued, A)))
    assert file(issued, "微信群", 10, 照片=photo) == {"照片": "stamped_copy"}
    issued.validate("2022-06-10T11:00")
    unit = issued.unit(A)
    assert unit["parts"] == {"statistics": "missing", "stamped_copy": "accepted", "report": "missing"}
    assert scan(issued, A) == {"stamp": True, "agrees": None, "differs": [], "unread": []}
    (letter,) = [x for x in issued.letters(unit=A) if x["kind"] != "notice"]
    assert letter["kind"] == "supplement"


@pytest.mark.parametrize(
    ("changed", "agrees", "differs", "unread"),
    [
        ({}, True, [], []),
        ({"public__online": Decimal(12)}, False, ["public.online"], []),
        ({"public__online": None}, None, [], ["public.online"]),
    ],
)
def test_agreement_is_told_whichever_comes_first(
    issued: Office, changed: dict[str, Any], agrees: bool | None, differs: list[str], unread: list[str]
) -> None:
    photo = picture(shown(1, number=number_of(issued, A), **changed), stamp=False)
    told = {"stamp": False, "agrees": agrees, "differs": differs, "unread": unread}
    file(issued, A, 10, 照片=photo)
    file(issued, A, 11, 统计表=workbook(shown(1)))
    assert scan(issued, A) == told
    file(issued, B, 10, 统计表=workbook(shown(1)))
    file(issued, B, 11, 照片=picture(shown(1, number=number_of(issued, B), **changed), stamp=False))
    assert scan(issued, B) == told


def test_a_print_is_a_form_alone_and_a_stamped_copy_beside_one(issued: Office) -> None:
    assert file(issued, A, 10, 打印=print_(shown(1))) == {"打印": "statistics"}
    assert issued.unit(A)["parts"]["stamped_copy"] == "missing"
    beside = file(issued, B, 10, 打印=print_(shown(1), kind="ofd"), 表=workbook(shown(1)))
    assert beside == {"打印": "stamped_copy", "表": "statistics"}
    later = file(issued, B, 11, 打印=print_(shown(2)))
    assert later == {"打印": "stamped_copy"}
    assert issued.unit(B)["versions"] == 1
    assert scan(issued, B)["agrees"] is False


def test_a_stamped_print_alone_is_both(issued: Office) -> None:
    assert file(issued, A, 10, 打印=print_(shown(1), stamp=True)) == {"打印": "statistics"}
    issued.validate("2022-06-10T11:00")
    assert issued.unit(A)["parts"] == {
        "statistics": "accepted", "stamped_copy": "accepted", "report": "missing"
    }  # fmt: skip
    assert scan(issued, A)["agrees"] is True


def test_a_picture_that_contradicts_waits_and_can_be_assigned(issued: Office) -> None:
    assert file(issued, A, 10, 照片=picture(shown(1, number=number_of(issued, B)))) == {"照片": "triage"}
    assert file(issued, A, 11, 照片=picture(shown(1, header="获嘉县教育局"))) == {"照片": "triage"}
    first, second = waiting(issued.ctx)["waiting"]
    assert "识别码：获嘉县；发件人：新乡县" in first["reason"]
    assert "疑似获嘉县下属单位材料" in second["reason"]
    assign(issued.ctx, first["id"], B, COLLECTION, **BY)
    issued.validate("2022-06-12T10:00")
    assert issued.unit(B)["parts"] == {
        "statistics": "missing", "stamped_copy": "accepted", "report": "missing"
    }  # fmt: skip


def test_an_unmarked_picture_is_whose_the_delivery_is(issued: Office) -> None:
    taken = file(
        issued, "邮件1", 10,
        表=workbook(shown(1, number=number_of(issued, A))), 照片=picture(shown(1, header="新乡县科学技木局")),
    )  # fmt: skip
    assert taken == {"表": "statistics", "照片": "stamped_copy"}
    assert file(issued, "邮件2", 10, 照片=picture(shown(1))) == {"照片": "triage"}


def notes(office: Office, name: str) -> list[str]:
    """What the operator is told of the newest file of this name."""
    with office.ctx.ledger.read() as session:
        found = session.scalars(select(File).where(File.name == name).order_by(File.id.desc())).first()
        assert found is not None
        return list(found.witnesses.get("notes", []))


def test_a_picture_of_which_nothing_was_recognised_is_taken_and_says_so(issued: Office) -> None:
    unread = FileReading(kind="image", disposition="return", notes=("扩展名与内容不符",))
    assert file(issued, A, 10, IMG_1=unread) == {"IMG_1": "stamped_copy"}
    assert notes(issued, "IMG_1") == ["图片内容未能识别，请人工查看", "扩展名与内容不符"]
    told = scan(issued, A)
    assert (told["stamp"], told["agrees"], told["differs"]) == (None, None, [])
    assert told["unread"] == [item.code for item in statistics_form().items]
    file(issued, B, 10, 照片=picture(shown(1, number=number_of(issued, B)), stamp=None))
    assert notes(issued, "照片") == []


def test_a_print_without_a_seal_is_said_to_have_none(issued: Office) -> None:
    beside = file(issued, A, 10, 盖章件=print_(shown(1), stamp=False), 表=workbook(shown(1)))
    assert beside == {"盖章件": "stamped_copy", "表": "statistics"}
    assert notes(issued, "盖章件") == ["未见印章"]
    file(issued, B, 10, 盖章件=print_(shown(1), stamp=True), 表=workbook(shown(1)))
    assert notes(issued, "盖章件") == []


def test_prints_that_differ_wait_and_a_stamped_one_that_agrees_is_the_stamped_copy(issued: Office) -> None:
    apart = file(issued, A, 10, 一=print_(shown(1)), 二=print_(shown(2), kind="ofd"))
    assert apart == {"一": "triage", "二": "triage"}
    agreeing = file(issued, B, 10, 一=print_(shown(1)), 二=print_(shown(1), stamp=True))
    assert agreeing == {"一": "statistics", "二": "stamped_copy"}
    assert issued.unit(B)["versions"] == 1


def test_a_print_that_says_another_figure_is_asked_about_until_both_agree(issued: Office) -> None:
    changed = shown(1, number=number_of(issued, A), activities__held=Decimal(56))
    file(issued, A, 10, 统计表=workbook(shown(1)))
    issued.validate("2022-06-10T11:00")
    assert file(issued, A, 11, 盖章扫描件=print_(changed, stamp=True)) == {"盖章扫描件": "stamped_copy"}
    issued.validate("2022-06-11T11:00")
    assert issued.unit(A)["status"] == "in_query"
    held = honest(1)["activities.held"]
    said = f"第1项盖章件为56、电子表为{held}，请核准后统一数据，重新盖章报送。"
    assert said in told(issued, A)
    file(issued, A, 12, 盖章扫描件=print_(shown(1, number=number_of(issued, A)), stamp=True))
    issued.validate("2022-06-12T11:00")
    assert (issued.unit(A)["status"], issued.unit(A)["missing"]) == ("partial", ["总结报告"])
    file(issued, A, 13, 统计表=workbook(shown(1, activities__held=Decimal(57))))  # the form changes alone
    issued.validate("2022-06-13T11:00")
    assert f"第1项盖章件为{held}、电子表为57" in told(issued, A)


def test_what_a_picture_seems_to_say_is_only_remarked_on(issued: Office) -> None:
    photo = picture(shown(1, number=number_of(issued, A), activities__held=Decimal(56)))
    file(issued, A, 10, 统计表=workbook(shown(1)), 照片=photo)
    issued.validate("2022-06-10T11:00")
    assert issued.unit(A)["status"] == "partial"
    assert "可能不一致：第1项盖章件为56" in told(issued, A)


def test_a_form_that_is_corrected_after_the_stamp_wants_a_new_one(issued: Office) -> None:
    wrong = shown(1, public__online=None)
    photo = FileReading(kind="image", disposition="return", stamp=True)
    file(issued, A, 10, 统计表=workbook(wrong), 盖章扫描件=photo)
    issued.validate("2022-06-10T11:00")
    file(issued, A, 11, 统计表=workbook(shown(1)))
    issued.validate("2022-06-11T11:00")
    assert issued.unit(A)["parts"]["stamped_copy"] == "accepted"
    said = (
        "统计表已更正（第15项），此前报送的统计表盖章扫描件为更正前的表，请按更正后的表重新盖章，补报扫描件。"
    )
    assert said in told(issued, A)


def told(office: Office, unit: str) -> str:
    """What the newest letter to the unit says of what it sent."""
    with office.ctx.ledger.read() as session:
        letter = session.scalars(select(Letter).where(Letter.unit == unit).order_by(Letter.id.desc())).first()
    assert letter is not None
    return str(letter.context)
