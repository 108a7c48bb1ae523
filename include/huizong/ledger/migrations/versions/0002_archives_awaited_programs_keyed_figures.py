"""Archives, awaited programs, keyed figures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import huizong.ledger.types

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "keying",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("cycle", sa.String(), nullable=False),
        sa.Column("collection", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("keyed_at", huizong.ledger.types.Utc(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=True),
        sa.Column("confirmed_at", huizong.ledger.types.Utc(timezone=True), nullable=True),
        sa.Column("dropped_at", huizong.ledger.types.Utc(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["file_id"],
            ["file.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("keying", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_keying_file_id"), ["file_id"], unique=False)

    op.add_column("file", sa.Column("container", sa.String(), nullable=True))
    op.add_column("file", sa.Column("awaiting", sa.String(), nullable=True))


def downgrade() -> None:
    for column in ("awaiting", "container"):
        op.drop_column("file", column)  # in place: other tables point at the rows

    with op.batch_alter_table("keying", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_keying_file_id"))

    op.drop_table("keying")
