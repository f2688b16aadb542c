"""A database can be told from every other one; what goes ahead of alerts is found without looking at them."""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_GOES_AHEAD = sa.text("due_at IS NOT NULL AND kind <> 'alert'")


def upgrade() -> None:
    op.add_column("sending_guard", sa.Column("timeline", sa.Text(), server_default="", nullable=False))
    # From its creation on: a copy that is made before the first mail is the same database, too.
    guard = sa.table("sending_guard", sa.column("id"), sa.column("home"), sa.column("timeline"))
    connection = op.get_bind()
    timeline = uuid4().hex
    if not connection.execute(sa.update(guard).values(timeline=timeline)).rowcount:
        connection.execute(sa.insert(guard).values(id=1, home="", timeline=timeline))
    op.create_index("ix_notice_due_ahead", "notice", ["due_at"], sqlite_where=_GOES_AHEAD, postgresql_where=_GOES_AHEAD)


def downgrade() -> None:
    op.drop_index("ix_notice_due_ahead", "notice")
    op.drop_column("sending_guard", "timeline")
    op.execute(sa.text("DELETE FROM sending_guard WHERE home = ''"))
