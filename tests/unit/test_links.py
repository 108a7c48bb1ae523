"""Shares of net disks and oversized attachments are found in what people write, with what is said of them."""

from __future__ import annotations

import ast
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from huizong.intake import links, netdisks
from huizong.intake.links import Share, shares_in, shares_of_mail
from huizong.intake.netdisks import provider_of, same_place
from huizong.mime.parse import parse_message
from office import at

CAME = at("2022-06-10T10:00")

# What 163's own page writes: three addresses for one file, and one that only sells a program.
NETEASE = """<div>您好，材料见附件。</div>
<div id="divNeteaseBigAttach"><div><b>从网易163邮箱发来的超大附件</b>
<a class="bigattach-mailmaster-download" href="http://u.163.com/RcUw?spm=pos.bigattachMasterDownLoad">推荐客户端极速下载</a></div>
<div><a href="https://mail.163.com/large-attachment-download/index.html?file=djAy"></a></div>
<div><a href="https://mail.163.com/large-attachment-download/index.html?file=djAy">科技周 视频.mp4</a>
<span> (80.96M, 2022年8月17日 0:49 到期)</span></div>
<div><a href="https://mail.163.com/large-attachment-download/index.html?file=djAy">下载</a></div>
<div><a href="https://mail.163.com/large-attachment-download/index.html?file=djAz"></a></div>
<div><a href="https://mail.163.com/large-attachment-download/index.html?file=djAz">照片.zip</a>
<span> (1.2G, 2022年8月18日 9:05 到期)</span></div>
<div><a href="https://mail.163.com/large-attachment-download/index.html?file=djAz">下载</a></div></div>
<div>网易邮箱大师 <a href="https://dashi.163.com/projects/signature-manager/detail/">签名</a></div>"""

# QQ's panel stands at the very end, below the history.
QQ = """视频太大，见超大附件。

------------------ 原始邮件 ------------------
发件人: "科技局" <kjj@xinxiang.example>;
主题: 报送提示
请参考 https://pan.baidu.com/s/1ofTheOffice 提取码：zzzz

从QQ邮箱发来的超大附件

开幕式.mov (128.03M, 2022年07月10日 21:59 到期)进入下载页面：http://mail.qq.com/cgi-bin/ftnExs_download?t=exs_ftn_download&k=7d36&code=7684
照片.rar (64M, 2022年07月11日 08:00 到期)进入下载页面：https://wx.mail.qq.com/ftn/download?func=3&k=9a"""


def mail(text: str = "", html: str = "", subject: str = "材料") -> list[Share]:
    message = EmailMessage()
    message["From"], message["Subject"] = "a@county.example", subject
    if text:
        message.set_content(text)
    if html:
        (message.add_alternative if text else message.set_content)(html, subtype="html")
    return shares_of_mail(parse_message(message.as_bytes()), CAME)


def only(text: str) -> Share:
    (share,) = shares_in(text, CAME)
    return share


@pytest.mark.parametrize("plain", ["", "您好，材料见附件。"])
def test_the_panel_of_163_is_read(plain: str) -> None:
    video, photos = mail(plain, NETEASE)
    assert video.url == "https://mail.163.com/large-attachment-download/index.html?file=djAy"
    assert (video.provider, video.name, video.size) == ("网易邮箱超大附件", "科技周 视频.mp4", "80.96M")
    assert video.expires_at == at("2022-08-17T00:49")
    assert video.bytes == int(80.96 * 2**20)
    assert (photos.name, photos.size, photos.expires_at) == ("照片.zip", "1.2G", at("2022-08-18T09:05"))


def test_the_panel_of_qq_is_read_below_the_history_and_the_history_is_not() -> None:
    first, second = mail(QQ)
    assert (first.provider, first.name, first.size) == ("QQ邮箱超大附件", "开幕式.mov", "128.03M")
    assert (first.expires_at, second.expires_at) == (at("2022-07-10T21:59"), at("2022-07-11T08:00"))
    assert (second.name, first.code) == ("照片.rar", "")


def test_what_is_passed_on_is_the_senders_too() -> None:
    passed = mail(QQ, subject="转发：材料")
    assert [s.code for s in passed] == ["zzzz", "", ""]


@pytest.mark.parametrize(
    ("words", "name", "code", "expires"),
    [
        ("链接: https://pan.baidu.com/s/1abcDEF_-x?pwd=2e8g 提取码: 2e8g 复制后打开", "", "2e8g", None),
        ("通过网盘分享的文件：活动视频等3个文件\n链接：https://pan.baidu.com/s/1a \n提取码：x926 \n--来自",
         "活动视频等3个文件", "x926", None),
        ("我用夸克网盘分享了「科技周影像」，链接：https://pan.quark.cn/s/0a1b2c 提取码：Ab12",
         "科技周影像", "Ab12", None),
        ("《照片》https://cloud.189.cn/t/QRvYJz（访问码：mvb5）有效期至2022年6月30日",
         "照片", "mvb5", at("2022-07-01T00:00")),
        ("天翼：https://cloud.189.cn/web/share?code=QRv（访问码：mvb5），7天内有效",
         "", "mvb5", CAME + timedelta(days=7)),
        ("活动视频.mp4\n链接：https://pan.quark.cn/s/ab", "活动视频.mp4", "", None),
        ("附件2：总结.docx\n视频见网盘 https://pan.quark.cn/s/ab", "", "", None),
        ("视频.mp4 https://www.alipan.com/s/ab 有效期：三十天", "视频.mp4", "", CAME + timedelta(days=30)),
        ("网盘：pan.baidu.com/s/1xyz，密码是 k8k8，6月20日18:30到期。", "", "k8k8", at("2022-06-20T18:30")),
        ("https://share.weiyun.com/A 密码：123456，2022-7-1 12时失效", "", "123456", at("2022-07-01T12:00")),
        ("https://caiyun.139.com/m/i?1A5Cwabc  提取码:fklu\n1月5日过期", "", "fklu", at("2023-01-06T00:00")),
    ],
)  # fmt: skip
def test_the_sentences_of_the_net_disks(words: str, name: str, code: str, expires: datetime | None) -> None:
    share = only(words)
    assert (share.name, share.code, share.expires_at) == (name, code, expires)


def test_each_of_two_shares_has_its_own_code_and_term() -> None:
    first, second = shares_in(
        "通过网盘分享的文件：甲.mp4\n链接：https://pan.baidu.com/s/1a 提取码：aaaa\n有效期：7天\n"
        "通过网盘分享的文件：乙.mp4\n链接：https://pan.baidu.com/s/1b 提取码：bbbb\n永久有效",
        CAME,
    )
    assert (first.name, first.code, first.expires_at) == ("甲.mp4", "aaaa", CAME + timedelta(days=7))
    assert (second.name, second.code, second.expires_at) == ("乙.mp4", "bbbb", None)
    assert second.lasting and not first.lasting


def test_told_twice_it_is_one_and_what_the_second_says_counts() -> None:
    (share,) = shares_in(
        "https://pan.baidu.com/s/1a\n\n\n照片的链接 http://PAN.baidu.com/s/1a?pwd=k9k9#list 提取码k9k9", CAME
    )
    assert (share.url, share.code) == ("https://pan.baidu.com/s/1a", "k9k9")
    assert same_place("http://PAN.baidu.com/s/1a?pwd=k9k9#list") == "pan.baidu.com/s/1a"


@pytest.mark.parametrize(
    "url",
    [
        "https://mail.163.com/js6/main.jsp?sid=1",
        "https://dashi.163.com/projects/signature-manager/detail/index.html",
        "http://u.163.com/RcUw?spm=pos.bigattachMasterDownLoad",
        "https://mail.qq.com/cgi-bin/loginpage",
        "https://wx.mail.qq.com/home/index",
        "https://thirdqq.qlogo.cn/g?b=oidb&k=x",
        "https://pan.baidu.com/disk/home",
        "https://pan.baidu.com.evil.example/s/1a",
        "https://evil.example/pan.baidu.com/s/1a",
        "https://pan.baidu.com@evil.example/s/1a",
        "ftp://pan.baidu.com/s/1a",
        "javascript://pan.baidu.com/s/1a",
        "https://www.kepu.example/news/1",
    ],
)
def test_other_addresses_are_no_shares(url: str) -> None:
    assert provider_of(url) is None
    assert shares_in(f"见 {url} 提取码：abcd", CAME) == []


@pytest.mark.parametrize(
    "url",
    [
        "https://mail.163.com/large-attachment-download/index.html?p=1", "http://u.163.com/RcUwvU56g",
        "https://dashi.163.com/html/cloud-attachment-download/?key=1",
        "https://edisk.qiye.163.com/api/biz/attachment/download?identity=1",
        "http://mail.qq.com/cgi-bin/ftnExs_download?k=1", "https://exmail.qq.com/cgi-bin/ftnExs_download?k=1",
        "https://iwx.mail.qq.com/ftn/download?k=1", "https://wx.mail.qq.com/ftn/download?func=3",
        "https://share.weiyun.com/a", "https://download.cloud.189.cn/file/downloadFile.action?dt=1",
        "https://cloud.189.cn/t/a", "https://cloud.189.cn/web/share?code=a", "https://pan.baidu.com/s/1a",
        "https://pan.baidu.com/share/init?surl=a", "https://yun.baidu.com/s/1a", "https://pan.quark.cn/s/a",
        "https://www.aliyundrive.com/s/a", "https://www.alipan.com/s/a", "https://caiyun.139.com/m/i?1",
        "https://yun.139.com/shareweb/#/w/i/1", "https://pan.xunlei.com/s/a", "https://wwx.lanzoui.com/i1",
        "https://docs.qq.com/sheet/D1", "https://www.kdocs.cn/l/c1", "https://kdocs.cn/l/c1", "https://f.wps.cn/w/1",
        "http://fun.mail.10086.cn/largeattachments/html/filedown.html?resource=1",
    ],
)  # fmt: skip
def test_every_provider_is_known(url: str) -> None:
    assert provider_of(url)
    assert only(f"材料见{url}。请下载").url == url


def test_nonsense_raises_nothing_and_takes_no_time() -> None:
    for never in ("2022年13月45日", "9999年12月31日", "2022年2月30日 99:99"):
        assert only(f"https://pan.baidu.com/s/1a 有效期至{never}").expires_at is None
    assert mail(html="<a href='https://pan.baidu.com/s/1a&#1;&#11;'>b</a><a href='http://[::1'>c</a>") == []
    assert shares_in("pan.baidu.com/s/" * 2000 + "a-" * 20000 + "(" * 20000, CAME)
    assert shares_in("http://[::1/s/1 https://pan.baidu.com:x/s/1 \x00\ud800", CAME) is not None
    assert len(shares_in("\n".join(f"https://pan.baidu.com/s/{n}" for n in range(500)), CAME)) == 50


def test_nothing_here_can_open_an_address() -> None:
    """What is imported has no way to the network or the disk."""
    allowed = {
        "__future__",
        "re",
        "collections.abc",
        "dataclasses",
        "datetime",
        "urllib.parse",
        "zoneinfo",
        "lxml",
    }
    for module in (links, netdisks):
        tree = ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))
        names = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        names |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        assert {n for n in names if not n.startswith("huizong.")} <= allowed
        assert "open" not in {
            n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        }
