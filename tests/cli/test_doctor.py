"""Is all well? The looks as tables, DNS by answers that a test gives, and the whole command against a real relay."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from sqlalchemy import text

from newsletter.delivery.access_token import TokenUnavailable
from newsletter.delivery.offers import Offers
from newsletter.delivery.probe import Probed
from newsletter.delivery.relay_urls import parse_smtp_urls
from newsletter.domain.month import Month
from newsletter.domain.states import EditionState
from newsletter.errors import RelayRefused, RelayUnavailable
from newsletter.jobs.checkup import configured, looked_up, mail_records, relayed, running, stored
from newsletter.jobs.checkup.finding import Finding, State, sentence
from newsletter.jobs.checkup.looked_up import LookupFailed, SystemLookup
from newsletter.jobs.sender import utc_now
from newsletter.services import deliveries, editions, runs
from newsletter.services.schedule import Schedule
from newsletter.storage.database import Database
from newsletter.storage.lock import SenderLock
from newsletter.storage.tables import Edition
from tests.conftest import NOW
from tests.delivery.test_real_server import AnyPort
from tests.name_server import name_server, silent_server
from tests.services.stock import NOVEMBER, add_readers, store_updates

OK, WARN, BAD = State
DOMAIN = "news.example.org"
REAL = {"BASE_URL": "https://updates.example.org"}


def is_told(finding: Finding, state: State, words: str) -> None:
    """The finding has this state and these words, and says what to do unless all is well."""
    assert finding.state is state, finding
    assert words in f"{finding.words} {finding.remedy}", finding
    assert bool(finding.remedy) is (state is not OK)
    assert finding.line.isprintable()


# Settings


@pytest.mark.parametrize(
    ("domain", "state", "words"),
    [
        ("updates.crisis.ngo", OK, "Mail comes from updates.crisis.ngo."),
        ("localhost.localdomain", BAD, "localhost.localdomain is no domain of the internet"),
        ("news.local", BAD, "news.local is no domain"),
        ("example.org", WARN, "example.org is a domain for examples"),
        ("news.example", WARN, "for a trial only"),
        ("myexample.org", OK, "Mail comes from myexample.org."),
    ],
)
def test_the_domain_that_mail_comes_from(domain, state, words):
    is_told(configured.from_address(domain), state, words)


@pytest.mark.parametrize(
    ("url", "state", "words"),
    [
        ("https://updates.crisis.ngo", OK, "Links in mails lead to https://updates.crisis.ngo."),
        ("http://updates.crisis.ngo/x", WARN, "begin BASE_URL with https://"),
        ("http://127.0.0.1:8000", WARN, "this machine only"),
        ("https://localhost", WARN, "this machine only"),
        ("http://[::1]:8000", WARN, "this machine only"),
    ],
)
def test_the_address_that_links_lead_to(url, state, words):
    is_told(configured.links(url), state, words)


def test_a_postal_address_there_has_to_be():
    is_told(configured.postal_address("1 Sample Street"), OK, "Every digest")
    is_told(configured.postal_address(""), BAD, "Set POSTAL_ADDRESS")


def test_a_secret_key_is_told_by_its_length_and_source_only():
    for key, state in (("s" * 31, WARN), ("s" * 32, OK)):
        finding = configured.secret_key(key, "environment NEWSLETTER_SECRET_KEY")
        is_told(finding, state, "(from environment NEWSLETTER_SECRET_KEY)")
        assert key not in finding.line


@pytest.mark.parametrize(
    ("cron", "release", "state", "words"),
    [
        ("0 9 1 * *", "manual", OK, "2022-12 is due 2023-01-01 09:00 UTC, and then waits for a person."),
        ("0 9 1 * *", "automatic", OK, "and then goes out by itself."),
        ("0 9 31 12 *", "manual", WARN, "names no time in the month after 2022-12"),
    ],
)
def test_the_schedule(make_settings, cron, release, state, words):
    settings = make_settings(schedule=cron, release=release)

    is_told(configured.schedule(Schedule(cron, settings.zone), settings, now=NOW), state, words)


@pytest.mark.parametrize(
    ("folder_mode", "file_mode", "state"),
    [(0o755, 0o644, WARN), (0o755, 0o604, WARN), (0o755, 0o640, OK), (0o755, 0o600, OK), (0o700, 0o644, OK)],
)
@pytest.mark.parametrize("name", ["secret_key", "config.toml", "newsletter.db", "dkim-news1.pem"])
def test_who_else_can_read_the_files(make_settings, name, folder_mode, file_mode, state):
    settings = replace(make_settings(), dkim_key="dkim-news1.pem")
    settings.instance.chmod(folder_mode)
    (settings.instance / name).touch()
    (settings.instance / name).chmod(file_mode)

    is_told(configured.files(settings), state, name if state is WARN else "Nobody else")


def test_the_templates(make_settings):
    settings = make_settings()
    folder = settings.instance / "templates" / "email" / "welcome"
    is_told(configured.templates(settings.publication), OK, "Every mail can be made")
    folder.mkdir(parents=True)
    (folder / "body.txt").write_text("Welcome.\n{{ nobody }}\n")

    is_told(configured.templates(settings.publication), BAD, "templates/email/welcome/body.txt, line 2")


# The database, and what its rows tell


@pytest.mark.parametrize(
    ("free", "state"), [(10**8 - 1, BAD), (10**8, WARN), (10**9 - 1, WARN), (10**9, OK), (10**13, OK)]
)
def test_room_on_the_disk(free, state):
    is_told(stored.disk(free), state, "GB are free")


@pytest.mark.parametrize(("version", "state"), [(130022, WARN), (140001, OK), (180006, OK)])
def test_the_version_of_postgresql(version, state):
    is_told(stored.postgresql(version), state, f"PostgreSQL {version // 10_000}.{version % 10_000},")


def test_both_databases_are_well(database):
    assert [each.state for each in stored.check(database)][-1] is OK


def test_a_server_that_does_not_answer_is_given_up(make_settings):
    with stored.opened("postgresql+psycopg://ada:hidden@192.0.2.1/news", timeout=0.1) as database:
        assert database.engine.url.query == {"connect_timeout": "2"}
        assert database.engine.url.password == "hidden"
    with stored.opened("postgresql+psycopg://ada@host/news?connect_timeout=9", timeout=0.1) as database:
        assert database.engine.url.query == {"connect_timeout": "9"}


def test_a_clock_that_went_back(database):
    with database.reading() as session:
        is_told(running.clock(running.newest(session), now=NOW), OK, "It is 2022-12-01 09:00 UTC.")
    store_updates(database)
    with database.writing() as session:
        editions.ensure(session, NOVEMBER, now=NOW)

    with database.reading() as session:
        newest = running.newest(session)
    assert newest == NOW
    is_told(running.clock(newest, now=NOW - timedelta(seconds=59)), OK, "It is 2022-12-01 08:59 UTC.")
    is_told(running.clock(newest, now=NOW - timedelta(days=9)), WARN, "something was stored at 2022-12-01 09:00 UTC.")


def test_the_sender_runs_or_stopped_or_was_killed(database):
    is_told(running.sender(database, now=NOW), WARN, "None has run yet. Start the service")

    with SenderLock(database):
        with database.writing() as session:
            owner = runs.begin(session, runs.EVERYTHING, now=NOW)
        if database.path is not None:  # on PostgreSQL workers send, and the server knows them
            is_told(running.sender(database, now=NOW), OK, "It runs, since 2022-12-01 09:00 UTC.")
    is_told(running.sender(database, now=NOW), WARN, "the last one began 2022-12-01 09:00 UTC and was killed.")

    with database.writing() as session:
        runs.end(session, owner, now=NOW)
    is_told(running.sender(database, now=NOW), WARN, "the last one stopped 2022-12-01 09:00 UTC.")


def test_no_sender_is_bad_while_mail_is_due(database, publication):
    store_updates(database)
    add_readers(database, ["all"])
    with database.writing() as session:
        editions.ensure(session, NOVEMBER, now=NOW)
        editions.approve(session, NOVEMBER, publication, by="a test", now=NOW)
        deliveries.start(session, NOVEMBER, by="a test", now=NOW)

    is_told(running.sender(database, now=NOW), BAD, "Mail is due, and nobody sends it.")


def test_looking_for_a_sender_makes_no_file_where_none_has_run(sqlite):
    running.sender(sqlite, now=NOW)

    assert list(sqlite.path.parent.glob("*.lock")) == []


@pytest.mark.parametrize(
    ("edition", "state", "words"),
    [
        (("2022-11", "draft", None), WARN, "2022-11 is a draft, and due since 2022-12-01 09:00 UTC. Look at it"),
        (("2022-11", "draft", "no update is ready"), WARN, "No update is ready."),
        (("2022-12", "draft", None), OK, "None waits for anybody."),
        (("2020-01", "draft", None), OK, "None waits for anybody."),
        (("2022-11", "approved", None), WARN, "Run 'newsletter edition send 2022-11'."),
        (("2022-11", "sending", None), OK, "2022-11 is being sent."),
        (("2022-11", "sending", "no connection"), WARN, "and waits. No connection."),
        (("2022-10", "paused", "a@b.org was refused"), WARN, "2022-10 is paused. <address> was refused. See to that"),
        (("2022-11", "sent", None), OK, "None waits for anybody."),
        (("2022-11", "cancelled", None), OK, "None waits for anybody."),
    ],
)
def test_editions_that_wait(sqlite, settings, edition, state, words):
    month, edition_state, note = edition
    with sqlite.writing() as session:
        made = editions.ensure(session, Month.parse(month), now=NOW)
        made.state, made.note = EditionState(edition_state).value, note

    with sqlite.reading() as session:
        told = list(running.waiting(session, Schedule(settings.schedule, settings.zone), now=NOW))
    is_told(told[0], state, words)


def test_an_edition_that_nobody_assembled(sqlite, settings):
    store_updates(sqlite)

    with sqlite.reading() as session:
        [told] = running.waiting(session, Schedule(settings.schedule, settings.zone), now=NOW)
    is_told(told, WARN, "2022-11 is due, and has not been assembled.")


# The relay


@pytest.mark.parametrize(
    ("url", "found", "state", "words"),
    [
        pytest.param(
            "smtps://ada:hidden@relay.ngo",
            Probed(Offers(pipelining=True, size=True, size_limit=35_000_000, smtputf8=True), "TLSv1.3", True),
            OK,
            "relay.ngo:465 answers: TLSv1.3, logged in, PIPELINING, SIZE up to 35.0 MB, SMTPUTF8.",
            id="all that one can wish for",
        ),
        pytest.param(
            "smtp://127.0.0.1:25",
            Probed(Offers(auth=frozenset({"PLAIN"})), None, False),
            OK,
            "no encryption, no login, no PIPELINING (slower), no SIZE, no SMTPUTF8 (addresses beyond ASCII fail).",
            id="on this machine nobody listens in",
        ),
        pytest.param(
            "smtp://relay.ngo:25?tls=none", Probed(Offers(), None, False), WARN, "set tls=required", id="plain"
        ),
        pytest.param(
            "smtp://relay.ngo:25?tls=opportunistic",
            Probed(Offers(), None, False, RelayUnavailable("encryption with relay.ngo:25 failed: ODD")),
            WARN,
            "Encryption with relay.ngo:25 failed: ODD. Mend the relay's TLS",
            id="encryption failed",
        ),
        pytest.param(
            "smtp://relay.ngo",
            Probed(Offers(auth=frozenset({"PLAIN"})), "TLSv1.3", False),
            WARN,
            "It takes logins",
            id="takes logins, and there is none",
        ),
        pytest.param(
            "smtps://relay.ngo",
            Probed(Offers(size=True, size_limit=100_000), "TLSv1.3", False),
            WARN,
            "have its limit raised",
            id="small messages only",
        ),
    ],
)
def test_what_a_relay_offers(url, found, state, words):
    is_told(relayed.let_in(*parse_smtp_urls(url), found), state, words)


def test_a_relay_that_repeats_secrets_is_not_repeated():
    (settings,) = parse_smtp_urls("smtps://ada:hidden@relay.ngo")

    told = relayed.refused(
        settings, RelayUnavailable("454 ada, or reader@example.net, with hidden: see hidden-ada.ngo")
    )

    assert told.words == "At relay.ngo:465: 454 (hidden), or <address> with (hidden): see (hidden)-(hidden).ngo."


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (RelayUnavailable("no token for you", reply_code=535), "Have the token renewed"),
        (TokenUnavailable("/x/token holds no access token"), "Mend whatever renews the access token"),
        (RelayRefused("the relay offers no AUTH XOAUTH2"), "Mend SMTP_URL"),
        (RelayUnavailable("no connection"), "See that host, port and tls"),
    ],
)
def test_a_relay_that_wants_a_token(error, remedy):
    (settings,) = parse_smtp_urls("smtps://ada@relay.ngo?auth=xoauth2")

    is_told(relayed.refused(settings, error), BAD, remedy)


def test_an_error_as_a_sentence():
    assert sentence("no such user <ada@x.org>, ask me@x.org.") == "No such user <address>, ask <address>."


# DNS: from texts to findings


@pytest.mark.parametrize(
    ("texts", "state", "words"),
    [
        pytest.param([], WARN, "doesn't say which machines", id="no record"),
        pytest.param(["google-site-verification=x", "v=spf10 -all"], WARN, "doesn't say which", id="others' records"),
        pytest.param(["v=spf1 mx -all"], OK, "(-all)", id="strict"),
        pytest.param(["V=SPF1 include:_spf.relay.ngo ~ALL", "x"], OK, "(~all)", id="soft, in capitals"),
        pytest.param(["v=spf1 redirect=_spf.relay.ngo"], OK, "another domain's", id="redirected"),
        pytest.param(["v=spf1 mx", "v=spf1 -all"], BAD, "has 2 SPF records", id="two records"),
        pytest.param(["v=spf1 +all"], BAD, "anybody send in its name (+all)", id="anybody"),
        pytest.param(["v=spf1 mx all"], BAD, "anybody send in its name (all)", id="anybody, by default"),
        pytest.param(["v=spf1 -all +all"], OK, "(-all)", id="what follows the first all doesn't count"),
        pytest.param(["v=spf1 mx ?all"], WARN, "all other machines", id="neutral"),
        pytest.param(["v=spf1 mx"], WARN, "all other machines", id="no end"),
        pytest.param(["v=spf1"], WARN, "all other machines", id="empty"),
        pytest.param([f"v=spf1 {'include:x.ngo ' * 10} ip4:192.0.2.1 -all"], OK, "(-all)", id="ten look-ups"),
        pytest.param([f"v=spf1 {'include:x.ngo ' * 8} a mx a:y.ngo -all"], BAD, "11 look-ups", id="eleven"),
    ],
)
def test_spf(texts, state, words):
    is_told(mail_records.spf(DOMAIN, texts), state, words)


@pytest.mark.parametrize(
    ("at", "texts", "state", "words"),
    [
        pytest.param(f"_dmarc.{DOMAIN}", [], WARN, f'TXT record at _dmarc.{DOMAIN}: "v=DMARC1; p=none;', id="none"),
        pytest.param(f"_dmarc.{DOMAIN}", ["v=DMARC12; p=none"], WARN, "has no DMARC record", id="another's"),
        pytest.param(f"_dmarc.{DOMAIN}", ["v=DMARC1; p=none"], OK, "p=quarantine keeps forgeries", id="reports only"),
        pytest.param(f"_dmarc.{DOMAIN}", ["v=DMARC1;p=REJECT;sp=none"], OK, "reject what fails", id="reject"),
        pytest.param(f"_dmarc.{DOMAIN}", ["v=DMARC1; p = quarantine ;"], OK, "quarantine what fails", id="quarantine"),
        pytest.param("_dmarc.example.org", ["v=DMARC1; p=none; sp=reject"], OK, "reject what", id="for subdomains"),
        pytest.param(
            "_dmarc.example.org", ["v=DMARC1; p=reject"], OK, "at _dmarc.example.org: reject", id="from above"
        ),
        pytest.param(f"_dmarc.{DOMAIN}", ["v=DMARC1; p=no"], WARN, "Write none, quarantine or reject", id="no policy"),
        pytest.param(f"_dmarc.{DOMAIN}", ["v=DMARC1"], WARN, "Write none, quarantine or reject", id="nothing said"),
        pytest.param(f"_dmarc.{DOMAIN}", ["v=DMARC1; p=none", "v=DMARC1"], BAD, "There are 2 records", id="two"),
    ],
)
def test_dmarc(at, texts, state, words):
    is_told(mail_records.dmarc(DOMAIN, at, texts), state, words)


def test_where_a_dmarc_record_may_be():
    assert mail_records.dmarc_names("a.b.org") == ["_dmarc.a.b.org", "_dmarc.b.org"]
    assert mail_records.dmarc_names("b.org") == ["_dmarc.b.org"]


def test_dkim():
    is_told(mail_records.dkim(DOMAIN, has_keys=False), WARN, "No key is published")
    is_told(mail_records.dkim(DOMAIN, has_keys=True), OK, "look in its source for dkim=pass")


@pytest.mark.parametrize(
    ("hosts", "has_address", "state", "words"),
    [
        (["mx1.relay.ngo", "mx2.relay.ngo"], False, OK, "go to mx1.relay.ngo."),
        (["."], False, BAD, "says that it takes no mail"),
        ([], True, WARN, "names no mail server"),
        ([], False, BAD, "has no mail server"),
    ],
)
def test_mx(hosts, has_address, state, words):
    is_told(mail_records.mx(DOMAIN, hosts, has_address=has_address), state, words)


# DNS: asked


class Zone:
    """Answers from a table; a name that is in no table, nor above one that is, doesn't exist."""

    def __init__(self, table: dict[tuple[str, str], list[str]], *, silent_at: str = "") -> None:
        self._table = table
        self._silent_at = silent_at

    def records(self, name: str, kind: str) -> Sequence[str] | None:
        if name == self._silent_at:
            raise LookupFailed(f"DNS gives no answer about {name}")
        if not any(each == name or each.endswith(f".{name}") for each, _ in self._table):
            return None
        return self._table.get((name, kind), [])


WELL = {
    ("news.ngo.org", "TXT"): ["v=spf1 mx -all"],
    ("news.ngo.org", "MX"): ["mx.ngo.org"],
    ("s1._domainkey.news.ngo.org", "TXT"): ["v=DKIM1; p=x"],
    ("_dmarc.ngo.org", "TXT"): ["v=DMARC1; p=reject"],
}


def states(domain: str, zone: Zone) -> dict[str, State]:
    return {each.check: each.state for each in looked_up.check(domain, zone)}


def test_a_domain_that_is_well():
    assert states("news.ngo.org", Zone(WELL)) == {"SPF": OK, "DKIM": OK, "DMARC": OK, "MX": OK}


def test_a_domain_that_says_nothing():
    assert states("ngo.org", Zone({("ngo.org", "A"): ["192.0.2.1"]})) == dict.fromkeys(
        ("SPF", "DKIM", "DMARC", "MX"), WARN
    )
    assert states("ngo.org", Zone({("ngo.org", "AAAA"): ["2001:db8::1"]}))["MX"] is WARN
    assert states("ngo.org", Zone({("ngo.org", "NS"): ["ns.ngo.org"]}))["MX"] is BAD


def test_a_domain_that_is_not_there():
    assert states("ngo.org", Zone({})) == {"DNS": BAD}


def test_dns_that_falls_silent_is_not_asked_on():
    found = list(looked_up.check("news.ngo.org", Zone(WELL, silent_at="_domainkey.news.ngo.org")))

    assert [each.check for each in found] == ["SPF", "DNS"]
    is_told(found[1], WARN, "DNS gives no answer about _domainkey.news.ngo.org, so")


@pytest.mark.parametrize("domain", ["example.org", "x.example", "localhost.localdomain", "relay.test", "intranet"])
def test_a_domain_that_is_none_is_not_looked_up(domain):
    [found] = looked_up.check(domain, Zone({}, silent_at=domain))

    is_told(found, OK, f"Nothing was looked up: {domain} is ")


def test_answers_of_a_real_server():
    with name_server(
        'ngo.org. 60 IN TXT "v=spf1 mx" " -all"',
        "ngo.org. 60 IN MX 10 mx.ngo.org.",
        "null.ngo.org. 60 IN MX 0 .",
        "ngo.org. 60 IN A 192.0.2.1",
    ) as resolver:
        lookup = SystemLookup(resolver)

        assert lookup.records("ngo.org", "TXT") == ["v=spf1 mx -all"]
        assert lookup.records("ngo.org", "MX") == ["mx.ngo.org"]
        assert lookup.records("ngo.org", "A") == ["192.0.2.1"]
        assert lookup.records("ngo.org", "AAAA") == []
        assert lookup.records("null.ngo.org", "MX") == ["."]
        assert lookup.records("_dmarc.ngo.org", "TXT") is None
        with pytest.raises(LookupFailed):
            lookup.records("a..b", "TXT")


def test_no_server_answers():
    with silent_server() as resolver:
        assert states("ngo.org", SystemLookup(resolver, lifetime=0.1)) == {"DNS": WARN}


# The command


@pytest.fixture
def well(run, instance, catcher) -> Callable[..., dict[str, str]]:
    """Run `newsletter doctor --json`; the words of each check, after its state, and the exit code."""
    instance.chmod(0o700)

    def act(*words: str, **given: str) -> dict[str, str]:
        ran = run("doctor", "--json", *words, **({"SMTP_URL": catcher.url} | REAL | given))
        found = json.loads(ran.out)
        assert all(set(each) == {"check", "state", "words", "remedy"} for each in found)
        assert ran.code == any(each["state"] == "bad" for each in found)
        assert ran.err.count("\n") == ran.code
        return {each["check"]: f"{each['state']}: {each['words']} {each['remedy']}".strip() for each in found}

    return act


def test_all_is_well(run, instance, catcher):
    instance.chmod(0o700)
    ran = run("doctor", SMTP_URL=catcher.url, **REAL)

    assert (ran.code, ran.err) == (0, "")
    lines = dict(
        re.fullmatch(r"([✓!✗] (?:ok|warn|bad)) +(\w+(?: \w+)?)  .*", line).group(2, 1) for line in ran.out.splitlines()
    )
    assert lines.pop("from address") == "! warn"  # of an example domain
    assert lines.pop("sender") == "! warn"  # nobody serves
    assert set(lines.values()) == {"✓ ok"}
    assert {"links", "files", "database", "disk", "clock", "editions", "relay", "DNS"} <= set(lines)
    assert catcher.messages() == ()


def test_the_relay_is_told_with_what_it_offers(well, catcher):
    assert well()["relay"] == (
        f"ok: 127.0.0.1:{catcher.port} answers: no encryption, no login, no PIPELINING (slower), SIZE up to 10.0 MB,"
        " SMTPUTF8."
    )


def test_bad_settings_end_in_1_and_one_line(run, instance, catcher):
    ran = run("doctor", "--offline", POSTAL_ADDRESS="", SENDER="", **REAL)

    assert ran.code == 1
    assert re.fullmatch(r"newsletter: 2 of \d+ checks went badly: from address, postal address\n", ran.err)


def test_a_relay_that_can_not_be_reached(well):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    told = well("--timeout", "1", SMTP_URL=f"smtp://127.0.0.1:{port}")

    assert told["relay"].startswith(f"bad: No connection to 127.0.0.1:{port}: connection refused. See that host")


class _Refusing:
    """Takes nobody's password, and repeats what it was given."""

    async def auth_PLAIN(self, server: SMTP, _words: Sequence[str]) -> AuthResult:
        await server.push("535 5.7.8 ada with hunter2: no")
        return AuthResult(success=False, handled=True)


def test_a_relay_that_refuses_the_password(well):
    relay = AnyPort(_Refusing(), hostname="127.0.0.1", port=0, auth_require_tls=False)
    relay.start()
    try:
        told = well(SMTP_URL=f"smtp://ada:hunter2@127.0.0.1:{relay.port}?tls=none")
    finally:
        relay.stop()

    assert told["relay"] == (
        f"bad: At 127.0.0.1:{relay.port}: the relay refuses the user or the password: "
        "535 5.7.8 (hidden) with (hidden): no. "
        "Mend the user and the password in SMTP_URL."
    )


def test_offline_asks_nobody_else(well):
    told = well("--offline", SMTP_URL="smtp://192.0.2.1", SENDER="Ada <ada@ngo.org>")

    assert {"relay", "DNS", "SPF"} & set(told) == set()
    assert told["from address"] == "ok: Mail comes from ngo.org."


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("'9999'", "bad: The database belongs to a newer version of this program. Install that."),
        (None, "bad: The database is not set up for this version. Run 'newsletter db upgrade'."),
    ],
)
def test_a_database_of_another_version(well, instance, version, words):
    database = Database(f"sqlite:///{instance / 'newsletter.db'}")
    with database.writing() as session:
        session.execute(
            text(f"UPDATE alembic_version SET version_num = {version}" if version else "DELETE FROM alembic_version")
        )
    database.close()

    told = well("--offline")
    assert told["database"] == words
    assert "clock" not in told


def test_no_database_yet_is_told_and_none_is_made(well, instance):
    (instance / "newsletter.db").unlink()

    assert well("--offline")["database"].startswith("warn: There is none yet. 'newsletter serve' sets it up")
    assert not (instance / "newsletter.db").exists()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (
            "sqlite:///{}/missing/newsletter.db",
            "bad: The database can't be used: unable to open database file. See that",
        ),
        ("sqlite:///{}/text", "bad: The database can't be used: file is not a database. Stop the service, and put"),
        ("postgresql://127.0.0.1:1/none", "bad: The database can't be used: connection"),
    ],
)
def test_a_database_that_can_not_be_used(well, tmp_path, url, words):
    (tmp_path / "text").write_bytes(b"no database" * 1000)

    assert well("--offline", DATABASE_URL=url.format(tmp_path))["database"].startswith(words)


def test_a_damaged_database(well, instance):
    path: Path = instance / "newsletter.db"
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096 * 8)
        file.write(b"\xff" * (size - 4096 * 9))

    assert "Stop the service, and put the last backup in its place." in well("--offline")["database"]


def test_postgresql(well, postgresql):
    told = well("--offline", DATABASE_URL=postgresql.url)

    assert re.fullmatch(r"ok: PostgreSQL \d+\.\d+, set up for this version\.", told["database"])
    assert "disk" not in told


def test_a_database_that_grants_nothing(well, postgresql):
    role = f"nobody_{uuid4().hex[:12]}"
    with postgresql.writing() as session:
        session.execute(text(f"CREATE ROLE {role} LOGIN"))
    url = postgresql.engine.url.set(username=role).render_as_string(hide_password=False)

    told = well("--offline", DATABASE_URL=url)["database"]

    with postgresql.writing() as session:
        session.execute(text(f"DROP ROLE {role}"))
    assert told.startswith("bad: It refuses to be looked at: permission denied for ")
    assert told.endswith("Give this service's user the rights of the tables' owner.")


def test_no_address_and_no_secret_is_told(run, instance, sampled, catcher):
    database = Database(f"sqlite:///{instance / 'newsletter.db'}")
    add_readers(database, ["all"])
    with database.writing() as session:
        session.add(
            Edition(month="2022-11", state="paused", created_at=utc_now(), note="refused: reader1@example.org, hidden")
        )
    database.close()
    given = {
        "SECRET_KEY": "top secret, top secret, top secret",
        "SMTP_URL": catcher.url.replace("//", "//ada:hunter2@"),
    }

    ran = run("doctor", **given, **REAL)

    assert "2022-11 is paused. Refused: <address> hidden." in ran.out
    for secret in ("reader1", "top secret", "hunter2", "ada"):
        assert secret not in ran.out + ran.err
