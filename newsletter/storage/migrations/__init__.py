"""Alembic's migrations; run by storage.migrating, shipped in the package."""
