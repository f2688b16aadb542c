"""Senders that share the work; what is held; a deadline and a first wave; what is known of destinations."""

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_STATES = ("pending", "armed", "sent", "deferred", "failed", "skipped", "held")
#: Which SQLite's copy of a table would lose.
_KEPT: dict[str, dict[str, bool]] = {
    "delivery": {"sqlite_with_rowid": False},
    "notice": {"sqlite_autoincrement": True},
}

#: Procrastinate's functions name its tables without their schema. With this they work for whoever calls them.
_FIND_TABLES = """
DO $$
DECLARE
    called regprocedure;
BEGIN
    FOR called IN SELECT oid FROM pg_proc WHERE pronamespace = 'procrastinate'::regnamespace LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = procrastinate, pg_temp', called);
    END LOOP;
END
$$
"""


def upgrade() -> None:
    _allow_states(_STATES)
    op.add_column("sender_run", sa.Column("scope", sa.String(length=80), server_default="all", nullable=False))
    op.add_column("sender_run", sa.Column("ticks", sa.Integer(), server_default="0", nullable=False))
    op.add_column("sender_run", sa.Column("ticked_at", sa.Integer(), nullable=True))
    is_alive = sa.text("ended_at IS NULL")
    op.create_index("ix_sender_run_alive", "sender_run", ["id"], sqlite_where=is_alive, postgresql_where=is_alive)
    op.add_column("edition", sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("edition", sa.Column("first_wave", sa.Integer(), nullable=True))
    op.add_column("edition", sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("edition", sa.Column("rest_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "shard",
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.Column("last_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_shard_edition_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("edition_id", "first_id", name=op.f("pk_shard")),
    )
    op.create_table(
        "destination",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("rate", sa.Double(), nullable=True),
        sa.Column("paused_until", sa.Integer(), nullable=True),
        sa.Column("pauses", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_destination")),
    )
    op.create_table(
        "sending_day",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_sending_day")),
    )
    op.create_table(
        "sending_guard",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("home", sa.Text(), nullable=False),
        sa.Column("halted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sending_guard")),
    )
    if op.get_bind().dialect.name == "postgresql":
        _add_job_queue()


def _add_job_queue() -> None:
    """Procrastinate's tables and functions, in a schema of their own.

    They are those of the version that pyproject.toml names; one that needs others comes with a migration.
    """
    as_it_is = {"no_parameters": True}  # several statements at once, and per cent signs that mean nothing
    op.execute("CREATE SCHEMA procrastinate")
    op.execute("SET LOCAL search_path = procrastinate")
    op.get_bind().exec_driver_sql(SchemaManager.get_schema(), execution_options=as_it_is)
    op.execute("SET LOCAL search_path TO DEFAULT")
    op.get_bind().exec_driver_sql(_FIND_TABLES, execution_options=as_it_is)


def _allow_states(states: tuple[str, ...]) -> None:
    one_of_them = " OR ".join(f"state = '{state}'" for state in states)
    within = f"state IN ({', '.join(repr(state) for state in states)})"
    is_downgrade = "held" not in states
    for name, kept in _KEPT.items():
        with op.batch_alter_table(name, table_kwargs=kept) as table:
            table.drop_constraint(op.f(f"ck_{name}_state"), type_="check")
            is_plain = name == "notice" or is_downgrade
            table.create_check_constraint(op.f(f"ck_{name}_state"), within if is_plain else one_of_them)
            if name == "delivery" and is_downgrade:
                table.create_foreign_key(op.f("fk_delivery_edition_id"), "edition", ["edition_id"], ["id"])
            elif name == "delivery":
                table.drop_constraint(op.f("fk_delivery_edition_id"), type_="foreignkey")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP SCHEMA procrastinate CASCADE")
    for name in _KEPT:
        op.execute(f"UPDATE {name} SET state = 'failed' WHERE state = 'held'")  # noqa: S608
    op.drop_table("sending_guard")
    op.drop_table("sending_day")
    op.drop_table("destination")
    op.drop_table("shard")
    for column in ("resumed_at", "rest_at", "first_wave", "deadline_at"):
        op.drop_column("edition", column)
    op.drop_index("ix_sender_run_alive", "sender_run")
    for column in ("ticked_at", "ticks", "scope"):
        op.drop_column("sender_run", column)
    _allow_states(_STATES[:-1])
