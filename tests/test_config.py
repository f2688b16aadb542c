"""Settings: read from one of three places, checked, and told in one line when they can't be used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from newsletter import config
from newsletter.config import MASK, Settings
from newsletter.errors import SettingsError
from newsletter.mail.pictures.picture import PictureMode


@pytest.fixture
def instance(tmp_path):
    return tmp_path / "instance"


@pytest.fixture
def load(instance):
    """Read the settings of an instance from NEWSLETTER_* variables, given without the prefix."""

    def read(**environment: str) -> Settings:
        return config.load({f"NEWSLETTER_{name}": value for name, value in environment.items()}, instance=str(instance))

    return read


@pytest.fixture
def write_file(instance):
    """Write instance/config.toml."""

    def write(content: str | bytes) -> Path:
        instance.mkdir(exist_ok=True)
        path = instance / "config.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_nothing_has_to_be_set(load, instance):
    settings = load()

    assert settings.database_url == f"sqlite:///{instance / 'newsletter.db'}"
    assert settings.base_url == "http://127.0.0.1:8000"
    assert (settings.relays[0].host, settings.relays[0].port, settings.relays[0].connections) == ("127.0.0.1", 25, 8)
    assert str(settings.zone) == "UTC"
    assert settings.publication.postal_address is None


def test_the_default_of_each_setting_is_one_that_may_be_set(load):
    for each in config._known().values():
        shown = each.metadata["show"](each.default)
        if shown:
            assert each.metadata["read"](shown) == each.default


BAD = [
    ("database_url", "newsletter.db", "write sqlite:////folder/newsletter.db or postgresql://user@host/name"),
    ("database_url", "mysql://host/name", "write sqlite:////folder/newsletter.db or postgresql://"),
    ("database_url", "sqlite:///:memory:", "write sqlite:////folder/newsletter.db or postgresql://"),
    ("smtp_url", "relay.example.org", "the relay's URL must begin with smtp:// or smtps://"),
    ("smtp_url", "smtp://", "the relay's URL names no host"),
    ("smtp_url", "smtp://relay.example.org:99999", "the relay's URL has a bad host or a bad port"),
    ("smtp_url", "smtp://ada@relay.example.org", "the relay's URL needs both a user and a password, or neither"),
    ("smtp_url", "smtp://relay.example.org?tls=maybe", "the options of a relay's URL are tls=none, tls=opportunistic"),
    ("import_largest", "0", "write a whole number from 1 to 10000"),
    ("approval", "three", "write one or two"),
    ("messages_per_connection", "-1", "write a whole number from 0 to 100000"),
    ("smtp_timeouts", "greet=60", "write steps and seconds, such as greeting=60 dot=300"),
    ("smtp_timeouts", "dot=soon", "write steps and seconds, such as greeting=60 dot=300"),
    ("smtp_timeouts", "dot=0", "write steps and seconds, such as greeting=60 dot=300"),
    ("helo_name", "my machine", "the name for EHLO must be a host name"),
    ("destination_rates", "gmail", "write destinations and messages a second, such as gmail=20"),
    ("destination_rates", "gmail=0", "write destinations and messages a second, such as gmail=20"),
    ("mx_lookup", "yes", "write on or off"),
    ("warm_up", "500", "write the first day and its number of messages, such as 2026-12-01 500"),
    ("warm_up", "2026-13-01 500", "write the first day and its number of messages"),
    ("quiet_hours", "22-7", "write two times of day, such as 22:00-07:00"),
    ("quiet_hours", "07:00-07:00", "write two different times of day"),
    ("canary", "51", "write a number from 0 to 50"),
    ("trusted_proxies", "proxy.example", "write addresses or networks"),
    ("signups_per_hour", "ip=many", "write whole numbers, such as ip=20"),
    ("time_trap", "-1", "write a number from 0 to 60"),
    ("proof_of_work", "yes", "write on or off"),
    ("embed_origins", "https://*.example.org", "write origins, such as https://news.example.org"),
    ("canary_wait", "0", "write a number from 1 to 1440"),
    ("pause_above", "101", "write a number from 0 to 100"),
    ("deadline", "0", "write a number from 1 to 720"),
    ("unknown_outcome", "drop", "write resend or hold"),
    ("second_factor", "maybe", "write optional or required"),
    ("oidc_issuer", "login.example.org", "write the provider's address, such as https://login.example.org"),
    ("oidc_issuer", "http://login.example.org", "write it with https"),
    ("resume_within", "0", "write a number from 1 to 720"),
    ("base_url", "updates.example.org", "write the site's address, such as https://updates.example.org"),
    ("base_url", "ftp://updates.example.org", "write the site's address"),
    ("base_url", "https://updates.example.org/?a=b", "write the site's address"),
    ("base_url", "https://ada:hidden@updates.example.org", "write the site's address"),
    ("base_url", "https://updates.example.org\r\nX: y", "write the site's address"),
    ("sender", "updates", 'write "Name <address>"'),
    ("sender", "Country Updates", 'write "Name <address>"'),
    ("sender", "updates@example.org", 'write a name, and one address: "Name <address>"'),
    ("sender", "Updates <updates@example>", 'write "Name <address>"'),
    ("sender", "Updates <updates@example.org>, Ada <ada@example.org>", "write a name, and one address"),
    ("sender", "Updates <updates@example.org> more", "write a name, and one address"),
    ("sender", "Up\r\ndates <updates@example.org>", "write a name, and one address"),
    ("sender", "Updates <updates@bücher.example>", "write its address in ASCII"),
    ("sender", "Updates <zoë@example.org>", "write its address in ASCII"),
    ("accent", "blue", "write a colour as # and six hexadecimal digits, such as #0b4f8a"),
    ("accent", "#ffcc00", "#ffcc00 on the paper #faf8f5 has a contrast of 1.4, and links need 4.5; #8b6f00 has it"),
    ("accent_dark", "#0b4f8a", "#0b4f8a on the raised dark paper #1d2025 has a contrast of 1.9, and links need 4.5; "),
    ("footer", "a\tb", "leave out its control characters, such as tabs"),
    ("footer", "x" * 1001, "write at most 1,000 characters: it is in every mail"),
    ("pictures", "none", "write hosted or inline"),
    ("dkim_selector", "a b", "write letters, digits and hyphens, such as news1"),
    ("dkim_ed25519_selector", "news1._domainkey", "write letters, digits and hyphens, such as news1"),
    ("secret_key", "short", "write at least 16 characters, or leave it out: one is made at the first start"),
    ("schedule", "monthly", 'write five cron fields, such as "0 9 1 * *" for 09:00 on the 1st'),
    ("schedule", "0 9 1 *", "write five cron fields"),
    ("schedule", "99 9 1 * *", "write five cron fields"),
    ("timezone", "Brussels", "write a time zone's name, such as Europe/Brussels"),
    ("timezone", "Europe", "write a time zone's name"),
    ("timezone", "../../etc/passwd", "write a time zone's name"),
    ("release", "sometimes", "write manual or automatic"),
    ("release_within", "soon", "write a number from 0 to 720"),
    ("release_within", "-1", "write a number from 0 to 720"),
    ("rate", "fast", "write a number from 0 to 100000"),
    ("rate", "nan", "write a number from 0 to 100000"),
    ("rate", "inf", "write a number from 0 to 100000"),
    ("connections", "0", "write a whole number from 1 to 100"),
    ("connections", "101", "write a whole number from 1 to 100"),
    ("connections", "8.5", "write a whole number from 1 to 100"),
    ("connections", "８", "write a whole number from 1 to 100"),
]
IDS = [f"{name} {value[:60]!r}" for name, value, _ in BAD]


@pytest.mark.parametrize(("name", "value", "what_to_do"), BAD, ids=IDS)
def test_a_bad_value_in_the_environment_is_told_in_one_line(load, name, value, what_to_do):
    with pytest.raises(SettingsError) as refused:
        load(**{name.upper(): value})

    told = str(refused.value)
    assert told.startswith(f"environment NEWSLETTER_{name.upper()}: {name.upper()} can't be used: {what_to_do}")
    assert told.isprintable()
    assert "hidden" not in told


@pytest.mark.parametrize(
    ("name", "value", "what_to_do"),
    [each for each in BAD if "\r" not in each[1]],
    ids=[each for each in IDS if r"\r" not in each],
)
def test_a_bad_value_in_the_file_is_told_in_one_line(load, write_file, name, value, what_to_do):
    path = write_file(f"{name} = '{value}'\n")
    with pytest.raises(SettingsError) as refused:
        load()

    assert str(refused.value).startswith(f"{path}: {name.upper()} can't be used: {what_to_do}")


def test_every_setting_that_is_checked_has_a_bad_value_above():
    free_texts = {"title", "postal_address", "oidc_client_id", "oidc_client_secret"}
    of_files = {"logo", "logo_dark", "dkim_key", "dkim_ed25519_key", "smtp_ca_file", "smtp_token_file"}

    assert {name for name, *_ in BAD} | free_texts | of_files == set(config._known())


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("base_url", " https://updates.example.org/news/ ", "https://updates.example.org/news"),
        ("sender", "Zoë of Updates <updates@example.org>", "Zoë of Updates <updates@example.org>"),
        (
            "sender",
            '"Updates, Inc." <updates@xn--bcher-kva.example>',
            '"Updates, Inc." <updates@xn--bcher-kva.example>',
        ),
        ("title", "  Country Updates ", "Country Updates"),
        ("accent", " #8B0045 ", "#8b0045"),
        ("accent_dark", "#ff9ab8", "#ff9ab8"),
        ("footer", " Funded by readers. \r\nشكرا\n", "Funded by readers.\nشكرا"),
        ("pictures", "inline", PictureMode.INLINE),
        ("rate", "0.5", 0.5),
        ("connections", "100", 100),
        ("timezone", "Asia/Almaty", "Asia/Almaty"),
        ("schedule", "30 6 1-3 * mon-fri", "30 6 1-3 * mon-fri"),
        ("release", "automatic", config.Release.AUTOMATIC),
        ("database_url", "postgresql://ada:hidden@db.example.org/news", "postgresql://ada:hidden@db.example.org/news"),
        ("secret_key", "sixteen letters!", "sixteen letters!"),
    ],
)
def test_a_good_value_is_taken(load, name, value, read):
    assert getattr(load(**{name.upper(): value}), name) == read


def test_who_publishes(load):
    publication = load(SENDER='"Zoë, of Updates" <updates@example.org>', POSTAL_ADDRESS="1 Sample Street").publication

    assert (publication.sender_name, publication.sender_address) == ("Zoë, of Updates", "updates@example.org")
    assert publication.domain == "example.org"
    assert publication.postal_address == "1 Sample Street"


def test_how_to_reach_the_relay(load):
    relay = load(SMTP_URL="smtps://ada:p%40ss@relay.example.org", CONNECTIONS="3", RATE="10").relays[0]

    assert (relay.host, relay.port, relay.username, relay.password) == ("relay.example.org", 465, "ada", "p@ss")
    assert relay.connections == 3


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(load, write_file):
    path = write_file('title = "From the file"\nconnections = 5\nrate = 2.5\n')
    settings = load(TITLE="From the environment")

    assert (settings.title, settings.connections, settings.rate) == ("From the environment", 5, 2.5)
    assert settings.timezone == "UTC"
    sources = {name: source for name, _, source in settings.table()}
    assert sources["TITLE"] == "environment NEWSLETTER_TITLE"
    assert sources["CONNECTIONS"] == str(path)
    assert sources["TIMEZONE"] == "default"
    assert sources["INSTANCE"] == "command line"


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_value_is_the_default(load, write_file, value):
    write_file(f'title = "{value}"\n')

    settings = load(CONNECTIONS=value, SECRET_KEY=value, POSTAL_ADDRESS=value)

    assert (settings.title, settings.connections) == ("Country Updates", 8)
    assert settings.secret_key == load().secret_key


def test_a_name_that_is_unknown_in_the_environment_is_told(load):
    with pytest.raises(SettingsError) as refused:
        load(SMPT_URL="smtp://relay.example.org")

    assert str(refused.value) == (
        "environment NEWSLETTER_SMPT_URL: there is no setting 'SMPT_URL'; 'newsletter config' lists them"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param('titel = "x"', "there is no setting 'TITEL'; 'newsletter config' lists them", id="unknown"),
        pytest.param('sources = "x"', "there is no setting 'SOURCES'", id="a field that is no setting"),
        pytest.param('instance = "x"', "INSTANCE is where this file is looked for", id="the folder itself"),
        pytest.param("[mail]\ntitle = 'x'", "mail is no text and no number", id="a table"),
        pytest.param("title = ['x']", "title is no text and no number", id="a list"),
        pytest.param("title = true", "title is no text and no number", id="a truth value"),
        pytest.param("title = 2022-11-01", "title is no text and no number", id="a day"),
        pytest.param("title = x", "can't be read: Invalid value (at line 1, column 9)", id="no quotation marks"),
        pytest.param("title: x", "can't be read: Expected '=' after a key", id="YAML"),
        pytest.param("title = 'a'\ntitle = 'b'", "can't be read: Cannot overwrite a value", id="twice"),
        pytest.param(b"title = 'B\xfccher'", "can't be read: 'utf-8' codec can't decode", id="Latin-1"),
        pytest.param(b"title = 'a\0b'", "can't be read: Found invalid character", id="a NUL"),
    ],
)
def test_a_file_that_can_not_be_used_is_told_in_one_line(load, write_file, content, message):
    path = write_file(content)
    with pytest.raises(SettingsError) as refused:
        load()

    assert str(refused.value).startswith(str(path))
    assert message in str(refused.value)
    assert str(refused.value).isprintable()


def test_a_folder_in_place_of_the_file_is_told(load, instance):
    (instance / "config.toml").mkdir(parents=True)

    with pytest.raises(SettingsError, match=r"config.toml can't be read: .*Is a directory"):
        load()


def test_bytes_of_the_environment_that_are_no_text_are_told(load):
    with pytest.raises(SettingsError, match="environment NEWSLETTER_TITLE: TITLE is no UTF-8 text"):
        load(TITLE=os.fsdecode(b"B\xfccher"))


def test_a_time_zone_of_the_machine_that_is_wrong_does_not_matter(load, monkeypatch):
    monkeypatch.setenv("TZ", "Nowhere/Nothing")

    assert load(SCHEDULE="0 9 1 * *").schedule == "0 9 1 * *"


def test_variables_of_others_and_of_the_tests_are_left_alone(instance):
    config.load({"PATH": "/bin", "NEWSLETTERS": "x", "NEWSLETTER_TEST_POSTGRES_URL": "x"}, instance=str(instance))


@pytest.mark.parametrize("below", ["instance", "deep/instance"])
def test_a_folder_that_can_not_be_made_is_told_in_one_line(tmp_path, below):
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / below
    with pytest.raises(SettingsError) as refused:
        config.load({"NEWSLETTER_INSTANCE": str(folder)})

    assert str(refused.value) == (
        f"{folder} can't be written (Not a directory); make it writable, or name another in NEWSLETTER_INSTANCE"
    )


def test_a_file_in_place_of_the_folder_is_told(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(SettingsError, match=r"can't be written \(File exists\)"):
        config.load({"NEWSLETTER_INSTANCE": str(tmp_path / "file")})


def test_reading_the_settings_leaves_only_the_secret_key_behind(load, instance):
    load()

    assert [path.name for path in instance.iterdir()] == ["secret_key"]


def test_a_new_instance_folder_is_its_owners_alone(tmp_path):
    folder = tmp_path / "new"
    config.load({}, instance=str(folder))

    assert folder.stat().st_mode & 0o777 == 0o700


def test_an_instance_folder_that_was_there_keeps_its_mode(tmp_path):
    tmp_path.chmod(0o750)
    config.load({}, instance=str(tmp_path))

    assert tmp_path.stat().st_mode & 0o777 == 0o750


def test_the_secret_key_is_made_once_and_only_its_owner_can_read_it(load, instance):
    first = load()

    assert load().secret_key == first.secret_key
    assert len(first.secret_key) >= 43, "256 bits"
    assert (instance / "secret_key").stat().st_mode & 0o777 == 0o600
    assert first.sources["secret_key"] == str(instance / "secret_key")


def test_two_instances_have_different_keys(tmp_path):
    keys = {config.load({}, instance=str(tmp_path / name)).secret_key for name in "ab"}

    assert len(keys) == 2


def test_processes_that_start_at_once_have_the_same_key(instance):
    code = "import os; from newsletter import config; input(); print(config.load(os.environ).secret_key)"
    environment = {"NEWSLETTER_INSTANCE": str(instance), "PATH": os.environ["PATH"]}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for process in running:
        process.stdin.write("\n")
        process.stdin.flush()
    keys = [process.communicate()[0].strip() for process in running]

    assert keys[0] == keys[1] != ""
    assert [path.name for path in instance.iterdir()] == ["secret_key"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="an empty file"),
        pytest.param(b"\n", id="an empty line"),
        pytest.param(b"short", id="too short"),
    ],
)
def test_a_secret_key_that_was_damaged_signs_nothing(load, instance, content):
    instance.mkdir()
    (instance / "secret_key").write_bytes(content)

    with pytest.raises(SettingsError, match="holds no secret key"):
        load()


def test_a_secret_key_that_can_not_be_read_is_told(load, instance):
    (instance / "secret_key").mkdir(parents=True)

    with pytest.raises(SettingsError, match="secret_key can't be read: Is a directory"):
        load()


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("SECRET_KEY", "a secret key that nobody sees", MASK),
        ("SECRET_KEY", "https://a-secret-key/that-looks-like-a-url", MASK),
        ("SMTP_URL", "smtp://relay.example.org:587", "smtp://relay.example.org:587"),
        ("SMTP_URL", "smtp://ada:hidden@relay.example.org", f"smtp://{MASK}@relay.example.org"),
        ("DATABASE_URL", "postgresql://ada:hidden@host/name", f"postgresql://{MASK}@host/name"),
        ("DATABASE_URL", "postgresql://ada:hid/den@host/name", f"postgresql://{MASK}@host/name"),
        ("DATABASE_URL", "postgresql://ada:hid@den@host/name", f"postgresql://{MASK}@host/name"),
        ("DATABASE_URL", "postgresql://host/name?password=hidden", f"postgresql://host/name?password={MASK}"),
        (
            "DATABASE_URL",
            "postgresql://host/name?user=ada&password=hidden&port=1",
            f"postgresql://host/name?user=ada&password={MASK}&port=1",
        ),
        ("DATABASE_URL", "sqlite:////srv/news/newsletter.db", "sqlite:////srv/news/newsletter.db"),
    ],
)
def test_secrets_are_masked_in_the_table(load, name, value, shown):
    table = load(**{name: value}).table()

    assert {row[0]: row[1] for row in table}[name] == shown
    assert "hidden" not in str(table)


def test_the_table_names_every_setting_once(load):
    assert [name for name, _, _ in load().table()] == ["INSTANCE", *(name.upper() for name in config._known())]


def test_words_of_more_lines_than_one_are_one_row_of_the_table(load):
    table = {name: shown for name, shown, _ in load(FOOTER="one\ntwo", POSTAL_ADDRESS="a\nb").table()}

    assert (table["FOOTER"], table["POSTAL_ADDRESS"]) == ("one / two", "a / b")
