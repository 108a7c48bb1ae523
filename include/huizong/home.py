"""Where an installation keeps its things: the home folder, the project, the URLs of ledger and store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Home:
    """Paths and URLs, worked out from the environment once.

    `HUIZONG_HOME` (default ./var), `HUIZONG_PROJECT` (default: the checkout), `HUIZONG_DATABASE_URL`
    (default: SQLite in the home), `HUIZONG_STORE_URL` (default: a folder in the home),
    `HUIZONG_TOKEN_KEYS` (default: a file in the home, made at first use), `HUIZONG_ISSUER`,
    `HUIZONG_OPERATOR` (the address of alarms; default: the account that sends them).
    """

    path: Path
    project: Path
    database_url: str
    store_url: str
    token_keys: str | None
    issuer: str
    operator: str | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Home:
        path = Path(environ.get("HUIZONG_HOME") or "var").expanduser().resolve()
        project = Path(environ.get("HUIZONG_PROJECT") or PROJECT).expanduser().resolve()
        return cls(
            path=path,
            project=project,
            database_url=environ.get("HUIZONG_DATABASE_URL") or f"sqlite:///{path / 'ledger.sqlite3'}",
            store_url=environ.get("HUIZONG_STORE_URL") or (path / "store").as_uri(),
            token_keys=environ.get("HUIZONG_TOKEN_KEYS") or None,
            issuer=environ.get("HUIZONG_ISSUER") or "huizong",
            operator=environ.get("HUIZONG_OPERATOR") or None,
        )

    @property
    def cycle_folders(self) -> tuple[Path, ...]:
        """Where cycles are looked for; the first one that has a code wins."""
        return (self.path / "cycles", self.project / "include" / "cycles")

    @property
    def forms(self) -> tuple[Path, ...]:
        return (self.path / "forms", self.project / "include" / "forms")

    @property
    def letters(self) -> tuple[Path, ...]:
        return (self.path / "letters", self.project / "include" / "letters")

    @property
    def calendars(self) -> tuple[Path, ...]:
        return (self.path / "calendars", self.project / "include" / "calendars")

    @property
    def expectations(self) -> tuple[Path, ...]:
        return (self.path / "expectations", self.project / "expectations")

    @property
    def token_keys_file(self) -> Path:
        return self.path / "token.keys"

    def issued(self, cycle: str) -> Path:
        """The folder of a cycle's personal templates."""
        return self.path / "issued" / cycle

    def editions(self, cycle: str) -> Path:
        """The folder where a cycle's summaries are laid out for people (the store keeps the bytes)."""
        return self.path / "editions" / cycle


def find_file(folders: tuple[Path, ...], name: str) -> Path | None:
    """The first folder's file of that name, or None."""
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


_LONGEST = 200  # bytes
_NO_NAME = str.maketrans('/\\:*?"<>|', "／＼：＊？＂＜＞｜", "".join(map(chr, range(32))))


def as_file_name(text: str) -> str:
    """A title or a unit's name as a file's name or part of one, never empty.

    What Windows takes in none becomes full-width, or goes where it ends the name. A name of more than 200
    bytes of UTF-8 (file systems take 255, a suffix may follow) loses its middle: its end tells the unit.
    """
    name = text.translate(_NO_NAME).strip(" .")
    data = name.encode()
    if len(data) > _LONGEST:
        head, tail = data[: _LONGEST // 2], data[-_LONGEST // 2 + len("…".encode()) :]
        name = f"{head.decode(errors='ignore').strip(' .')}…{tail.decode(errors='ignore')}"
    return name or "未命名"
