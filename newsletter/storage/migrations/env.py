"""Alembic runs this file for each migration command; the connection comes from storage.migrating."""

from alembic import context

from newsletter.storage.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite can't alter most of a table in place
)
context.run_migrations()
