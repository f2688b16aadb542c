"""Subscribers at the desk: imports that are staged, growth by month, and indexes to find people by."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_STATES = ("reading", "ready", "running", "done", "failed", "cancelled")
_OUTCOMES = ("new", "changed", "unchanged", "rejected")

#: The part behind the @, in words that both databases know.
_DOMAIN = "substr(address_key, length(rtrim(address_key, replace(address_key, '@', ''))) + 1)"
_SUBJECT = "coalesce(place_code, region_code, 'all')"


def upgrade() -> None:
    _imports()
    _rows()
    op.create_table(
        "growth_month",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("joined", sa.Integer(), nullable=False),
        sa.Column("ended", sa.Integer(), nullable=False),
        sa.Column("counted_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_growth_month")),
    )
    _indexes()


def _imports() -> None:
    numbers = ("last_line", "bytes_read", "lines_done", "new", "asked", "changed", "unchanged", "rejected")
    op.create_table(
        "subscriber_import",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*_STATES, name="state", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("is_upload", sa.Boolean(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("created_by", sa.String(length=320), nullable=False),
        sa.Column("confirmed_at", _TIME, nullable=True),
        sa.Column("confirmed_by", sa.String(length=320), nullable=True),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.Column("rows_until", _TIME, nullable=True),
        *(sa.Column(name, sa.Integer(), server_default="0", nullable=False) for name in numbers),
        sa.Column("problems", sa.Text(), server_default="{}", nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriber_import")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_subscriber_import_open",
        "subscriber_import",
        ["sha256"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _rows() -> None:
    op.create_table(
        "import_row",
        sa.Column("import_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("address_key", sa.String(length=320), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("follows", sa.Text(), nullable=False),
        sa.Column("confirmed_at", _TIME, nullable=True),
        sa.Column("consent", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("problem", sa.String(length=12), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("original", sa.Text(), nullable=True),
        sa.CheckConstraint(
            " OR ".join(f"outcome = '{word}'" for word in _OUTCOMES), name=op.f("ck_import_row_outcome")
        ),
        sa.PrimaryKeyConstraint("import_id", "line", name=op.f("pk_import_row")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_import_row_rejected",
        "import_row",
        ["import_id", "line"],
        sqlite_where=sa.text("outcome = 'rejected'"),
        postgresql_where=sa.text("outcome = 'rejected'"),
    )


def _indexes() -> None:
    _add("ix_subscriber_domain", "subscriber", [sa.text(_DOMAIN), "id"], where="address <> ''")
    _add("ix_subscriber_not_active", "subscriber", ["state", "id"], where="state <> 'active'")
    _add("ix_subscriber_ended", "subscriber", ["ended_at"], where="ended_at IS NOT NULL")
    op.create_index("ix_subscriber_created", "subscriber", ["created_at"])
    _add("ix_subscription_subject", "subscription", [sa.text(_SUBJECT), "subscriber_id"], where="ended_at IS NULL")
    if op.get_bind().dialect.name == "postgresql":
        # The order of SQLite's own index, whatever the language of the database.
        op.execute(sa.text("CREATE INDEX ix_subscriber_prefix ON subscriber ((address_key || '') text_pattern_ops)"))


def _add(name: str, table: str, columns: list[str | sa.TextClause], *, where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_subscriber_prefix", "subscriber")
    op.drop_index("ix_subscription_subject", "subscription")
    for name in ("created", "ended", "not_active", "domain"):
        op.drop_index(f"ix_subscriber_{name}", "subscriber")
    for table in ("growth_month", "import_row", "subscriber_import"):
        op.drop_table(table)
