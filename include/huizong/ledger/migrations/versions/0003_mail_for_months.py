"""Accounts, attempts, sweeps, troubles; when a letter may be tried again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from huizong.ledger.types import Utc

revision = "0003"
down_revision = "0002"

_INSTANT = Utc(timezone=True)


def upgrade() -> None:
    op.add_column("letter", sa.Column("not_before", _INSTANT, nullable=True))
    op.add_column("delivery", sa.Column("content", sa.String(), nullable=True))
    op.add_column("delivery", sa.Column("headers", sa.String(), nullable=True))
    op.create_index("ix_letter_address", "letter", ["address", "claimed_at"])
    op.create_index("ix_letter_kind", "letter", ["kind", "claimed_at"])
    op.create_index("ix_delivery_sender", "delivery", ["sender", "stored_at"])
    op.create_table(
        "account",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("ok_at", _INSTANT, nullable=True),
        sa.Column("paused_until", _INSTANT, nullable=True),
        sa.Column("stopped_at", _INSTANT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("letter_id", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("began_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["letter_id"], ["letter.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_attempt_account", "attempt", ["account", "began_at"])
    op.create_index("ix_attempt_letter_id", "attempt", ["letter_id"])
    op.create_table(
        "sweep",
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("ok_at", _INSTANT, nullable=True),
        sa.Column("failed_at", _INSTANT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("channel"),
    )
    op.create_table(
        "unfetched",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("first_at", _INSTANT, nullable=False),
        sa.Column("last_at", _INSTANT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("channel", "place", "mark"),
    )
    op.create_table(
        "suppression",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("since", _INSTANT, nullable=False),
        sa.Column("until", _INSTANT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("lifted_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_suppression_address", "suppression", ["address"])
    op.create_table(
        "trouble",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("cycle", sa.String(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("since", _INSTANT, nullable=False),
        sa.Column("over_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", "number"),
    )


def downgrade() -> None:
    for table in ("trouble", "suppression", "unfetched", "sweep", "attempt", "account"):
        op.drop_table(table)
    for index, table in (
        ("ix_delivery_sender", "delivery"),
        ("ix_letter_kind", "letter"),
        ("ix_letter_address", "letter"),
    ):
        op.drop_index(index, table)
    for table, column in (("delivery", "headers"), ("delivery", "content"), ("letter", "not_before")):
        op.drop_column(table, column)  # in place: other tables point at the rows
