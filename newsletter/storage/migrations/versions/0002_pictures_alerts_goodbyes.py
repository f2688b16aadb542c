"""Pictures and an overview of editions; goodbyes; alerts as soon as they are published."""

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KINDS = ("confirmation", "welcome", "manage_link", "goodbye", "alert")
_KEPT = {"sqlite_autoincrement": True}  # which SQLite's copy of a table would lose
_ALERT = sa.text("kind = 'alert'")


def upgrade() -> None:
    op.create_table(
        "edition_picture",
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("png", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["edition.id"], name=op.f("fk_edition_picture_edition_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("edition_id", "name", name=op.f("pk_edition_picture")),
    )
    op.add_column("edition", sa.Column("overview", sa.Text(), server_default="", nullable=False))
    op.add_column("subscriber", sa.Column("alerts_at_once", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_subscriber_alerts",
        "subscriber",
        ["id"],
        sqlite_where=sa.text("alerts_at_once = 1"),
        postgresql_where=sa.text("alerts_at_once"),
    )
    with op.batch_alter_table("notice", table_kwargs=_KEPT) as notice:
        _allow(notice, _KINDS)
        notice.add_column(sa.Column("place_code", sa.String(length=40), nullable=True))
        notice.add_column(sa.Column("month", sa.String(length=7), nullable=True))
        notice.create_foreign_key(op.f("fk_notice_place_code"), "place", ["place_code"], ["code"])
    op.create_index(
        "uq_notice_alert",
        "notice",
        ["subscriber_id", "place_code", "month"],
        unique=True,
        sqlite_where=_ALERT,
        postgresql_where=_ALERT,
    )


def _allow(notice: BatchOperations, kinds: tuple[str, ...]) -> None:
    """Let the kinds be these."""
    words = ", ".join(f"'{kind}'" for kind in kinds)
    notice.drop_constraint(op.f("ck_notice_kind"), type_="check")
    notice.create_check_constraint(op.f("ck_notice_kind"), f"kind IN ({words})")


def downgrade() -> None:
    op.execute("DELETE FROM notice WHERE kind IN ('goodbye', 'alert')")
    op.drop_index("uq_notice_alert", "notice")
    with op.batch_alter_table("notice", table_kwargs=_KEPT) as notice:
        _allow(notice, _KINDS[:3])
        notice.drop_constraint(op.f("fk_notice_place_code"), type_="foreignkey")
        notice.drop_column("month")
        notice.drop_column("place_code")
    op.drop_index("ix_subscriber_alerts", "subscriber")
    op.drop_column("subscriber", "alerts_at_once")
    op.drop_column("edition", "overview")
    op.drop_table("edition_picture")
