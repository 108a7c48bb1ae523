"""The store: bytes kept under their SHA-256, never changed.

A URL says where (`file://` by default; `s3://` through fsspec where several machines share it).
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from huizong.errors import OperatorError, TransientError


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class LostError(OperatorError):
    """Bytes that were kept are gone or damaged: only a backup brings them back, no second try does."""


@dataclass(frozen=True)
class Store:
    """Content-addressed files: `put` returns the name, `get` the bytes."""

    url: str

    @cached_property
    def _folder(self) -> Path | None:
        if "://" not in self.url:
            return Path(self.url)
        parts = urlsplit(self.url)
        return Path(unquote(parts.path)) if parts.scheme == "file" else None

    @cached_property
    def _remote(self) -> tuple[Any, str]:
        import fsspec  # type: ignore[import-untyped]

        filesystem, root = fsspec.core.url_to_fs(self.url)
        return filesystem, root

    @staticmethod
    def _place(digest: str) -> str:
        return f"{digest[:2]}/{digest[2:4]}/{digest}"

    def put(self, data: bytes) -> str:
        """Keep the bytes and return their SHA-256. When this returns they survive a power cut.

        Raises:
            TransientError: the disk or the bucket refused.
        """
        digest = sha256(data)
        try:
            if self._folder is None:
                filesystem, root = self._remote
                path = f"{root}/{self._place(digest)}"
                if not filesystem.exists(path):
                    filesystem.pipe_file(path, data)
            else:
                _write_durably(self._folder / self._place(digest), data)
        except OSError as e:
            raise TransientError(f"无法写入文件库 {self.url}：{e}") from e
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes; checked against their name.

        Raises:
            LostError: they are not there or were changed.
            TransientError: the disk or the bucket cannot be read.
        """
        try:
            if self._folder is None:
                filesystem, root = self._remote
                data = bytes(filesystem.cat_file(f"{root}/{self._place(digest)}"))
            else:
                data = (self._folder / self._place(digest)).read_bytes()
        except FileNotFoundError as e:
            raise LostError(f"文件库 {self.url} 中找不到 {digest}，请从备份恢复。") from e
        except OSError as e:
            raise TransientError(f"文件库 {self.url} 无法读取：{e}") from e
        if sha256(data) != digest:
            raise LostError(f"文件库 {self.url} 中的 {digest} 已损坏，请从备份恢复。")
        return data


def _write_durably(path: Path, data: bytes) -> None:
    """Write beside, flush to the disk, rename, flush the folder: a reader sees all of it or nothing."""
    if path.exists() and path.stat().st_size == len(data):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{uuid4().hex}")
    with beside.open("wb") as f:
        f.write(data)
        f.flush()
        os.fsync(f.fileno())
    beside.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
