"""Readers pause, take text alone, change their address; limits on who asks; what is left of old editions."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_KINDS = ("confirmation", "welcome", "manage_link", "goodbye", "alert")
_NEW_KINDS = ("already_subscribed", "address_change", "address_changed")
_STATES = ("pending", "armed", "sent", "deferred", "failed", "skipped", "held")


def upgrade() -> None:
    op.add_column("subscriber", sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("subscriber", sa.Column("text_only", sa.Boolean(), server_default=sa.false(), nullable=False))
    _allow(_KINDS + _NEW_KINDS)
    op.add_column("notice", sa.Column("address", sa.String(length=320), nullable=True))
    op.create_table(
        "address_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("address_key", sa.String(length=320), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name=op.f("fk_address_change_subscriber_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_change")),
        sa.UniqueConstraint("subscriber_id", name=op.f("uq_address_change_subscriber_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "rate_window",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("began_at", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", "key", "began_at", name=op.f("pk_rate_window")),
    )
    op.create_index(op.f("ix_rate_window_began_at"), "rate_window", ["began_at"])
    op.create_table(
        "disposable_domain",
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_disposable_domain")),
    )
    op.create_table(
        "edition_total",
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.CheckConstraint(f"state IN ({_quoted(_STATES)})", name=op.f("ck_edition_total_state")),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["edition.id"], name=op.f("fk_edition_total_edition_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("edition_id", "state", name=op.f("pk_edition_total")),
    )


def _quoted(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _allow(kinds: tuple[str, ...]) -> None:
    """Let the kinds of notices be these."""
    with op.batch_alter_table("notice", table_kwargs={"sqlite_autoincrement": True}) as notice:
        notice.drop_constraint(op.f("ck_notice_kind"), type_="check")
        notice.create_check_constraint(op.f("ck_notice_kind"), f"kind IN ({_quoted(kinds)})")


def downgrade() -> None:
    for table in ("edition_total", "disposable_domain", "rate_window", "address_change"):
        op.drop_table(table)
    op.drop_column("notice", "address")
    op.execute(sa.text(f"DELETE FROM notice WHERE kind IN ({_quoted(_NEW_KINDS)})"))  # noqa: S608
    _allow(_KINDS)
    op.drop_column("subscriber", "text_only")
    op.drop_column("subscriber", "paused_until")
