"""Whose pages are shares of files: net disks, and where mail programs put oversized attachments."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

CODE_KEYS = ("pwd", "password", "passwd")  # of an address that brings its own code

# (who keeps it, host, path with query): only pages of shared files, not a provider's other pages.
_PROVIDERS = tuple(
    (name, re.compile(host), re.compile(path))
    for name, host, path in (
        ("网易邮箱超大附件", r"mail\.(163|126|yeah)\.(com|net)", r"/large-attachment-download/"),
        ("网易邮箱超大附件", r"dashi\.163\.com", r"/html/cloud-attachment-download"),
        ("网易邮箱超大附件", r"u\.163\.com", r"/(?!.*MasterDownLoad)\w"),
        ("网易企业邮箱超大附件", r"([\w-]+\.)*edisk\.qiye\.163\.com", r"/"),
        ("QQ邮箱超大附件", r"((ex)?mail\.qq|mail\.foxmail)\.com", r"/cgi-bin/ftnExs_"),
        ("QQ邮箱超大附件", r"\w*wx\.mail\.qq\.com", r"/ftn/download"),
        ("139邮箱超大附件", r"([\w-]+\.)*mail\.10086\.cn", r"/.*(largeattach|filedown|disk)"),
        ("189邮箱超大附件", r"download\.cloud\.189\.cn", r"/"),
        ("天翼云盘", r"cloud\.189\.cn", r"/(t/|(web/)?share\?)"),
        ("腾讯微云", r"share\.weiyun\.com", r"/\w"),
        ("腾讯文档", r"docs\.qq\.com", r"/(doc|sheet|form|pdf|slide|desktop/|s/|d/)"),
        ("百度网盘", r"(pan|yun)\.baidu\.com", r"/(s/|share/)"),
        ("夸克网盘", r"pan\.quark\.cn", r"/s/"),
        ("阿里云盘", r"(www\.)?(aliyundrive|alipan)\.com", r"/s/"),
        ("移动云盘", r"(caiyun\.(139|feixin\.10086)|yun\.139)\.(com|cn)", r"/.*\w"),
        ("迅雷云盘", r"pan\.xunlei\.com", r"/s/"),
        ("蓝奏云", r"([\w-]+\.)*lanzou\w?\.com", r"/\w"),
        ("123云盘", r"(www\.)?123(pan|684|865|912)\.(com|cn)", r"/s/"),
        ("115网盘", r"(www\.)?115(cdn)?\.com", r"/s/"),
        ("金山文档", r"(www\.)?(kdocs|f\.wps)\.cn", r"/\w"),
    )
)


def provider_of(url: str) -> str | None:
    """Who keeps what lies there; None where the address is no share that we know, or not http(s)."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return None
    if parts.scheme.lower() not in {"http", "https"}:
        return None
    page = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return next((name for name, at, path in _PROVIDERS if at.fullmatch(host) and path.match(page)), None)


def same_place(url: str) -> str:
    """What tells two shares apart: the address without its scheme, its code and its mark inside the page."""
    parts = urlsplit(url)
    kept = "&".join(p for p in parts.query.split("&") if p and p.split("=")[0] not in CODE_KEYS)
    return urlunsplit(("", parts.netloc.lower(), parts.path, kept, "")).removeprefix("//")
