"""AUTH: what is said, in which mechanism, what a refusal means, and that no secret is told."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from newsletter.delivery.access_token import LARGEST_TOKEN, TokenUnavailable, read_token
from newsletter.delivery.login import Login
from newsletter.delivery.reply import ProtocolError, Reply
from newsletter.delivery.settings import Mechanism, RelaySettings
from newsletter.errors import RelayRefused, RelayUnavailable

PLAIN, LOGIN, XOAUTH2 = Mechanism
ALL = frozenset({"PLAIN", "LOGIN", "XOAUTH2", "CRAM-MD5"})
TOKEN = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"
ERROR = b64encode(b'{"status":"401","schemes":"bearer","scope":"https://mail.example.org/"}').decode()


def login(
    auth: Mechanism | None = None, offered: frozenset[str] = ALL, token: Callable[[], str] = lambda: TOKEN
) -> Login:
    password = None if auth is XOAUTH2 else "hunter2"
    return Login(RelaySettings("localhost", username="ada@example.org", password=password, auth=auth), offered, token)


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("auth", "offered", "command"),
    [
        (None, ALL, "AUTH PLAIN " + encoded("\0ada@example.org\0hunter2")),
        (None, frozenset({"LOGIN", "XOAUTH2"}), "AUTH LOGIN"),
        (PLAIN, ALL, "AUTH PLAIN " + encoded("\0ada@example.org\0hunter2")),
        (LOGIN, ALL, "AUTH LOGIN"),
        (XOAUTH2, ALL, "AUTH XOAUTH2 " + encoded(f"user=ada@example.org\1auth=Bearer {TOKEN}\1\1")),
    ],
)
def test_the_mechanism_is_the_one_that_is_wanted_or_else_the_simplest(auth, offered, command):
    assert login(auth, offered).command == command


@pytest.mark.parametrize(
    ("auth", "offered", "says"),
    [
        (None, frozenset({"XOAUTH2", "CRAM-MD5"}), "no AUTH PLAIN or LOGIN"),
        (None, frozenset(), "no AUTH PLAIN or LOGIN"),
        (PLAIN, frozenset({"LOGIN"}), "no AUTH PLAIN; turn it on there, or leave auth=plain out"),
        (LOGIN, frozenset({"PLAIN"}), "no AUTH LOGIN"),
        (XOAUTH2, frozenset({"PLAIN", "LOGIN"}), "no AUTH XOAUTH2"),
    ],
)
def test_a_mechanism_that_is_not_offered_is_a_matter_for_a_person(auth, offered, says):
    with pytest.raises(RelayRefused, match=says):
        login(auth, offered)


def test_a_token_that_is_refused_is_answered_by_an_empty_line():
    session = login(XOAUTH2)

    assert session.answer(Reply(334, None, ERROR)) == ""
    with pytest.raises(ProtocolError):
        session.answer(Reply(334, None, ERROR))


def test_a_relay_that_did_not_listen_is_told_the_token_again():
    session = login(XOAUTH2)

    assert b64decode(session.answer(Reply(334))) == f"user=ada@example.org\1auth=Bearer {TOKEN}\1\1".encode()
    assert session.answer(Reply(334, None, ERROR)) == ""


@pytest.mark.parametrize(
    ("auth", "code", "kind"),
    [
        (None, 535, RelayRefused),
        (LOGIN, 535, RelayRefused),
        (None, 454, RelayUnavailable),
        (XOAUTH2, 535, RelayUnavailable),
        (XOAUTH2, 454, RelayUnavailable),
        (None, 250, ProtocolError),
        (XOAUTH2, 354, ProtocolError),
    ],
)
def test_a_refused_password_is_a_matter_for_a_person_and_a_refused_token_for_whatever_renews_it(auth, code, kind):
    refusal = login(auth).refusal(Reply(code, None, "no, thanks"))

    assert type(refusal) is kind
    assert refusal.reply_code == code
    assert f"{code} no, thanks" in str(refusal)
    assert ("SMTP_TOKEN_FILE" in str(refusal)) is (auth is XOAUTH2 and code >= 400)


@pytest.mark.parametrize("auth", [PLAIN, LOGIN, XOAUTH2])
def test_a_relay_that_repeats_secrets_is_not_repeated(auth):
    session = login(auth)
    said = [session.command]
    while auth is not XOAUTH2 and len(said) < 3:
        try:
            said.append(session.answer(Reply(334, None, "VXNlcm5hbWU6")))
        except ProtocolError:
            break
    echoed = f"what is '{' '.join(said)}'? hunter2, or {TOKEN[:30]}"
    told = str(session.refusal(Reply(535, None, echoed)))

    for secret in ("hunter2", encoded("hunter2"), encoded("\0ada@example.org\0hunter2"), encoded("user=ada")[:10]):
        if auth is not XOAUTH2 or secret != "hunter2":
            assert secret not in told
    assert auth is not XOAUTH2 or TOKEN[:20] not in told


def test_the_token_is_read_anew_each_time(tmp_path: Path):
    file = tmp_path / "token"
    for token in (TOKEN, "another"):
        file.write_text(f"{token}\n", encoding="ascii")
        assert read_token(str(file)) == token


@pytest.mark.parametrize(
    "content",
    [
        b"", b" \r\n", b"two words", b"two\nlines", b"user\1auth", "tökén".encode(), b"\xff\xfe",
        b"x" * (LARGEST_TOKEN + 1), b"x" * 3 * LARGEST_TOKEN,
    ],
)  # fmt: skip
def test_a_file_without_a_token_is_told_and_not_shown(tmp_path: Path, content: bytes):
    file = tmp_path / "token"
    file.write_bytes(content)

    with pytest.raises(TokenUnavailable, match=r"token holds no access token; see that whatever renews it") as told:
        read_token(str(file))
    assert content.decode("utf-8", "replace").strip() not in str(told.value) or not content.strip()


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(TokenUnavailable, match=r"can't be read from .*token: No such file"):
        read_token(str(tmp_path / "token"))
    with pytest.raises(TokenUnavailable, match="SMTP_TOKEN_FILE"):
        read_token(None)
