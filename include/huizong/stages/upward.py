"""The package for the level above: the summary's files with a list of contents, ready to hand over."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from typing import Any

from huizong.errors import UsageError
from huizong.ledger.editions import Edition
from huizong.stages.assemble import edition_folder
from huizong.stages.commendation import is_internal
from huizong.stages.context import Context
from huizong.stages.coverage import named
from huizong.stages.issued import IssuedCycle, log_event
from huizong.stages.merging import is_to_review, reviewed
from huizong.stages.wording import moment_text

_EPOCH = (1980, 1, 1, 0, 0, 0)  # zip needs a date; a fixed one makes the same package the same bytes


def make_package(
    ctx: Context, issued: IssuedCycle, edition_id: int, by: str, basis: str, as_of: datetime
) -> dict[str, Any]:
    """Make the package of an approved edition, lay it out, record to whom and on whose word it goes.

    Raises:
        UsageError: the edition is not there.
    """
    with ctx.ledger.read() as session:
        edition = session.get(Edition, edition_id)
    if edition is None:
        raise UsageError(f"没有编号为 {edition_id} 的汇总版次。")
    upward = issued.loaded.cycle.upward
    to = upward.to if upward else "（未指定上级单位）"
    files = _outgoing(ctx, edition)
    data = _zip(ctx, files, _contents(issued, edition, files, to, as_of))
    digest = ctx.store.put(data)
    folder = edition_folder(ctx, edition)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"上报件_{issued.loaded.cycle.area or issued.code}.zip"
    path.write_bytes(data)
    record = {
        "to": to,
        "package": path.name,
        "path": str(path),
        "sha256": digest,
        "as_of": as_of.isoformat(),
        "by": by,
    }
    with ctx.ledger.write() as session:
        fresh = session.get_one(Edition, edition_id)
        fresh.handed_over = record
        log_event(
            session, ctx, "package_ready", cycle=issued.code, by=by, words=basis, edition=edition_id, to=to
        )
    return record


def _contents(
    issued: IssuedCycle, edition: Edition, files: list[tuple[str, str]], to: str, as_of: datetime
) -> str:
    cycle = issued.loaded.cycle
    lines = [
        f"{cycle.title} 上报件",
        f"报送：{to}",
        f"报送单位：{'、'.join(dict.fromkeys(c.office.name for c in issued.collections))}",
        f"制作时间：{moment_text(as_of, issued)}",
        "",
    ]
    for code, cover in edition.coverage.items():
        covered = named(cover, lambda unit: issued.unit(unit).name)
        lines.append(f"{issued.collection(code).title or code}：{covered.sentence}")
    lines += ["各单位上报数直接加总，未去重。", "", "文件清单（SHA-256）："]
    lines += [f"{digest}  {name}" for name, digest in files]
    return "\r\n".join(lines) + "\r\n"


def _outgoing(ctx: Context, edition: Edition) -> list[tuple[str, str]]:
    """The edition's files without what is for the office alone, and its public lists as reviewed."""
    kept = [(n, digest) for n, digest in edition.files if not is_internal(n) and not is_to_review(n)]
    return [*kept, *reviewed(ctx, edition)]


def _zip(ctx: Context, files: list[tuple[str, str]], contents: str) -> bytes:
    held = [(name, ctx.store.get(digest)) for name, digest in files]
    held.append(("清单.txt", contents.encode("utf-8-sig")))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in held:
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
