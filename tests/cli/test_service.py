"""Settings shown, the database brought up to date, ports that are taken, admins."""

from __future__ import annotations

import io
import json
import re

import pytest

from newsletter.config import MASK
from newsletter.services import admins
from newsletter.storage.database import Database


def test_settings_are_shown_with_their_source_and_secrets_masked(run, instance):
    (instance / "config.toml").write_text("connections = 5\n")
    given = {"SMTP_URL": "smtp://ada:hidden@relay.example.org", "SECRET_KEY": "hidden hidden hidden"}

    ran = run("config", **given)

    assert (ran.code, ran.err) == (0, "")
    assert "hidden" not in ran.out
    lines = {line.split()[0]: line.split()[1:] for line in ran.out.splitlines()}
    assert lines["SMTP_URL"] == [f"smtp://{MASK}@relay.example.org", "environment", "NEWSLETTER_SMTP_URL"]
    assert lines["SECRET_KEY"] == [MASK, "environment", "NEWSLETTER_SECRET_KEY"]
    assert lines["CONNECTIONS"] == ["5", str(instance / "config.toml")]
    assert lines["TIMEZONE"] == ["UTC", "default"]


def test_settings_as_json(run, instance):
    told = json.loads(run("config", "--json").out)

    assert told["INSTANCE"] == {"value": str(instance), "source": "environment NEWSLETTER_INSTANCE"}
    assert told["SECRET_KEY"] == {"value": MASK, "source": str(instance / "secret_key")}
    assert told["RATE"] == {"value": "0.0", "source": "default"}
    assert told["RELEASE"]["value"] == "manual"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"SMPT_URL": "smtp://relay"}, "environment NEWSLETTER_SMPT_URL: there is no setting 'SMPT_URL'"),
        ({"TIMEZONE": "Mars"}, "environment NEWSLETTER_TIMEZONE: TIMEZONE can't be used: write a time zone's name"),
        ({"SMTP_URL": "relay"}, "environment NEWSLETTER_SMTP_URL: SMTP_URL can't be used: the relay's URL must begin"),
    ],
)
def test_a_setting_that_can_not_be_used_is_told(refused, settings, message):
    assert refused("config", **settings).startswith(message)


def test_a_file_of_settings_that_is_broken_is_told(refused, instance):
    (instance / "config.toml").write_text("title = Country Updates\n")

    assert refused("config").startswith(f"{instance / 'config.toml'} can't be read: ")


def test_a_new_database_is_set_up_and_an_old_one_left_as_it_is(run, tmp_path):
    for _ in range(2):
        ran = run("db", "upgrade", DATABASE_URL=f"sqlite:///{tmp_path / 'new.db'}")
        assert (ran.code, ran.out, ran.err) == (0, "the database is up to date\n", "")


def test_postgresql_is_not_set_up_behind_its_owners_back(run, refused, postgresql_url):
    told = refused("updates", "list", DATABASE_URL=postgresql_url)

    assert told == "the database is not set up for this version; run 'newsletter db upgrade'"


def test_postgresql_works_once_it_is_set_up(run, postgresql):
    url = {"DATABASE_URL": postgresql.url}

    assert run("db", "upgrade", **url).code == 0
    assert run("sample", "load", **url).out.startswith("102 sample updates, 102 of them")
    assert run("edition", "assemble", "2022-11", **url).out.startswith("2022-11: draft, 34 places")


def test_an_admin_gets_a_password_that_works(run, instance):
    ran = run("admin", "add", "Ada@Example.org", "--role", "owner")

    assert (ran.code, ran.err) == (0, "")
    told = re.fullmatch(r"Ada@example\.org may log in as owner\npassword: (\S{20})\n", ran.out)
    assert told
    assert can_log_in(instance, "ada@example.org", told[1])


@pytest.mark.parametrize("line", ["correct horse battery\n", "correct horse battery\r\n", "correct horse battery"])
def test_a_password_is_read_from_standard_input_and_not_shown(run, instance, monkeypatch, line):
    monkeypatch.setattr("sys.stdin", io.StringIO(line))

    ran = run("admin", "add", "ada@example.org", "--role", "author", "--password-stdin")

    assert (ran.code, ran.out) == (0, "ada@example.org may log in as author\n")
    assert can_log_in(instance, "ada@example.org", "correct horse battery")


@pytest.mark.parametrize("line", ["short\n", "\n", ""])
def test_a_short_password_is_refused(refused, instance, monkeypatch, line):
    monkeypatch.setattr("sys.stdin", io.StringIO(line))

    told = refused("admin", "add", "ada@example.org", "--role", "owner", "--password-stdin")

    assert told == "the password needs at least 12 characters"


def test_an_admin_who_is_there_already_is_told_however_the_address_is_written(run, refused):
    run("admin", "add", "ada@bücher.example", "--role", "author")

    assert refused("admin", "add", "ADA@xn--bcher-kva.example", "--role", "owner") == (
        "there is an admin with this address already"
    )


@pytest.mark.parametrize("address", ["ada", "ada@example.org\r\nBcc: x@example.org", "Ada <ada@example.org>", ""])
def test_a_bad_address_of_an_admin_is_told(refused, address):
    assert refused("admin", "add", address, "--role", "owner").startswith("Enter an e-mail address")


def can_log_in(instance, address, password):
    database = Database(f"sqlite:///{instance / 'newsletter.db'}")
    with database.reading() as session:
        is_right = admins.credentials(session, address).accept(password)
    database.close()
    return is_right
