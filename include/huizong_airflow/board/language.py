"""Chinese as the UI's first language. Airflow has no such setting: it asks the browser's storage, then the
browser. What a user chooses in the UI is kept there and goes over this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SCRIPT = (
    b'<head><script>localStorage.getItem("i18nextLng")||localStorage.setItem("i18nextLng","zh-CN")</script>'
)


class ChineseByDefault:
    """ASGI middleware that puts a line of script into the head of HTML pages."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        held: list[Message] = []

        async def inject(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_plain_html(message):
                held.append(message)  # its length is known only when the body has come
                return
            if held:
                start = held.pop()
                body = message.get("body", b"").replace(b"<head>", SCRIPT, 1)
                message = {**message, "body": body}
                await send({**start, "headers": _with_length(start, len(body), message)})
            await send(message)

        await self.app(scope, receive, inject)


def _headers(message: Message) -> dict[bytes, bytes]:
    return {name.lower(): value for name, value in message["headers"]}


def _is_plain_html(message: Message) -> bool:
    headers = _headers(message)
    return headers.get(b"content-type", b"").startswith(b"text/html") and b"content-encoding" not in headers


def _with_length(start: Message, length: int, body: Message) -> list[tuple[bytes, Any]]:
    rest = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
    return rest if body.get("more_body") else [*rest, (b"content-length", str(length).encode())]
