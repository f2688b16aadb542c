"""Tables, and the queries that need care, on plain SQLAlchemy: SQLite by default, PostgreSQL when that is outgrown."""
