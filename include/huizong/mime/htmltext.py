"""The words of an HTML body."""

from __future__ import annotations

import re

from lxml import etree, html

_SILENT = frozenset(["script", "style", "head", "title", "template"])
_BREAKS = frozenset(
    ["br", "p", "div", "li", "tr", "table", "blockquote", "h1", "h2", "h3", "h4", "hr", "pre"]
)


def html_to_text(source: str) -> tuple[str, list[str]]:
    """Visible words, one line a block, and the http(s) links. Never raises; nothing is fetched."""
    # As bytes: lxml refuses text with an encoding declaration, and stops at NUL.
    data = source.replace("\x00", "").encode("utf-8", "replace")
    try:
        tree = html.document_fromstring(
            data, parser=html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
        )
    except (etree.LxmlError, ValueError, AssertionError):
        return re.sub(r"<[^>]{0,2000}>", " ", source), []
    words: list[str] = []
    links: list[str] = []
    silent = 0
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        tag = element.tag if isinstance(element.tag, str) else ""
        starting = event == "start"
        if tag in _BREAKS:
            words.append("\n")
        elif tag in {"td", "th"}:
            words.append(" ")
        if starting and tag == "a" and (element.get("href") or "").startswith(("http://", "https://")):
            links.append(element.get("href"))
        if tag in _SILENT:
            silent += 1 if starting else -1
        text = element.text if starting else element.tail
        if text and not silent:
            words.append(re.sub(r"[\s\u00a0]+", " ", text))
    lines = (" ".join(line.split()) for line in "".join(words).split("\n"))
    return "\n".join(line for line in lines if line), links
