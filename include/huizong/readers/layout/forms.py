"""Finding forms in grids, by their labels and never by their position.

A form is where at least half of an instrument's labels stand in rows of their own (or its title and five of
them). Where the same labels are a header row (a table with units as rows), or every row has several figures
(units as columns), that is somebody's summary and no return: it is not taken for a form.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from rapidfuzz import fuzz

from huizong.instruments.combined import find_combined
from huizong.instruments.form_number import find_form_number
from huizong.instruments.model import Instrument, Item
from huizong.readers.layout.columns import Columns, Hit, find_columns, head_units, is_figure, read_hits
from huizong.readers.layout.grammar import squeeze
from huizong.readers.layout.grid import TOKEN_PREFIX, Grid
from huizong.readers.layout.heads import behind
from huizong.readers.layout.labels import Group, Labels, Match, labels_of, normalise
from huizong.readers.layout.layouts import pairs, side_by_side, with_values_below
from huizong.readers.layout.lists import find_lists
from huizong.readers.layout.units import Stated, in_line
from huizong.readers.model import FormReading
from huizong.readers.secrecy import refuse_marked

_ENOUGH_WITH_TITLE = 5
_TITLE_ALIKE = 85.0
_OTHER_TITLE = re.compile(
    "(?:附[件表]?[0-9一二三四五]*[:：])?(?=.{8})(?!.*[请填])"
    "[^,，。；;：:]{3,60}(?:(?:统计|情况|汇总)表[^,，。；;：:]{0,8}|[^代附]表)"
)
_CLOSE = 6  # rows: further off, 单位：元 belongs to another table


@dataclass(frozen=True)
class Block:
    """One form on one grid: its labels' places, its columns, and the rows that belong to it."""

    instrument: Instrument
    grid: Grid
    hits: tuple[Hit, ...]
    columns: Columns
    title_score: float
    heads: tuple[str, ...] = ()  # of figures that the form does not have, where figures stand below labels
    top: int = 0
    bottom: int | None = None  # None: to the end

    @property
    def first(self) -> int:
        return min(hit.place[0] for hit in self.hits)

    @property
    def last(self) -> int:
        return max(hit.place[0] for hit in self.hits)

    def texts(self, *, head: bool = False) -> Sequence[tuple[tuple[int, int], str]]:
        """The text cells of the form's rows; with `head`, only above its first label."""
        end = self.first - 1 if head else self.bottom
        return self.grid.texts_between(self.top, end)


def find_forms(grids: Sequence[Grid], instruments: Sequence[Instrument]) -> list[FormReading]:
    """All forms of the visible grids, in order: what is there is read, nothing is judged.

    Raises:
        RestrictedError: one of the sheets, hidden ones too, bears a mark of secrecy at its head.
    """
    for grid in grids:
        refuse_marked(text for _, text in grid.texts)
    forms = [i for i in instruments if i.kind == "form"]
    lists = [i for i in instruments if i.kind == "list"]
    visible = [grid for grid in grids if grid.visible]
    parts = (part for grid in visible for part in side_by_side(grid))
    found = [_read(block) for part in parts for block in _blocks_of(part, forms)]
    return found + find_lists(visible, lists)


def find_hidden_forms(grids: Sequence[Grid], instruments: Sequence[Instrument]) -> list[FormReading]:
    """The forms of hidden sheets, which count for nothing: for a sentence that says where the form is."""
    hidden = [replace(grid, visible=True) for grid in grids if not grid.visible]
    return find_forms(hidden, instruments) if hidden else []


def _blocks_of(grid: Grid, instruments: Sequence[Instrument]) -> list[Block]:
    """The best reading of each stretch of rows: most labels found, then the likest title."""
    found = [block for instrument in instruments for block in _candidates(grid, instrument)]
    found.sort(key=lambda b: (-len({h.code for h in b.hits}), -b.title_score))
    chosen: list[Block] = []
    for block in found:
        if all(block.last < other.first or block.first > other.last for other in chosen):
            chosen.append(block)
    return _share_rows(sorted(chosen, key=lambda b: b.first))


def _share_rows(blocks: list[Block]) -> list[Block]:
    """Where forms stand one below another, a form's rows begin with its title or its header line."""
    tops = [0]
    for above, block in zip(blocks, blocks[1:], strict=False):
        gap = block.grid.texts_between(above.last + 1, block.first - 1)
        heads = [p[0] for p, t in gap if _is_head(t, block.instrument)]
        tops.append(min(heads, default=above.last + 1))
    bottoms: list[int | None] = [top - 1 for top in tops[1:]]
    return [replace(b, top=t, bottom=e) for b, t, e in zip(blocks, tops, [*bottoms, None], strict=False)]


def _candidates(grid: Grid, instrument: Instrument) -> list[Block]:
    labels = labels_of(instrument.items)
    found, above = [], -1
    for hits in _split(_hits(grid, labels, instrument), len(instrument.items)):
        first, last = hits[0].place[0], hits[-1].place[0]
        head = grid.texts_between(above + 1, first - 1)
        score = max((_alike(text, instrument.title) for _, text in head), default=0.0)
        above = last
        if (below := with_values_below(grid, hits, instrument, labels)) and _enough(hits, instrument, score):
            found.append(Block(instrument, grid, tuple(below[0]), Columns(-1), score, below[1]))
            continue
        columns = find_columns(grid, hits, instrument, labels)
        if columns is not None and _enough(hits, instrument, score) and _in_rows(hits):
            found.append(Block(instrument, grid, tuple(hits), columns, score))
    return found


def _enough(hits: Sequence[Hit], instrument: Instrument, title_score: float) -> bool:
    codes = len({hit.code for hit in hits})
    return 2 * codes >= len(instrument.items) or (title_score >= _TITLE_ALIKE and codes >= _ENOUGH_WITH_TITLE)


def _in_rows(hits: Sequence[Hit]) -> bool:
    """Whether most labels have a row of their own; those with their figure in the same cell need none."""
    inline = {hit.code for hit in hits if hit.inline}
    rows = {hit.place[0] for hit in hits if not hit.inline}
    return 2 * (len(rows) + len(inline)) > len({hit.code for hit in hits})


def _hits(grid: Grid, labels: Labels, instrument: Instrument) -> list[Hit]:
    hits: list[Hit] = []
    groups: dict[int, Group] = {}  # column -> the group label last seen in it: a merged cell, filled down
    for place, text in grid.texts:
        group = labels.group(text)
        if group is not None:
            groups[place[1]] = group
        for match, inline in _labels_in(text, labels):
            code = _of_group(match.codes, instrument, [g.label for g in groups.values()])
            if code is None:
                continue
            units = (
                match.units,
                *(g.units for g in groups.values() if g.label == instrument.by_code[code].group),
            )
            told = tuple(Stated(written) for written in units if written)
            hit = Hit(place, code, match.matched, match.confidence, inline, units=told)
            beside = hits and hits[-1].code == hit.code and hits[-1].place == (place[0], place[1] - 1)
            if beside:  # a label spread over two unmerged cells is one label
                hits.pop()
            hits.append(hit)
    return hits


def _labels_in(text: str, labels: Labels) -> list[tuple[Match, str]]:
    """The label that the text is, or those that stand in it with their figures."""
    match = labels.match(text)
    if match is not None and match.confidence == 1:
        return [(match, "")]
    return pairs(text, labels) or ([(match, "")] if match else [])


def _of_group(codes: tuple[str, ...], instrument: Instrument, groups: Collection[str]) -> str | None:
    """The one item that a label names, by its group where several share the label."""
    if len(codes) > 1:
        codes = tuple(code for code in codes if instrument.by_code[code].group in groups)
    return codes[0] if len(codes) == 1 else None


def _split(hits: list[Hit], size: int) -> list[list[Hit]]:
    """Several forms on one sheet, or one in which a label stands twice: most labels come again, or few do."""
    counts = Counter(hit.code for hit in hits)
    if 2 * sum(n > 1 for n in counts.values()) < size:
        return [hits] if hits else []
    blocks: list[list[Hit]] = [[]]
    for hit in hits:
        seen = {h.code for h in blocks[-1]}
        if hit.code in seen and 2 * len(seen) >= size:
            blocks.append([])
        blocks[-1].append(hit)
    return blocks


def _read(block: Block) -> FormReading:
    instrument, labels = block.instrument, labels_of(block.instrument.items)
    items, duplicated = read_hits(
        block.grid, block.hits, block.columns, instrument, labels, _stated_units(block)
    )
    return FormReading(
        instrument=instrument.ref,
        sheet=block.grid.name,
        title=_title(block),
        unit_text=_unit_text(block),
        token=_token(block),
        form_number=_form_number(block),
        items=items,
        missing=tuple(item.code for item in instrument.items if item.code not in items),
        unknown=_unknown(block, labels),
        duplicated=duplicated,
        combined=find_combined(t for _, t in block.grid.texts_between(block.last + 1, block.bottom)),
    )


def _stated_units(block: Block) -> list[Stated]:
    """The units over the column of figures, and on lines close above and below the rows."""
    end = block.last + _CLOSE if block.bottom is None else min(block.bottom, block.last + _CLOSE)
    above = block.grid.texts_between(max(block.top, block.first - _CLOSE), block.first - 1)
    below = block.grid.texts_between(block.last + 1, end)
    heads = (text for (_, column), text in above if column == block.columns.value)
    lines = (in_line(text) for _, text in (*above, *below))
    return [*head_units(heads), *(Stated(units, of_table=True) for units in lines if units)]


def _unknown(block: Block, labels: Labels) -> tuple[str, ...]:
    """Labels of rows between the form's own rows, and of further rows with a figure right below them."""
    if block.heads or any(hit.value for hit in block.hits):
        return block.heads
    known = {hit.place[0] for hit in block.hits}
    typed = all(hit.inline for hit in block.hits)  # lines of text: only those with a figure are rows
    edge = max(hit.place[1] for hit in block.hits)
    first, last = block.first, block.last
    while is_figure(block.grid.cells.get((last + 1, block.columns.value)), block.instrument.items[0]):
        last += 1
    rightmost: dict[int, str] = {}
    for (row, column), text in block.texts():
        between = first < row <= last and row not in known and column <= edge
        row_like = not typed or re.search(r"[:：]\s*[\d０-９]", text)
        if between and row_like and not _is_furniture(text, block.instrument, labels):
            rightmost[row] = squeeze(text)
    return tuple(rightmost.values())


def _is_furniture(text: str, instrument: Instrument, labels: Labels) -> bool:
    item: Item = instrument.items[0]
    return (
        not normalise(text)
        or is_figure(text, item)
        or labels.group(text) is not None
        or text.startswith(TOKEN_PREFIX)
        or "表单编号" in text
        or _is_head(text, instrument)
    )


def _is_head(text: str, instrument: Instrument) -> bool:
    return _alike(text, instrument.title) >= _TITLE_ALIKE or behind(text, instrument.unit_line) is not None


def _alike(text: str, title: str) -> float:
    return fuzz.ratio(squeeze(unicodedata.normalize("NFKC", text)), squeeze(title))


def _title(block: Block) -> str:
    """The line likest to the form's title, else the likest that is some table's: a sister form's counts."""
    scored = [(_alike(text, block.instrument.title), squeeze(text)) for _, text in block.texts(head=True)]
    titles = [entry for entry in scored if entry[0] >= _TITLE_ALIKE or _OTHER_TITLE.fullmatch(entry[1])]
    return max(titles, default=(0.0, ""))[1]


def _unit_text(block: Block) -> str:
    head = block.texts(head=True)
    for (row, column), text in head:
        name = behind(text, block.instrument.unit_line)
        if name is None:
            continue
        right = [t.strip() for (r, c), t in head if r == row and c > column and _is_name(t)]
        return name or (right[0].strip("_＿ \u3000") if right else "")
    return ""


def _is_name(text: str) -> bool:
    return not re.search(f"[:：](?!//)|^{re.escape(TOKEN_PREFIX)}", text) and text.strip("_＿ \u3000\n") != ""


def _token(block: Block) -> str | None:
    return next((t.strip() for _, t in block.texts() if t.strip().startswith(TOKEN_PREFIX)), None)


def _form_number(block: Block) -> str | None:
    return next((n for _, t in block.texts() if (n := find_form_number(t))), None)
