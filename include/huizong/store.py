"""The store: bytes kept under their SHA-256, never changed.

A URL says where (`file://` by default; `s3://` through fsspec where several machines share it).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from huizong.errors import OperatorError, TransientError

_FLUSHING = 4  # threads that wait for the disk together


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
        return self.put_all([data])[0]

    def put_all(self, items: Sequence[bytes]) -> list[str]:
        """`put` for several at once, which the disk takes much faster than one after another.

        Raises:
            TransientError: the disk or the bucket refused; some may be kept.
        """
        digests = [sha256(data) for data in items]
        kept = {self._place(digest): data for digest, data in zip(digests, items, strict=True)}
        try:
            if self._folder is None:
                filesystem, root = self._remote
                absent = {f"{root}/{k}": v for k, v in kept.items() if not filesystem.exists(f"{root}/{k}")}
                filesystem.pipe(absent)
            else:
                _write_durably(self._folder, kept)
        except OSError as e:
            raise TransientError(f"无法写入文件库 {self.url}：{e}") from e
        return digests

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

    def forget(self, digest: str) -> None:
        """Let go of the bytes, if they are there.

        Raises:
            TransientError: the disk or the bucket refused.
        """
        try:
            if self._folder is None:
                filesystem, root = self._remote
                filesystem.rm_file(f"{root}/{self._place(digest)}")
            else:
                (self._folder / self._place(digest)).unlink()
        except FileNotFoundError:
            pass
        except OSError as e:
            raise TransientError(f"文件库 {self.url} 无法清除文件：{e}") from e


def _write_durably(root: Path, files: Mapping[str, bytes]) -> None:
    """Write beside, flush to the disk, rename, flush the folders: a reader sees all of it or nothing."""
    places = {root / name: data for name, data in files.items()}
    written: dict[Path, Path] = {}
    try:
        for path, data in places.items():
            if not (path.exists() and path.stat().st_size == len(data)):
                path.parent.mkdir(parents=True, exist_ok=True)
                written[path] = path.with_name(f".{path.name}.{uuid4().hex}")
                written[path].write_bytes(data)
        _flush(written.values())
    except OSError:  # a full disk gets back what did not fit
        for beside in written.values():
            beside.unlink(missing_ok=True)
        raise
    for path, beside in written.items():
        beside.rename(path)
    folders = {folder for path in written for folder in (path.parent, path.parent.parent)}
    _flush([*folders, root] if folders else ())


def _flush(paths: Collection[Path]) -> None:
    """To the disk, side by side: it writes its journal once for several that wait."""
    if len(paths) < _FLUSHING:
        for path in paths:
            _fsync(path)
        return
    with ThreadPoolExecutor(_FLUSHING) as pool:
        list(pool.map(_fsync, paths))


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
