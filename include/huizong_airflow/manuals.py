"""The operator's manual of each DAG, shown beside it in the UI and collected in docs/dags.md.

Each has the same three sections; tests/dags checks that.
"""

from __future__ import annotations

SECTIONS = ("做什么", "何时运行", "变红怎么办")

_COMMON = (
    "点开变红的任务看日志最后一行，那里写明了原因和办法。邮件服务器或数据库暂时不可用时会自动重试；"
    "数据或定义有误时不重试，改正后在页面上清除（Clear）该任务即可，重复运行不会重复发信。"
)

_RED = {
    "issue": "多为任务定义或应报名单有误：先运行 `huizong check {code}`，按提示改正。",
    "validate": "来件内容有误不会使本流程变红（会写入修改意见）。变红说明程序或数据库出错。",
    "chase": "渠道收取失败时不会催报，以免误催已报单位：先查 `receive.*` 是否正常。",
    "assemble": "定稿之后又收到新的报送件时须另出修订稿：`huizong assemble {code} --edition revised`。",
    "release": "表示批准之后没有办成；批准本身已记录。查明原因后清除 `record` 任务，不必再问一次。",
    "receive": "多为邮箱登录失败（授权码过期、未开通 IMAP）：在 Airflow 的连接中更正 `{connection}_imap`。",
    "send": "多为 SMTP 登录失败：更正连接 `{connection}_smtp`。结果不明的信件不会自动重发，"
    "用 `huizong outbox list` 查看，再用 `huizong outbox resolve` 处理。",
    "health": "`check` 变红说明数据库或程序出错；`send` 变红多为告警邮箱登录失败：更正连接 `operator_smtp`。"
    "其间未解除的告警见看板，或运行 `huizong doctor`。",
}

_WHAT = {
    "issue": "请人审定应报名单、通知和催报安排。"
    "批准后由 `{code}.release` 冻结名单、生成各单位表样并发出通知；"
    "未经批准，什么也不会发出。",
    "validate": "读取新到的报送件，逐项审核，记录结果，并对每件来件答复一次（回执、修改意见或补报提示）。",
    "chase": "先收件、审核，再按催报安排给到期未报的单位排出提醒。已来件待处理的单位暂缓催报；"
    "错过的几级提醒只发最近一级。催报函须另经批准。",
    "assemble": "到期时生成汇总表和总结报告（初步汇总、定稿），注明应报、已报、未报。定稿上报须另经批准。",
    "release": "就一个问题请人签批，一个问题一次运行："
    "在“浏览”菜单的“待响应的任务实例”中选择批准或维持现状，并写明依据。"
    "无人答复即维持现状，次日早晨再问。批准后立即执行，并记录何人、何时、依据什么。",
    "receive": "把渠道 {channel} 中的来件全部取回：先保存原件，再拆件、识别归属。"
    "邮箱只读取，不删除、不移动。",
    "send": "发出渠道 {channel} 已排队的信件，每次一封，发送前再核对一次理由是否仍成立。"
    "该账号只由本流程发信。",
    "health": "检查各渠道是否按时收取、信件是否积压、定义能否读取、磁盘是否将满；"
    "每个问题告警一次，解除时再告知一次。"
    "告警发往 `HUIZONG_OPERATOR`（连接 `operator_smtp`）；未配置时只在看板上显示。",
}

_WHEN = {
    "issue": "发文时刻 {issue_at}。",
    "validate": "收到属于本任务的来件时，以及每 30 分钟，至 {end} 为止；"
    "其后如需再审，把定义改为 live: false 再手动运行。",
    "chase": "各级催报时刻，以及发文后每天早晨，至截止后 60 天（{end}）。停机期间错过的会补跑，"
    "补跑只看现在该做什么，不会补发过时的提醒。",
    "assemble": "初步汇总、定稿的时刻，以及每天早晨，至截止后 60 天（{end}）。",
    "release": "有事需要签批时由其他流程发起，平时不运行。",
    "receive": "有新来件时立即运行，另外按 {every} 定时运行；同一时间只有一次运行。",
    "send": "有信件排队时立即运行，另外按 {every} 定时运行；同一时间只有一次运行。",
    "health": "每 10 分钟。停了 30 分钟以上，`huizong doctor --quiet` 会以退出码 1 告知外部监控。",
}

BY_HAND = (
    "本任务未启用（live: false），不会自动运行。需要演练或补做时点“触发”，"
    "在“业务时间 as_of”中填写当作哪一天办理；"
    "不填不能运行，以免把历史任务当成今天的事办。"
)


def manual(verb: str, *, live: bool, about: str = "", **facts: str) -> str:
    """The doc_md of `<cycle>.<verb>`, `<verb>.<channel>` or `health`.

    Args:
        about: what is so of this very cycle or channel, as Markdown.
    """
    when = _WHEN[verb] if live or verb == "release" else BY_HAND
    texts = [text.format(**facts) for text in (_WHAT[verb], when, f"{_RED[verb]}\n\n{_COMMON}")]
    if about:
        texts[0] += f"\n\n{about}"
    return "\n\n".join(f"### {heading}\n\n{text}" for heading, text in zip(SECTIONS, texts, strict=True))


def broken_manual(code: str, problems: str) -> str:
    """The doc_md of the placeholder that stands for a cycle whose definition cannot be used."""
    texts = (
        f"统计任务 {code} 的定义有误，它的各个流程没有建立，其他统计任务不受影响：\n\n{problems}",
        "每 30 分钟报一次错，直到定义改正为止。",
        f"按上面的提示改正文件，再用 `huizong check {code}` 检查；改正后本页自动消失，正式流程出现。",
    )
    return "\n\n".join(f"### {heading}\n\n{text}" for heading, text in zip(SECTIONS, texts, strict=True))
