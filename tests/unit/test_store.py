"""The store: bytes under their SHA-256, whole or not at all, never changed."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from huizong.errors import TransientError
from huizong.store import LostError, Store, sha256

DATA = "统计表".encode()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "库 #1%20"  # characters that a URL has its own ideas about


@pytest.fixture(params=["path", "uri", "memory"])
def store(request: pytest.FixtureRequest, place: Path) -> Store:
    urls = {"path": str(place), "uri": place.as_uri(), "memory": f"memory://{place.name}"}
    return Store(urls[request.param])


def files(place: Path) -> list[Path]:
    return [p for p in place.rglob("*") if p.is_file()]


def test_bytes_come_back_by_their_digest(store: Store) -> None:
    digest = store.put(DATA)
    assert digest == hashlib.sha256(DATA).hexdigest() == sha256(DATA)
    assert store.get(digest) == DATA
    assert store.get(store.put(b"")) == b""


def test_several_at_once_come_to_the_same_as_one_by_one(store: Store, place: Path) -> None:
    items = [DATA, b"", DATA, *(bytes([n]) for n in range(20))]
    digests = store.put_all(items)
    assert digests == [sha256(item) for item in items]
    assert [store.get(digest) for digest in digests] == items
    assert store.put_all([]) == []
    assert not [path for path in files(place) if path.name.startswith(".")]  # what was written beside


def test_the_same_bytes_are_kept_once(place: Path) -> None:
    store = Store(str(place))
    store.put(DATA)
    (first,) = files(place)
    inode = first.stat().st_ino
    store.put(DATA)
    assert [p.stat().st_ino for p in files(place)] == [inode]


def test_a_uri_and_a_path_are_the_same_place(place: Path) -> None:
    digest = Store(place.as_uri()).put(DATA)
    assert Store(str(place)).get(digest) == DATA
    assert files(place)[0].name == digest


def test_what_a_broken_write_left_is_written_anew(place: Path) -> None:
    store = Store(str(place))
    digest = store.put(DATA)
    files(place)[0].write_bytes(DATA[:3])
    assert store.put(DATA) == digest
    assert store.get(digest) == DATA


def test_damaged_bytes_are_never_handed_out(place: Path) -> None:
    store = Store(str(place))
    digest = store.put(DATA)
    files(place)[0].write_bytes(b"x" * len(DATA))
    with pytest.raises(LostError, match="已损坏"):
        store.get(digest)


def test_what_is_not_there_is_named(store: Store) -> None:
    with pytest.raises(LostError, match="找不到 " + "0" * 64):
        store.get("0" * 64)


def test_many_writers_of_the_same_bytes(place: Path) -> None:
    store = Store(str(place))
    with ThreadPoolExecutor(8) as pool:
        digests = set(pool.map(lambda _: store.put(DATA * 1000), range(32)))
    assert len(digests) == 1
    assert len(files(place)) == 1


def test_a_disk_that_refuses_is_a_trouble_outside(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TransientError, match="无法写入"):
        Store(str(tmp_path / "file")).put(DATA)
