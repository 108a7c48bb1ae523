"""典型经验 and 意见建议 out of the reports that count, where the definition's hint asks for them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.definition.model import Collection
from huizong.ledger.tables import File, Version
from huizong.stages.issued import IssuedCycle
from huizong.summary.excerpts import TOPICS, passage


def excerpts(
    session: Session, issued: IssuedCycle, collection: Collection, counted: Sequence[Version]
) -> tuple[tuple[str, str], ...]:
    """(unit and topic, passage) in the order of `counted`, then whose reports show no such heading."""
    asked = {
        part.code: [topic for topic in TOPICS if topic in part.hint]
        for part in collection.parts
        if part.kind == "document"
    }
    reports = [v for v in counted if asked.get(v.part)]
    found: list[tuple[str, str]] = []
    silent: list[str] = []
    for version in reports:
        reading = session.scalar(select(File.reading).where(File.id == version.file_id))
        text, name = json.loads(reading or "{}").get("text", ""), issued.unit(version.unit).name
        told = list(_told(text, asked[version.part]))
        found += [(f"{name}（{topics}）", said) for topics, said in told]
        silent += [] if told else [name]
    if silent:
        found.append(("未见相应标题", f"{'、'.join(silent)}。请查阅其总结原件。"))
    return tuple(found)


def _told(text: str, topics: Iterable[str]) -> Iterable[tuple[str, str]]:
    """One passage under a heading of both topics is told once."""
    by_passage: dict[str, list[str]] = {}
    for topic in topics:
        if said := passage(text, topic):
            by_passage.setdefault(said, []).append(topic)
    return (("、".join(of), said) for said, of in by_passage.items())
