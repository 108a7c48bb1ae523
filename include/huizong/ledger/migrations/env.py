"""Alembic's environment: runs on the connection it is handed, never on one of its own."""

from __future__ import annotations

from alembic import context

import huizong.ledger.editions
import huizong.ledger.upkeep  # noqa: F401 - their tables belong to Base
from huizong.ledger.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
