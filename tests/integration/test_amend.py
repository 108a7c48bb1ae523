"""What was changed after issue: recorded, told to those whom it concerns, old reminders called back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from huizong.definition.yaml_file import DefinitionError
from huizong.errors import UsageError
from huizong.ledger.tables import Approval, DefinitionVersion, Letter
from huizong.outbox.context import load_context
from huizong.stages import amend as amending
from huizong.stages.amend import amend
from huizong.stages.decisions import decide
from huizong.stages.issued import issued_cycle
from huizong.stages.status import status
from huizong.stages.triage import waiting
from office import COLLECTION, PROJECT, Office, at, fill, honest

UNIT, OTHER = "410702", "410703"
NUDGED, AMENDED = "2022-06-13T09:00", "2022-06-14T10:00"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """One collection with three units, issued; its definition stands in the home and may be edited."""
    office = Office(tmp_path / "home")
    folder = _folder(office)
    shutil.copytree(PROJECT / "include/cycles/xinxiang-2022", folder)
    text = (folder / "cycle.yaml").read_text(encoding="utf-8")
    head, _, rest = text.partition("  - code: associations")
    (folder / "cycle.yaml").write_text(head + rest[rest.index("assemble:") :], encoding="utf-8")
    lines = (folder / "roster.csv").read_text(encoding="utf-8").splitlines()
    (folder / "roster.csv").write_text("\n".join([*lines[:4], ""]), encoding="utf-8")
    (office.home / "newcomer").write_text(lines[4], encoding="utf-8")
    office.issue()
    return office


def _folder(office: Office) -> Path:
    return Path(office.environ["HUIZONG_HOME"]) / "cycles" / office.cycle


def edit(office: Office, old: str, new: str, name: str = "cycle.yaml") -> None:
    path = _folder(office) / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def amended(office: Office, as_of: str = AMENDED, **more: Any) -> dict[str, Any]:
    return amend(
        office.ctx, office.cycle, at(as_of), by="经办人", reason="上级推迟", **{"send": False, **more}
    )


def words(office: Office, **wanted: Any) -> list[str]:
    """What the letters of these columns say, as the clerk reads them."""
    with office.ctx.ledger.read() as session:
        letters = session.scalars(select(Letter).filter_by(**wanted).order_by(Letter.id)).all()
    contexts = [load_context(json.dumps(letter.context["letter"])) for letter in letters]
    return [office.ctx.letter_book.render(context).text for context in contexts]


def test_a_later_due_date_is_told_and_the_ladder_starts_anew(office: Office) -> None:
    office.chase(NUDGED)
    assert len(office.letters(kind="nudge", state="queued")) == 3
    edit(office, "due: 2022-06-20 ", "due: 2022-06-27 ")
    with pytest.raises(UsageError, match=r"due.*huizong amend xinxiang-2022"):
        office.chase(AMENDED)

    done = amended(office)

    assert done["version"] == 2
    assert done["letters"] == {"queued": 3, "sent": 0, "failed": 0}
    assert any("due" in change and "2022-06-27" in change for change in done["changes"])
    (told,) = words(office, kind="amendment", unit=UNIT)
    assert "报送截止时间由6月20日（星期一）前（含当日）调整为6月27日（星期一）前（含当日）。" in told
    assert len(office.letters(kind="nudge", state="cancelled")) == 3
    assert {u["punctual"] for u in status(office.ctx, office.cycle, at(AMENDED))["units"]} == {None}

    assert office.chase(AMENDED)["rungs"] == {}  # five working days before the new day: not yet
    assert office.chase("2022-06-20T09:30")["rungs"] == {"nudge": 3}
    (again,) = words(office, kind="nudge", unit=UNIT, state="queued")
    assert "6月27日" in again


def test_who_signed_it_and_why_is_recorded(office: Office) -> None:
    edit(office, "due: 2022-06-20 ", "due: 2022-06-27 ")
    amended(office)
    with office.ctx.ledger.read() as session:
        version = session.scalars(select(DefinitionVersion).filter_by(version=2)).one()
        approval = session.scalars(select(Approval).filter_by(question="amendment")).one()
    assert (version.by, version.reason) == ("经办人", "上级推迟")
    assert approval.by == "经办人"
    with pytest.raises(UsageError, match="没有可变更的内容"):
        amended(office)
    with pytest.raises(UsageError, match="--reason"):
        amend(office.ctx, office.cycle, at(AMENDED), by="经办人", reason=" ")


def test_an_extension_stays_valid_unless_the_new_day_is_later(office: Office) -> None:
    for unit, until in ((UNIT, "2022-06-30"), (OTHER, "2022-06-22")):
        decide(office.ctx, office.cycle, unit, "extend", at(NUDGED), by="科长", reason="同意", until=until)
    office.chase("2022-06-23T09:30")  # the first one's nudge, the second's overdue reminder
    kept = office.letters(unit=UNIT, kind="nudge", state="queued")
    assert len(kept) == 1
    edit(office, "due: 2022-06-20 ", "due: 2022-06-27 ")
    amended(office, "2022-06-23T10:00")

    assert office.letters(unit=UNIT, kind="nudge", state="queued") == kept
    assert office.letters(unit=OTHER, kind="reminder", state="queued") == []
    (first,) = words(office, kind="amendment", unit=UNIT)
    assert "此前同意延期报送的，仍按延期后的时间报送" in first
    assert "报送时间为6月30日" in first
    (second,) = words(office, kind="amendment", unit=OTHER)
    assert "延期" not in second
    office.chase("2022-06-24T09:30")
    assert len(office.letters(unit=UNIT, kind="nudge")) == 1  # its day is the same: not again
    assert len(office.letters(unit=OTHER, kind="nudge", state="queued")) == 1


def test_a_new_unit_has_its_notice_and_form_and_one_taken_out_is_left_alone(office: Office) -> None:
    old_form = office.template(OTHER)
    office.hand_in(OTHER, honest())
    office.receive_folder("2022-06-12T10:00")
    office.validate("2022-06-12T10:05")
    office.chase(NUDGED)
    path = _folder(office) / "roster.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    newcomer = (office.home / "newcomer").read_text(encoding="utf-8")
    path.write_text(
        "\n".join([*(x for x in lines if not x.startswith(OTHER)), newcomer, ""]), encoding="utf-8"
    )

    said: list[str] = []
    object.__setattr__(office.ctx, "say", said.append)
    done = amended(office)

    new = newcomer.split(",")[0]
    assert done["added"] == [[COLLECTION, new]]
    assert done["removed"] == [[COLLECTION, OTHER]]
    assert any(OTHER in line and "另行告知" in line for line in said)
    assert [letter["unit"] for letter in office.letters(kind="notice", state="queued")][-1] == new
    assert office.letters(kind="amendment") == []
    assert office.letters(unit=OTHER, kind="notice", state="queued") == []
    assert office.template(new)

    office.hand_in(new, honest(3))
    office.receive_folder("2022-06-15T10:00")
    office.validate("2022-06-15T10:05")
    made = office.assemble("2022-07-06T10:00", "provisional")
    coverage = made["coverage"][COLLECTION]
    assert (coverage["expected"], coverage["returned"]) == (3, 1)
    assert coverage["missing"] == ["410700-self", UNIT]
    assert issued_cycle(office.ctx, office.cycle).unit(OTHER).name == "卫滨区"

    office.drop(OTHER, {"again.xlsx": fill(old_form, honest(7))})
    late = office.receive_folder("2022-07-06T11:00")
    assert late["dispositions"] == {"triage": 1}  # nobody's return any more, and not lost
    assert "已不在该事项的应报名单中" in waiting(office.ctx)["waiting"][-1]["reason"]


def test_what_is_asked_for_and_where_is_told(office: Office) -> None:
    report = "{code: report, kind: document, title: 总结报告, "
    edit(office, report, report + "required: false, ")
    edit(
        office,
        "    ladder: ",
        "      - {code: video, kind: media, title: 宣传视频, hint: 不超过3分钟}\n    ladder: ",
    )
    edit(office, "kjj@xinxiang.example", "kjj-new@xinxiang.example")
    amended(office)
    (told,) = words(office, kind="amendment", unit=UNIT)
    assert "报送邮箱调整为kjj-new@xinxiang.example" in told
    assert "总结报告改为选报（如有）" in told
    assert "增加报送材料：宣传视频（不超过3分钟）" in told


def test_a_new_form_version_goes_out_and_what_was_returned_stays(office: Office) -> None:
    office.hand_in(UNIT, honest())
    office.receive_folder("2022-06-12T10:00")
    office.validate("2022-06-12T10:05")
    before = office.unit(UNIT)
    old = (PROJECT / "include/forms/activity-week-statistics@2022.yaml").read_text(encoding="utf-8")
    forms = _folder(office) / "forms"
    forms.mkdir()
    assert 'version: "2022"' in old
    text = old.replace('version: "2022"', 'version: "2022a"').replace("title: ", "title: 修订", 1)
    (forms / "activity-week-statistics@2022a.yaml").write_text(text, encoding="utf-8")
    edit(office, "activity-week-statistics@2022}", "activity-week-statistics@2022a}")
    amended(office)

    (told,) = words(office, kind="amendment", unit=OTHER)
    assert "改用新表样" in told
    assert "统计表（卫滨区）.xlsx" in told
    assert office.unit(UNIT)["parts"] == before["parts"]
    totals = office.assemble("2022-06-21T10:00", "provisional")["totals"][COLLECTION]
    assert next(iter(totals.values()))["activities.held"] == "21"


@pytest.mark.parametrize("accepts", [True, False])
def test_an_old_form_that_the_new_version_accepts_still_counts(office: Office, accepts: bool) -> None:
    old = (PROJECT / "include/forms/activity-week-statistics@2022.yaml").read_text(encoding="utf-8")
    forms = _folder(office) / "forms"
    forms.mkdir()
    ref = "activity-week-statistics@2022"
    text = old.replace('version: "2022"', 'version: "2022a"').replace(
        "items:", f"accepts: [{ref}]\nitems:" if accepts else "items:"
    )
    more = '\n  - {code: extra.visits, group: "", label: 科技专家进社区服务次数, type: integer}\n'
    (forms / f"{ref}a.yaml").write_text(text.rstrip() + more, encoding="utf-8")
    edit(office, f"{ref}}}", f"{ref}a}}")
    held = office.template(UNIT)
    amended(office)
    assert office.template(UNIT) != held

    office.drop(UNIT, {"old.xlsx": fill(held, honest())})
    office.receive_folder("2022-06-15T10:00")
    counts = office.validate("2022-06-15T10:05")
    assert counts["by_status"] == ({"accepted": 1} if accepts else {"rejected": 1})


def test_a_form_that_clerks_hold_is_not_changed_under_its_name(office: Office) -> None:
    old = (PROJECT / "include/forms/activity-week-statistics@2022.yaml").read_text(encoding="utf-8")
    forms = _folder(office) / "forms"
    forms.mkdir()
    label = next(line for line in old.splitlines() if "label:" in line)
    changed = old.replace(label, label.replace("label: ", "label: 新"), 1)
    (forms / "activity-week-statistics@2022.yaml").write_text(changed, encoding="utf-8")
    with pytest.raises(UsageError, match=r"另存为新版本"):
        amended(office)


def test_a_dry_run_and_a_broken_definition_change_nothing(office: Office) -> None:
    edit(office, "due: 2022-06-20 ", "due: 2022-06-27 ")
    foretold = amended(office, dry_run=True)
    assert foretold["version"] == 2
    assert foretold["told"][COLLECTION]
    edit(office, "due: 2022-06-27 ", "due: 2022-06-31 ")
    with pytest.raises(DefinitionError, match=r"cycle\.yaml:\d+: .*due"):
        amended(office)
    assert office.letters(kind="amendment") == []
    with office.ctx.ledger.read() as session:
        assert len(session.scalars(select(DefinitionVersion)).all()) == 1


def test_broken_off_and_run_again_it_is_completed_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(office, "due: 2022-06-20 ", "due: 2022-06-27 ")

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(amending, "lay_out", killed)
        with pytest.raises(KeyboardInterrupt):
            amended(office)
    done = amended(office)
    assert done["version"] == 2
    assert done["letters"]["queued"] == len(office.letters(kind="amendment")) == 3
    with pytest.raises(UsageError, match="没有可变更的内容"):
        amended(office)
