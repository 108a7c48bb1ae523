"""What every stage is handed: home, ledger, store, clock, connections, and a way to say how it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from huizong.clock import Clock
from huizong.connections import Connections
from huizong.home import Home
from huizong.instruments.token import TokenKeys
from huizong.ledger.engine import Ledger
from huizong.outbox.letters import LetterBook
from huizong.store import Store


def _silent(message: str) -> None:
    """Progress that nobody listens to."""


@dataclass(frozen=True)
class Context:
    """One installation, opened. `say` gets progress in Chinese; it never carries results."""

    home: Home
    ledger: Ledger
    store: Store
    clock: Clock
    connections: Connections
    say: Callable[[str], None] = field(default=_silent)

    @cached_property
    def token_keys(self) -> TokenKeys:
        if self.home.token_keys:
            return TokenKeys.parse(self.home.token_keys)
        return TokenKeys.load_or_create(self.home.token_keys_file)

    @cached_property
    def letter_book(self) -> LetterBook:
        return LetterBook(self.home.letters)


def open_context(
    home: Home, clock: Clock, connections: Connections, say: Callable[[str], None] = _silent
) -> Context:
    """Open an installation: its folder is made, its ledger brought up to date.

    Raises:
        TransientError: the database cannot be reached.
    """
    home.path.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(home.database_url, home.path / "locks")
    ledger.migrate()
    return Context(home, ledger, Store(home.store_url), clock, connections, say)
