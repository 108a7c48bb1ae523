"""Alembic revisions of the ledger. `HEAD` is the newest; a test holds it against the scripts."""

HEAD = "0004"
