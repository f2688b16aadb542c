"""Tokens: ours are read, everything else is refused (T10)."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import Signer

from newsletter.errors import LinkExpired, LinkInvalid
from newsletter.mail.links import CONFIRMATION_LIFETIME, UNDO_LIFETIME, Links, Purpose, Tokens

KEY = "a secret key for tests"
TOKENS = Tokens(KEY)
MADE = datetime(2022, 12, 1, 9, 0, tzinfo=UTC)

ids = st.integers(1, 2**63 - 1)
purposes = st.sampled_from(Purpose)


def read_dated(token: str, *, purpose: Purpose = Purpose.CONFIRM, tokens: Tokens = TOKENS, now: datetime = MADE) -> int:
    return tokens.read_dated(purpose, token, now=now, lifetime=CONFIRMATION_LIFETIME)


@given(purposes, ids)
def test_a_token_names_its_subscriber(purpose, subscriber_id):
    assert TOKENS.read(purpose, TOKENS.make(purpose, subscriber_id)) == subscriber_id


@given(ids)
def test_a_dated_token_names_its_subscriber(subscriber_id):
    assert read_dated(TOKENS.make_dated(Purpose.CONFIRM, subscriber_id, at=MADE)) == subscriber_id


@given(purposes, ids)
def test_the_fast_signature_is_the_one_that_itsdangerous_makes(purpose, subscriber_id):
    signer = Signer(KEY, f"newsletter.{purpose}", key_derivation="hmac", digest_method=hashlib.sha256)

    token = TOKENS.make(purpose, subscriber_id)

    assert token == signer.sign(str(subscriber_id)).decode()
    assert signer.unsign(token) == str(subscriber_id).encode()


GOOD = TOKENS.make(Purpose.UNSUBSCRIBE, 42)
VALUE, SIGNATURE = GOOD.split(".")


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="nothing"),
        pytest.param("42", id="a bare id"),
        pytest.param("42.", id="no signature"),
        pytest.param(f".{SIGNATURE}", id="no id"),
        pytest.param(f"43.{SIGNATURE}", id="another subscriber's id"),
        pytest.param(f"042.{SIGNATURE}", id="the id written otherwise"),
        pytest.param(f" 42.{SIGNATURE}", id="white space before"),
        pytest.param(f"４２.{SIGNATURE}", id="full-width digits"),
        pytest.param(GOOD[:-1], id="cut by one"),
        pytest.param(GOOD[: len(GOOD) // 2], id="cut in half"),
        pytest.param(GOOD + "A", id="something behind"),
        pytest.param(GOOD.replace(SIGNATURE, SIGNATURE.swapcase()), id="the signature in another case"),
        pytest.param(GOOD + "\n", id="a line break behind"),
        pytest.param(GOOD.replace(".", "=2E"), id="damaged by quoted-printable"),
        pytest.param(f"{GOOD}.{SIGNATURE}", id="signed twice"),
        pytest.param("\0", id="a NUL"),
        pytest.param("é" * 50, id="beyond ASCII"),
        pytest.param("\udc80.\udc80", id="half a surrogate pair"),
        pytest.param("." * 1000, id="dots"),
        pytest.param("9" * 100_000 + f".{SIGNATURE}", id="a number of 100,000 digits"),
        pytest.param(TOKENS.make(Purpose.MANAGE, 42), id="made for another purpose"),
        pytest.param(TOKENS.make_dated(Purpose.UNSUBSCRIBE, 42, at=MADE), id="a dated one"),
        pytest.param(Tokens("another secret key").make(Purpose.UNSUBSCRIBE, 42), id="made with another key"),
    ],
)
def test_a_token_that_is_not_ours_is_refused(token):
    with pytest.raises(LinkInvalid, match="this link is not one of ours, or not whole"):
        TOKENS.read(Purpose.UNSUBSCRIBE, token)
    with pytest.raises(LinkInvalid, match="this link is not one of ours, or not whole"):
        read_dated(token, purpose=Purpose.UNSUBSCRIBE if token.count(".") < 2 else Purpose.MANAGE)


@given(st.text())
def test_no_text_is_a_token(text):
    for purpose in Purpose:
        with pytest.raises(LinkInvalid):
            TOKENS.read(purpose, text)
        with pytest.raises(LinkInvalid):
            read_dated(text, purpose=purpose)


@given(purposes, ids, st.data())
def test_no_token_survives_a_change_of_one_sign(purpose, subscriber_id, data):
    token = TOKENS.make(purpose, subscriber_id)
    # The last sign of base64 has bits to spare; itsdangerous compares the decoded bytes.
    position = data.draw(st.integers(0, len(token) - 2))
    other = data.draw(st.sampled_from("09AZaz-_.").filter(lambda sign: sign != token[position]))

    with pytest.raises(LinkInvalid):
        TOKENS.read(purpose, token[:position] + other + token[position + 1 :])


@pytest.mark.parametrize("made_for", Purpose)
@pytest.mark.parametrize("used_for", Purpose)
def test_a_token_is_good_for_one_purpose(made_for, used_for):
    if made_for is used_for:
        return
    with pytest.raises(LinkInvalid):
        TOKENS.read(used_for, TOKENS.make(made_for, 42))
    with pytest.raises(LinkInvalid):
        read_dated(TOKENS.make_dated(made_for, 42, at=MADE), purpose=used_for)


@pytest.mark.parametrize(
    ("age", "is_good"),
    [
        pytest.param(timedelta(0), True, id="at once"),
        pytest.param(CONFIRMATION_LIFETIME, True, id="at the last moment"),
        pytest.param(CONFIRMATION_LIFETIME + timedelta(seconds=1), False, id="a second too late"),
        pytest.param(timedelta(days=4000), False, id="years later"),
        pytest.param(timedelta(hours=-1), True, id="by a clock that was set back"),
    ],
)
def test_a_confirmation_works_for_seven_days(age, is_good):
    token = TOKENS.make_dated(Purpose.CONFIRM, 42, at=MADE)
    if is_good:
        assert read_dated(token, now=MADE + age) == 42
        return
    with pytest.raises(LinkExpired, match="too old"):
        read_dated(token, now=MADE + age)


def test_a_dated_token_tells_the_second_at_which_it_was_made():
    token = TOKENS.make_dated(Purpose.UNDO, 42, at=MADE + timedelta(milliseconds=700))

    assert TOKENS.read_made(Purpose.UNDO, token, now=MADE, lifetime=UNDO_LIFETIME) == (42, MADE)


def test_a_token_that_has_expired_can_be_read_for_what_asks_for_a_new_one_and_for_its_own_purpose_only():
    token = TOKENS.make_dated(Purpose.MANAGE, 42, at=MADE)

    assert TOKENS.read_however_old(Purpose.MANAGE, token) == (42, MADE)
    for purpose, other in ((Purpose.CONFIRM, token), (Purpose.MANAGE, TOKENS.make(Purpose.MANAGE, 42))):
        with pytest.raises(LinkInvalid):
            TOKENS.read_however_old(purpose, other)


def test_a_date_can_not_be_changed():
    early, late = (TOKENS.make_dated(Purpose.CONFIRM, 42, at=MADE + timedelta(days=days)) for days in (0, 30))
    value, _, signature = early.split(".")

    with pytest.raises(LinkInvalid):
        read_dated(f"{value}.{late.split('.')[1]}.{signature}")


def test_a_mail_that_is_made_again_has_the_same_link():
    tokens = [Tokens(KEY).make_dated(Purpose.CONFIRM, 42, at=MADE) for _ in range(2)]

    assert tokens[0] == tokens[1]


def test_a_keyed_hash_depends_on_key_purpose_and_every_part():
    hashes = {
        TOKENS.digest("a", "b", "c"),
        TOKENS.digest("a", "bc"),
        TOKENS.digest("a", "c", "b"),
        TOKENS.digest("ab", "c"),
        Tokens("another secret key").digest("a", "b", "c"),
    }

    assert len(hashes) == 5
    assert TOKENS.digest("a", "b", "c") == Tokens(KEY).digest("a", "b", "c")


@pytest.mark.parametrize("base_url", ["https://updates.example.org/news", "https://updates.example.org/news/"])
def test_every_link_lies_below_the_base_url(base_url):
    links = Links(base_url, TOKENS)

    assert links.home() == "https://updates.example.org/news/"
    assert links.editions() == "https://updates.example.org/news/editions"
    assert links.edition("2022-11") == "https://updates.example.org/news/editions/2022-11"
    assert links.place("KZ") == "https://updates.example.org/news/places/KZ"
    assert links.manage(42) == f"https://updates.example.org/news/manage/{TOKENS.make(Purpose.MANAGE, 42)}"
    assert links.unsubscribe(42) == f"https://updates.example.org/news/unsubscribe/{GOOD}"
    assert links.confirm(42, at=MADE).startswith("https://updates.example.org/news/confirm/42.")
    assert links.undo(42, at=MADE).startswith("https://updates.example.org/news/undo/42.")
    assert links.address(42, at=MADE).startswith("https://updates.example.org/news/address/42.")
    assert links.manage_for_now(42, at=MADE).startswith("https://updates.example.org/news/manage/42.")
