"""The desk: logins that last and lock, an audit log, versions of updates, corrections, mail to admins."""

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)

_KINDS = (
    "confirmation",
    "welcome",
    "manage_link",
    "goodbye",
    "alert",
    "already_subscribed",
    "address_change",
    "address_changed",
)
_NEW_KINDS = ("invitation", "password_reset", "test_copy", "correction")

#: An event stays as it was written, whatever fault a program has.
_APPEND_ONLY = {
    "sqlite": (
        """
        CREATE TRIGGER audit_event_changed BEFORE UPDATE ON audit_event BEGIN
            SELECT raise(ABORT, 'an audit event is never changed');
        END
        """,
        """
        CREATE TRIGGER audit_event_removed BEFORE DELETE ON audit_event BEGIN
            SELECT raise(ABORT, 'an audit event is never removed');
        END
        """,
    ),
    "postgresql": (
        """
        CREATE FUNCTION audit_event_stays() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'an audit event is never changed or removed';
        END
        $$
        """,
        """
        CREATE TRIGGER audit_event_stays BEFORE UPDATE OR DELETE ON audit_event
            FOR EACH ROW EXECUTE FUNCTION audit_event_stays()
        """,
    ),
}


def upgrade() -> None:
    _admins()
    _audit_log()
    _updates()
    _editions()
    _notices()


def _admins() -> None:
    for column in (
        sa.Column("closed_at", _TIME, nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until", _TIME, nullable=True),
        sa.Column("totp_secret", sa.String(length=64), nullable=True),
        sa.Column("totp_step", sa.Integer(), nullable=True),
        sa.Column("oidc_subject", sa.String(length=255), nullable=True),
    ):
        op.add_column("admin", column)
    op.create_index(op.f("ix_admin_oidc_subject"), "admin", ["oidc_subject"], unique=True)
    op.create_table(
        "recovery_code",
        sa.Column("admin_id", sa.Integer(), nullable=False),
        sa.Column("code_sha256", sa.String(length=64), nullable=False),
        sa.Column("used_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(["admin_id"], ["admin.id"], name=op.f("fk_recovery_code_admin_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("admin_id", "code_sha256", name=op.f("pk_recovery_code")),
    )
    for column in (
        sa.Column("seen_at", _TIME, nullable=True),
        sa.Column("ip", sa.String(length=45), nullable=True),
        sa.Column("agent", sa.String(length=200), nullable=True),
    ):
        op.add_column("admin_session", column)


def _audit_log() -> None:
    op.create_table(
        "audit_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("actor", sa.String(length=320), nullable=False),
        sa.Column("act", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=True),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
        sqlite_autoincrement=True,
    )
    for column in ("at", "actor", "act", "subject"):
        op.create_index(f"ix_audit_event_{column}", "audit_event", [column, "id"])
    for statement in _APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(sa.text(statement))


def _updates() -> None:
    for column in (
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("changed_by", sa.String(length=320), nullable=True),
        sa.Column("reviewed_at", _TIME, nullable=True),
        sa.Column("reviewed_by", sa.String(length=320), nullable=True),
    ):
        op.add_column("country_update", column)
    op.create_table(
        "update_version",
        sa.Column("place_code", sa.String(length=40), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("saved_at", _TIME, nullable=False),
        sa.Column("saved_by", sa.String(length=320), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["place_code"], ["place.code"], name=op.f("fk_update_version_place_code")),
        sa.PrimaryKeyConstraint("place_code", "month", "version", name=op.f("pk_update_version")),
    )
    op.create_table(
        "unsaved_update",
        sa.Column("admin_id", sa.Integer(), nullable=False),
        sa.Column("place_code", sa.String(length=40), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("typed_at", _TIME, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["admin_id"], ["admin.id"], name=op.f("fk_unsaved_update_admin_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["place_code"], ["place.code"], name=op.f("fk_unsaved_update_place_code")),
        sa.PrimaryKeyConstraint("admin_id", "place_code", "month", name=op.f("pk_unsaved_update")),
    )


def _editions() -> None:
    for column in (
        sa.Column("proposed_at", _TIME, nullable=True),
        sa.Column("proposed_by", sa.String(length=320), nullable=True),
        sa.Column("send_at", _TIME, nullable=True),
        sa.Column("send_at_by", sa.String(length=320), nullable=True),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
    ):
        op.add_column("edition", column)
    op.create_table(
        "edition_revision",
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", _TIME, nullable=True),
        sa.Column("by", sa.String(length=320), nullable=True),
        sa.Column("proposed_at", _TIME, nullable=True),
        sa.Column("proposed_by", sa.String(length=320), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("places", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("mailed_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["edition.id"], name=op.f("fk_edition_revision_edition_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("edition_id", "number", name=op.f("pk_edition_revision")),
    )
    op.create_table(
        "edition_report",
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["edition.id"], name=op.f("fk_edition_report_edition_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("edition_id", name=op.f("pk_edition_report")),
    )
    op.create_table(
        "edition_probe",
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["edition.id"], name=op.f("fk_edition_probe_edition_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("edition_id", "kind", name=op.f("pk_edition_probe")),
    )


def _notices() -> None:
    with op.batch_alter_table("notice", table_kwargs={"sqlite_autoincrement": True}) as notice:
        notice.alter_column("subscriber_id", existing_type=sa.Integer(), nullable=True)
        notice.add_column(sa.Column("admin_id", sa.Integer(), nullable=True))
        notice.add_column(sa.Column("revision", sa.Integer(), nullable=True))
        notice.add_column(sa.Column("about", sa.Text(), nullable=True))
        _allow(notice, _KINDS + _NEW_KINDS)
        notice.create_foreign_key(op.f("fk_notice_admin_id"), "admin", ["admin_id"], ["id"], ondelete="CASCADE")
    op.create_index(op.f("ix_notice_admin_id"), "notice", ["admin_id"])
    _index_what_goes_ahead("due_at IS NOT NULL AND kind <> 'alert' AND kind <> 'correction'")
    op.create_index(
        "uq_notice_correction",
        "notice",
        ["subscriber_id", "month", "revision"],
        unique=True,
        sqlite_where=sa.text("revision IS NOT NULL"),
        postgresql_where=sa.text("revision IS NOT NULL"),
    )


def _index_what_goes_ahead(of_these: str) -> None:
    """Let these notices be found without all the others."""
    op.drop_index("ix_notice_due_ahead", "notice")
    where = sa.text(of_these)
    op.create_index("ix_notice_due_ahead", "notice", ["due_at"], sqlite_where=where, postgresql_where=where)


def _allow(notice: BatchOperations, kinds: tuple[str, ...]) -> None:
    """Let the kinds of notices be these."""
    notice.drop_constraint(op.f("ck_notice_kind"), type_="check")
    quoted = ", ".join(f"'{kind}'" for kind in kinds)
    notice.create_check_constraint(op.f("ck_notice_kind"), f"kind IN ({quoted})")


def downgrade() -> None:
    op.drop_index("uq_notice_correction", "notice")
    op.drop_index(op.f("ix_notice_admin_id"), "notice")
    op.execute(sa.text("DELETE FROM notice WHERE subscriber_id IS NULL OR kind = 'correction'"))
    _index_what_goes_ahead("due_at IS NOT NULL AND kind <> 'alert'")
    with op.batch_alter_table("notice", table_kwargs={"sqlite_autoincrement": True}) as notice:
        _allow(notice, _KINDS)
        notice.drop_constraint(op.f("fk_notice_admin_id"), type_="foreignkey")
        for column in ("about", "revision", "admin_id"):
            notice.drop_column(column)
        notice.alter_column("subscriber_id", existing_type=sa.Integer(), nullable=False)
    for table in (
        "edition_probe",
        "edition_report",
        "edition_revision",
        "unsaved_update",
        "update_version",
        "audit_event",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.text("DROP FUNCTION audit_event_stays()"))
    for column in ("revision", "send_at_by", "send_at", "proposed_by", "proposed_at"):
        op.drop_column("edition", column)
    for column in ("reviewed_by", "reviewed_at", "changed_by", "version"):
        op.drop_column("country_update", column)
    for column in ("agent", "ip", "seen_at"):
        op.drop_column("admin_session", column)
    op.drop_table("recovery_code")
    op.drop_index(op.f("ix_admin_oidc_subject"), "admin")
    for column in ("oidc_subject", "totp_step", "totp_secret", "locked_until", "failures", "closed_at"):
        op.drop_column("admin", column)
