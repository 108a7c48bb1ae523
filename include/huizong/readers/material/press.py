"""Lists of press reports (媒体报道清单): 标题, 媒体, 日期, 链接. Links stay text, nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from huizong.readers.layout.grid import Grid
from huizong.readers.model import PressItem

_MOST, _LONGEST, _TEXT = 2_000, 500, 20_000
_HEADS = {  # role → words of a column's head; the first that fits counts
    "link": ("链接", "网址", "URL", "url", "地址"),
    "date": ("日期", "时间"),
    "outlet": ("媒体", "平台", "来源", "报刊", "刊发", "发布单位", "刊物", "渠道"),
    "title": ("标题", "题目", "报道名称", "报道内容", "新闻名称", "稿件", "名称", "内容"),
}
_NUMBER = ("序号", "编号", "No", "NO")
_HEAD = 12  # characters: what is longer is no head of a column
_LINK = re.compile(r"(?:https?://|www\.)[^\s，。；、（）“”<>\"']+", re.I)
_DATE = re.compile(r"(?:20\d\d[-./年]\s?)?\d{1,2}[-./月]\s?\d{1,2}日?(?:\s+\d{1,2}:\d{2}(?::\d{2})?)?")
_NO_ENTRY = re.compile(r"(?:合计|总计|小计|备注|注[:：]|说明[:：]|填报人|联系人|审核人)")
_LEADING = re.compile(r"^\s*(?:\d{1,4}[.、．)）]|[（(]\d{1,4}[)）])\s*")
_ROLES = ("title", "outlet")
_OUTLET = re.compile(
    r"[一-龥]{1,12}(?:日报|晚报|早报|时报|晨报|报社|电视台|广播电台|网|客户端|公众号|融媒体|频道|头条|周刊|新华社)"
)
_LABELLED = re.compile(r"\s*(?:\d{1,3}[.、．]\s*)?([^:：\s]{2,6})\s*[:：]\s*(\S.*)")
_TOLD = 150  # characters: a line that names a report, its paper and its day is no longer


def text_of(grids: Iterable[Grid]) -> str:
    """What stands in a workbook's sheets, a line a row, its filled cells parted by tabs; 20,000 characters
    at most."""
    lines: list[str] = []
    for grid in grids:
        rows: dict[int, list[str]] = {}
        for (row, _), cell in sorted(grid.cells.items(), key=lambda entry: entry[0]):
            rows.setdefault(row, []).append(" ".join(str(cell).split()))
        lines += ("\t".join(cells) for cells in rows.values())
    return "\n".join(lines)[:_TEXT]


def find_press(text: str) -> tuple[PressItem, ...]:
    """The entries of a table with a head (at least a title or a link in each), else the lines with a link.

    Args:
        text: lines; the cells of a table's row are parted by tabs, empty ones left out.
    """
    lines = text.splitlines()
    return tuple(_of_table(lines))[:_MOST] or tuple(_of_lines(lines))[:_MOST]


def find_typed_press(text: str) -> tuple[PressItem, ...]:
    """The entries of a list that was typed or pasted into a letter: a table whose columns white space parts,
    lines with links, entries with labels (标题：…媒体：…), lines that name a report, its paper and its day.

    Args:
        text: the letter's lines; most of them have to be entries where no link tells.
    """
    spaced = ["\t".join(line.split()) for line in text.splitlines() if line.strip()]
    if found := find_press("\n".join(spaced)):
        return found
    if len(found := tuple(_of_labels(text.splitlines()))) > 0:
        return found[:_MOST]
    told = [line for line in text.splitlines() if _tells_report(line)]
    return tuple(map(_told, told))[:_MOST] if 2 * len(told) > len(spaced) else ()


def _of_labels(lines: Iterable[str]) -> Iterator[PressItem]:
    """Entries of a line a label; one begins where a label comes again."""
    entry: dict[str, str] = {}
    for match in filter(None, map(_LABELLED.match, lines)):
        if (role := _role(match[1])) not in _HEADS:
            continue
        if role in entry:
            yield from _whole(entry)
            entry = {}
        entry[role] = match[2].strip()
    yield from _whole(entry)


def _whole(entry: dict[str, str]) -> Iterator[PressItem]:
    if "title" in entry and entry.keys() & {"outlet", "link"}:
        yield _entry(**entry)


def _tells_report(line: str) -> bool:
    return len(line) <= _TOLD and bool(_DATE.search(line) and _OUTLET.search(line))


def _told(line: str) -> PressItem:
    date, outlet = _DATE.search(line), _OUTLET.search(line)
    rest = _LEADING.sub("", line)
    for found in (date, outlet):
        rest = rest.replace(found[0] if found else "", " ")
    title = " ".join(rest.split()).strip("：:，,；;。 ")
    return _entry(title=title, outlet=outlet[0] if outlet else "", date=date[0] if date else "")


def _of_table(lines: Sequence[str]) -> Iterator[PressItem]:
    roles: tuple[str, ...] = ()
    for line in lines:
        cells = [cell.strip() for cell in line.split("\t") if cell.strip()]
        if head := _roles(cells):
            roles = head
        elif roles and cells and not _NO_ENTRY.match(cells[0]) and (item := _item(cells, roles)):
            yield item


def _roles(cells: Sequence[str]) -> tuple[str, ...]:
    """The roles of a row of heads, in its order; empty if it is none."""
    if len(cells) < 2 or any(len(cell) > _HEAD for cell in cells):
        return ()
    roles = tuple(_role(cell) for cell in cells)
    told = {role for role in roles if role in _HEADS}
    return roles if len(told) > 1 and told & {"title", "link"} else ()


def _role(cell: str) -> str:
    squeezed = "".join(cell.split())
    if squeezed.startswith(_NUMBER):
        return "number"
    return next((role for role, words in _HEADS.items() if any(w in squeezed for w in words)), "")


def _item(cells: Sequence[str], roles: Sequence[str]) -> PressItem | None:
    """A row by its heads; where cells are empty, by what stands in the others."""
    if len(cells) == len(roles):
        found = {role: cell for role, cell in zip(roles, cells, strict=True) if role in _HEADS}
    else:
        found = _by_content(cells, roles)
    item = _entry(**found)
    return item if item.title or item.link else None


def _by_content(cells: Sequence[str], roles: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    words: list[str] = []
    for n, cell in enumerate(cells):
        if _LINK.search(cell):
            found.setdefault("link", cell)
        elif _DATE.fullmatch(cell):
            found.setdefault("date", cell)
        elif not (n == 0 and "number" in roles and cell.isdecimal()):
            words.append(cell)
    wanted = [role for role in roles if role in _ROLES]
    if len(words) < len(wanted):
        wanted = ["title"]
    return found | dict(zip(wanted, words, strict=False))


def _of_lines(lines: Sequence[str]) -> Iterator[PressItem]:
    """One a link; its title is the rest of its line, else the line above."""
    above, seen = "", set()
    for line in lines:
        for link in _LINK.findall(line):
            if link not in seen:
                seen.add(link)
                yield _entry(title=_title(line) or above, link=link)
        above = _title(line)


def _title(line: str) -> str:
    rest = _LEADING.sub("", _LINK.sub(" ", line))
    return " ".join(re.sub(r"(?:链接|网址|地址)\s*[:：]?\s*$", "", rest.strip()).split()).strip("：:，,；; ")


def _entry(title: str = "", outlet: str = "", date: str = "", link: str = "") -> PressItem:
    return PressItem(
        title=title[:_LONGEST], outlet=outlet[:_LONGEST], date=date[:_LONGEST], link=link[:_LONGEST]
    )
