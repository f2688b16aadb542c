"""The words of updates can be searched, and what was changed last is found at once.

What is searched is a view, the same in both databases. Triggers keep the index in step with it, whoever writes. To copy
country_update or place in a later migration, as SQLite needs it for most changes, drop the triggers before and make
them again after it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_SQLITE = (
    """
    CREATE VIEW update_text AS
    SELECT country_update.id AS id, place.name AS place, country_update.headline AS headline,
        coalesce((SELECT group_concat(json_extract(value, '$.lead') || char(10) || json_extract(value, '$.text'),
            char(10)) FROM json_each(country_update.developments)), '')
        || coalesce((SELECT char(10) || group_concat(json_extract(value, '$.words') || ' '
            || coalesce(json_extract(value, '$.person'), '') || ' ' || json_extract(value, '$.outlet'), char(10))
            FROM json_each(country_update.quotes)), '')
        || coalesce((SELECT char(10) || group_concat(json_extract(value, '$.title'), char(10))
            FROM json_each(country_update.links)), '') AS body
    FROM country_update JOIN place ON place.code = country_update.place_code
    """,
    """
    CREATE VIRTUAL TABLE update_search USING fts5(
        place, headline, body, tokenize = "porter unicode61 remove_diacritics 2"
    )
    """,
    """
    INSERT INTO update_search (rowid, place, headline, body) SELECT id, place, headline, body FROM update_text
    """,
    """
    CREATE TRIGGER update_search_added AFTER INSERT ON country_update BEGIN
        INSERT INTO update_search (rowid, place, headline, body)
            SELECT id, place, headline, body FROM update_text WHERE id = new.id;
    END
    """,
    """
    CREATE TRIGGER update_search_changed
    AFTER UPDATE OF place_code, headline, developments, quotes, links ON country_update BEGIN
        DELETE FROM update_search WHERE rowid = old.id;
        INSERT INTO update_search (rowid, place, headline, body)
            SELECT id, place, headline, body FROM update_text WHERE id = new.id;
    END
    """,
    """
    CREATE TRIGGER update_search_removed AFTER DELETE ON country_update BEGIN
        DELETE FROM update_search WHERE rowid = old.id;
    END
    """,
    """
    CREATE TRIGGER update_search_renamed AFTER UPDATE OF name ON place BEGIN
        UPDATE update_search SET place = new.name
            WHERE rowid IN (SELECT id FROM country_update WHERE place_code = new.code);
    END
    """,
)

#: The words stand there as they are written and without accents, so that both ways of typing them find them. A text of
#: more than 200,000 characters might exceed what PostgreSQL indexes, and then the update could not be stored at all.
_POSTGRESQL = (
    r"""
    CREATE VIEW update_text AS
    SELECT country_update.id, place.name AS place, country_update.headline,
        concat_ws(E'\n',
            (SELECT string_agg(concat_ws(E'\n', each ->> 'lead', each ->> 'text'), E'\n' ORDER BY number)
                FROM json_array_elements(country_update.developments) WITH ORDINALITY AS list (each, number)),
            (SELECT string_agg(concat_ws(' ', each ->> 'words', each ->> 'person', each ->> 'outlet'), E'\n'
                ORDER BY number) FROM json_array_elements(country_update.quotes) WITH ORDINALITY AS list (each, number)),
            (SELECT string_agg(each ->> 'title', E'\n' ORDER BY number)
                FROM json_array_elements(country_update.links) WITH ORDINALITY AS list (each, number))
        ) AS body
    FROM country_update JOIN place ON place.code = country_update.place_code
    """,
    """
    CREATE TABLE update_search (
        update_id integer CONSTRAINT pk_update_search PRIMARY KEY
            CONSTRAINT fk_update_search_update_id REFERENCES country_update (id) ON DELETE CASCADE,
        words tsvector NOT NULL
    )
    """,
    "CREATE INDEX ix_update_search_words ON update_search USING gin (words)",
    r"""
    CREATE FUNCTION update_search_vector(words text, weight "char") RETURNS tsvector LANGUAGE sql IMMUTABLE AS $$
        SELECT setweight(
            to_tsvector('english', words)
            || to_tsvector('english', regexp_replace(normalize(words, NFKD), '[\u0300-\u036f]', '', 'g')), weight)
    $$
    """,
    """
    CREATE FUNCTION update_search_index(wanted integer) RETURNS void LANGUAGE sql AS $$
        INSERT INTO update_search (update_id, words)
        SELECT id, update_search_vector(place, 'A') || update_search_vector(left(headline, 20000), 'B')
            || update_search_vector(left(body, 200000), 'D')
        FROM update_text WHERE id = wanted
        ON CONFLICT (update_id) DO UPDATE SET words = excluded.words
    $$
    """,
    """
    CREATE FUNCTION update_search_on_update() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM update_search_index(new.id);
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE FUNCTION update_search_on_place() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM update_search_index(id) FROM country_update WHERE place_code = new.code;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER update_search_kept
    AFTER INSERT OR UPDATE OF place_code, headline, developments, quotes, links ON country_update
    FOR EACH ROW EXECUTE FUNCTION update_search_on_update()
    """,
    """
    CREATE TRIGGER update_search_renamed AFTER UPDATE OF name ON place
    FOR EACH ROW EXECUTE FUNCTION update_search_on_place()
    """,
    "SELECT update_search_index(id) FROM country_update",
)

_SQLITE_GONE = (
    *(f"DROP TRIGGER update_search_{name}" for name in ("added", "changed", "removed", "renamed")),
    "DROP TABLE update_search",
    "DROP VIEW update_text",
)
_POSTGRESQL_GONE = (
    "DROP TRIGGER update_search_kept ON country_update",
    "DROP TRIGGER update_search_renamed ON place",
    *(f"DROP FUNCTION update_search_{name}" for name in ("on_update", "on_place", "index", "vector")),
    "DROP TABLE update_search",
    "DROP VIEW update_text",
)


def upgrade() -> None:
    op.create_index(op.f("ix_country_update_changed_at"), "country_update", ["changed_at"])
    _run(_POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _SQLITE)


def downgrade() -> None:
    _run(_POSTGRESQL_GONE if op.get_bind().dialect.name == "postgresql" else _SQLITE_GONE)
    op.drop_index(op.f("ix_country_update_changed_at"), "country_update")


def _run(statements: tuple[str, ...]) -> None:
    for statement in statements:
        op.execute(sa.text(statement))
