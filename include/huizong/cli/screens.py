"""What people read of the lists that the stages answer: status, triage, letters, papers, files read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console

from huizong.cli.layout import Block, Column, print_blocks, print_lines, print_rows
from huizong.cli.wording import WORDS, called, came_by, counted, label_of, stamp, worded

Row = Mapping[str, Any]
_NOTHING_YET = ("not_started", "waived", "refused", "nil")  # all is missing, or nothing is asked
# Of a row without a screen of its own: what is for programs.
_LEFT_OUT = {"problems", "message_id", "sha256", "raw"}


def print_list(console: Console, key: str, rows: Sequence[Row]) -> None:
    """A list of the answer `data[key]`."""
    screen = _SCREENS.get(key)
    if screen is not None and rows[0].keys() >= screen[0]:
        screen[1](console, rows)
        return
    console.print(label_of(key), markup=False)
    columns = [name for name in rows[0] if name not in _LEFT_OUT]
    cells = [[worded(row.get(name)) for name in columns] for row in rows]
    print_rows(console, [Column(label_of(name)) for name in columns], cells, head=2)


def _status(console: Console, rows: Sequence[Row]) -> None:
    several = len({row["collection"] for row in rows}) > 1
    columns = [
        Column("代码"), Column("名称"), *([Column("事项")] if several else []), Column("进度"),
        Column("按时"), Column("版本", spare=True), Column("待处理", words=True), Column("缺件", words=True),
        Column("问题", words=True), Column("扫描件", words=True), Column("收到", spare=True),
    ]  # fmt: skip
    print_rows(console, columns, [_standing(row, several) for row in rows], head=4 if several else 3)
    for row in rows:
        for label, text in _remarks(row):
            print_lines(console, f"{called(row['code'], row['name'])} {label}：{text}")


def _standing(row: Row, several: bool) -> list[str]:
    return [
        row["code"], row["name"], *([row["collection"]] if several else []), worded(row["status"]),
        worded(row["punctual"]), str(row["versions"] or ""),
        "、".join(worded(word).partition("（")[0] for word in dict.fromkeys(row["waiting"])),
        "" if row["status"] in _NOTHING_YET else "、".join(row["missing"]),
        counted(row["findings"].items()),
        "、".join(filter(None, map(_scan, row["scans"]))),
        worded(row["received_at"]),
    ]  # fmt: skip


def _remarks(row: Row) -> list[tuple[str, str]]:
    explained = [("说明", f"{e['message']}——{e['explanation']}") for e in row["explanations"]]
    return [*explained, *(("备注", note) for note in row["notes"])]


def _scan(scan: Row) -> str:
    """What a person should look at on a stamped copy; nothing where all is well."""
    said = [f"与电子表不一致{len(scan['differs'])}项"] if scan["differs"] else []
    if scan["unread"]:
        said.append(f"{len(scan['unread'])}项未识别")
    if scan["stamp"] is not True:
        said.append("未见印章" if scan["stamp"] is False else "印章未识别")
    return "、".join(said) or ("与电子表一致" if scan["agrees"] else "未与电子表比对")


def _triage(console: Console, rows: Sequence[Row]) -> None:
    print_blocks(
        console,
        [
            Block(
                (row["id"], worded(row["disposition"])),
                (
                    ("单位", called(row["unit"], row["name"])),
                    ("事项", worded(row["collection"])),
                    ("来自", row["from"]),
                    ("方式", came_by(row.get("via"))),
                    ("主题", worded(row["subject"])),
                    ("收到", worded(row["received_at"])),
                    ("文件", worded(row["file"])),
                    ("说明", worded(row["reason"])),
                    ("备注", worded(row["notes"])),
                    *(
                        ("证据", said)
                        for said in dict.fromkeys(_evidence(w, row["names"]) for w in row["witnesses"])
                    ),
                ),
            )
            for row in rows
        ],
    )


def _evidence(said: Row, names: Mapping[str, str]) -> str:
    """What file, sender and header say of one form: 识别码 410703 卫滨区；发件人 …；表头“…”."""

    def units(codes: Sequence[str | None]) -> str:
        return "、".join(called(code, names.get(code)) for code in codes if code)

    file, sender, content = said["file"], said["sender"], said["content"]
    parts = []
    if marked := units([file["unit"]]) or file["problem"]:
        parts.append(f"识别码 {marked}")
    parts.append(f"发件人 {units(sender['units']) or '未登记'}")
    if content["text"]:
        meant = units(content["units"]) or (
            f"{units([content['beneath']])} 的下属" if content["beneath"] else ""
        )
        parts.append(f"表头“{content['text']}”{f'（{meant}）' if meant else ''}")
    return "；".join(parts)


def _letters(console: Console, rows: Sequence[Row]) -> None:
    print_blocks(
        console,
        [
            Block(
                (str(row["id"]), worded(row["state"]), worded(row["kind"])),
                (
                    ("单位", called(row["unit"], row["name"])),
                    ("收件人", row["to"]),
                    ("主题", row["subject"]),
                    ("次数", str(row["attempts"] or "")),
                    ("不早于", worded(row["not_before"])),
                    ("应答", worded(row["reply"])),
                ),
            )
            for row in rows
        ],
    )


def _papers(console: Console, rows: Sequence[Row]) -> None:
    print_blocks(
        console,
        [
            Block(
                (row["id"], called(row["unit"], row["name"]) or "未识别单位"),
                (
                    ("事项", worded(row["collection"])),
                    ("文件", row["file"]),
                    ("印章", stamp(row["stamp"])),
                    ("电子表", _compared(row)),
                    *(("识别", figures) for figures in _recognised(row)),
                    ("录入", _keying(row)),
                ),
            )
            for row in rows
        ],
    )


def _compared(row: Row) -> str:
    """Whether the paper agrees with the form that can be edited."""
    if not row["has_form"]:
        return "未收到"
    if not row["recognised"]:
        return "已收到，图片未识别，请人工核对"
    numbers = row["numbers"][0]
    said = {"不一致": row["differs"], "未识别": row["unread"]}
    parts = [
        f"{word}{len(codes)}项（{'、'.join(_item(code, numbers) for code in codes)}）"
        for word, codes in said.items()
        if codes
    ]
    return "；".join(parts) or ("一致" if row["agrees"] else "未比对")


def _recognised(row: Row) -> list[str]:
    found = [
        "、".join(f"{_item(code, numbers)} {raw or '空'}" for code, raw in figures.items())
        for figures, numbers in zip(row["recognised"], row["numbers"], strict=True)
    ]
    return found or ["未识别出统计表"]


def _item(code: str, numbers: Mapping[str, int]) -> str:
    return f"第{numbers[code]}项" if code in numbers else code


def _keying(row: Row) -> str:
    if keying := row["keying"]:
        return f"{keying['by']}已录入（编号{keying['id']}），待另一人确认"
    return "" if row["has_form"] else "待录入"


def _files(console: Console, rows: Sequence[Row]) -> None:
    for row in rows:
        unit = called(row["unit"], row.get("name"))
        filled = sum(value is not None for value in row["values"].values())
        lines = (
            ("处理", _verdict(row)),
            ("单位", unit),
            ("事项", worded(row["collection"])),
            ("表样", worded(row["instrument"])),
            ("数值", f"{len(row['values'])}项中读到{filled}项" if row["values"] else ""),
            ("说明", row["reason"]),
            ("备注", worded(row["notes"])),
            *(("识别", _proposal(seen)) for seen in row["proposals"]),
            ("印章", stamp(row["stamp"]) if row["stamp"] is not None else ""),
            *((WORDS[f["severity"]].partition("（")[0], _finding(f)) for f in row["findings"]),
        )
        print_blocks(console, [Block((row["file"],), lines)])


def _alarms(console: Console, rows: Sequence[Row]) -> None:
    for row in rows:
        lines = (("开始", worded(row["since"])), *(("说明", line) for line in row["lines"]))
        print_blocks(console, [Block((row["alarm"], row["title"]), lines)])


def _verdict(row: Row) -> str:
    return worded(row["disposition"]) + (f"，{worded(row['status'])}" if "status" in row else "")


def _finding(finding: Row) -> str:
    """The problem, what to do about it, and where it stands."""
    place = " ".join(filter(None, (finding["sheet"], finding["cell"])))
    return f"{finding['message']}{finding['remedy']}" + (f"（{place}）" if place else "")


def _proposal(seen: Row) -> str:
    read = sum(cell["state"] == "number" for cell in seen["cells"].values())
    number = f"，表单编号 {seen['form_number']}" if seen["form_number"] else ""
    return f"图片上的统计表{number}，{len(seen['cells'])}项中认出{read}项；须由一人录入、另一人确认后采用"


def _places(console: Console, rows: Sequence[Row]) -> None:
    """Where to look, as editors and terminals know it: file:line: message."""
    words = {"warning": "请留意：", "hint": "提示："}
    for row in rows:
        word = words.get(row.get("level", ""), "")
        print_lines(console, f"{row['file']}:{row['line']}: {word}{row['message']}")


# Key of the answer → what its rows must have for the screen, and the screen.
_SCREENS: dict[str, tuple[set[str], Callable[[Console, Sequence[Row]], None]]] = {
    "units": ({"punctual", "scans"}, _status),
    "waiting": ({"disposition", "witnesses"}, _triage),
    "letters": ({"message_id"}, _letters),
    "papers": ({"recognised"}, _papers),
    "alarms": ({"alarm", "lines"}, _alarms),
    "files": ({"findings", "proposals"}, _files),
    "warnings": ({"file", "line", "message"}, _places),
    "look_at": ({"file", "line", "message"}, _places),
}
