"""The token of a personal form: which unit's return for what, signed so that it cannot be made up.

`hz1.<key id>.<payload>.<mac>`: the payload is the six claims in the base64url alphabet itself, joined by
the one character of it that no code contains (`_`), so that even six codes of full length leave room for a
whole HMAC-SHA256 within Excel's 255 characters for a property or a string constant.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
import tempfile
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Literal

from huizong.errors import RejectedError, UsageError

PREFIX = "hz1"
MAX_LENGTH = 254
MIN_SECRET = 32

_SEPARATOR = "_"
_CODE = re.compile(r"[A-Za-z0-9-]{1,32}")
_KEY_ID = re.compile(r"[A-Za-z0-9-]{1,8}")
_TOKEN = re.compile(
    rf"(?P<signed>{PREFIX}\.(?P<key_id>[A-Za-z0-9-]{{1,8}})\.(?P<payload>[A-Za-z0-9_-]+))"
    r"\.(?P<mac>[A-Za-z0-9_-]{43})(?![A-Za-z0-9_-])"
)

_SENTENCES = {
    "malformed": "表格内的识别码不完整，无法识别。",
    "altered": "表格内的识别码被改动过，与本系统签发的不符。",
    "foreign": "表格内的识别码不是本系统签发的。",
}


class TokenError(RejectedError):
    """A token that proves nothing. `kind` says why: unreadable, wrong MAC, or a key we never had."""

    def __init__(self, kind: Literal["malformed", "altered", "foreign"]) -> None:
        super().__init__(_SENTENCES[kind])
        self.kind = kind


@dataclass(frozen=True)
class TokenClaims:
    """What a token says. Each is `[A-Za-z0-9-]{1,32}`; `instrument` is `code@version`.

    `serial` tells two tokens with otherwise the same claims apart (see `new_serial`).
    """

    issuer: str
    cycle: str
    collection: str
    unit: str
    instrument: str
    serial: str


def new_serial() -> str:
    """A random serial of 12 characters."""
    return secrets.token_hex(6)


def find_token(text: str) -> str | None:
    """The first thing in `text` that has a token's shape, whoever signed it."""
    found = _TOKEN.search(text)
    return found.group() if found else None


class TokenKeys:
    """The secrets of an installation, in order: the first signs, all verify."""

    def __init__(self, pairs: tuple[tuple[str, str], ...]) -> None:
        """`pairs` are (key id, secret).

        Raises:
            UsageError: no pair, an id that is no code of 1 to 8 characters or stands twice, a short secret.
        """
        if not pairs:
            raise UsageError("没有识别码密钥：HUIZONG_TOKEN_KEYS 应写作“编号:密钥”，多个以逗号分隔")
        for key_id, secret in pairs:
            if not _KEY_ID.fullmatch(key_id):
                raise UsageError("HUIZONG_TOKEN_KEYS：密钥编号应为1至8个字母、数字或“-”")
            if len(secret) < MIN_SECRET:
                raise UsageError(f"HUIZONG_TOKEN_KEYS：编号 {key_id} 的密钥不足{MIN_SECRET}个字符")
        self._secrets = {key_id: secret.encode() for key_id, secret in pairs}
        if len(self._secrets) < len(pairs):
            raise UsageError("HUIZONG_TOKEN_KEYS：密钥编号重复")
        self._signer = pairs[0][0]

    @classmethod
    def parse(cls, text: str) -> TokenKeys:
        """Read `id:secret` pairs parted by commas or white space, as in `HUIZONG_TOKEN_KEYS` and the file."""
        pairs = (pair.partition(":") for pair in re.split(r"[,\s]+", text) if pair)
        return cls(tuple((key_id, secret) for key_id, _, secret in pairs))

    @classmethod
    def load_or_create(cls, path: Path) -> TokenKeys:
        """Read the key file; if there is none, make one with a random key that only its owner can read."""
        if not path.exists():
            _create_key_file(path)
        return cls.parse(path.read_text(encoding="ascii"))

    def sign(self, claims: TokenClaims) -> str:
        """The token for `claims`, at most 254 characters of ASCII.

        Raises:
            UsageError: a claim is not a code, or all together are too long.
        """
        signed = f"{PREFIX}.{self._signer}.{_pack(claims)}"
        token = f"{signed}.{_mac(self._secrets[self._signer], signed)}"
        if len(token) > MAX_LENGTH:
            raise UsageError(f"识别码长达{len(token)}个字符（上限{MAX_LENGTH}），请缩短各项代码")
        return token

    def verify(self, text: str) -> TokenClaims:
        """The claims of a token that one of the keys signed.

        Raises:
            TokenError: `malformed`, `foreign` (unknown key id) or `altered` (wrong MAC).
        """
        found = _TOKEN.fullmatch(text.strip())
        if found is None:
            raise TokenError("malformed")
        secret = self._secrets.get(found["key_id"])
        if secret is None:
            raise TokenError("foreign")
        if not hmac.compare_digest(found["mac"], _mac(secret, found["signed"])):
            raise TokenError("altered")
        return _unpack(found["payload"])


def _create_key_file(path: Path) -> None:
    """Written whole under another name, then linked: of two processes that start at once, one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".token")  # mkstemp makes it mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{secrets.token_hex(3)}:{secrets.token_urlsafe(32)}\n")
            file.flush()
            os.fsync(file.fileno())
        Path(path).hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        Path(draft).unlink()


def _mac(secret: bytes, signed: str) -> str:
    digest = hmac.new(secret, signed.encode("ascii"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")


def _pack(claims: TokenClaims) -> str:
    code, _, version = claims.instrument.partition("@")
    parts = (*astuple(claims)[:4], code, version, claims.serial)
    names = ("issuer", "cycle", "collection", "unit", "instrument", "instrument version", "serial")
    for name, part in zip(names, parts, strict=True):
        if not _CODE.fullmatch(part):
            raise UsageError(f"识别码的 {name} 只能用字母、数字和“-”，1至32个字符，现为“{part}”")
    return _SEPARATOR.join(parts)


def _unpack(payload: str) -> TokenClaims:
    parts = payload.split(_SEPARATOR)
    if len(parts) != len(fields(TokenClaims)) + 1:
        raise TokenError("malformed")
    issuer, cycle, collection, unit, code, version, serial = parts
    return TokenClaims(issuer, cycle, collection, unit, f"{code}@{version}", serial)
