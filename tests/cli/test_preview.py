"""Every mail with sample data, on the command line."""

from __future__ import annotations

import email
import json
import socket
from email import policy

import pytest

from newsletter.mail import templates
from tests.program import Program


@pytest.fixture
def broken(instance):
    """A template of the instance's own that no mail can be made of."""
    path = instance / "templates" / "email" / "goodbye" / "subject.txt"
    path.parent.mkdir(parents=True)
    path.write_text("Goodbye\n{{ publication.tittle }}\n")
    templates.refresh()
    yield path
    templates.refresh()


def test_the_mails_are_listed_with_their_sizes(run):
    ran = run("preview", "--list")

    assert (ran.code, ran.err) == (0, "")
    heading, *lines = ran.out.splitlines()
    assert heading.split() == ["mail", "HTML", "message", "bytes"]
    _, html, message, *title = next(line for line in lines if line.startswith("digest-few")).split()
    assert 10_000 < int(html) < int(message) < 150_000
    assert " ".join(title) == "Digest for seven places"


def test_the_list_as_json(run):
    told = json.loads(run("preview", "--json").out)

    assert [mail["mail"] for mail in told][:2] == ["digest-one", "digest-few"]
    assert {"mail", "title", "subject", "html_bytes", "message_bytes"} == set(told[0])


def test_a_mail_is_printed_part_by_part_and_by_the_settings(run):
    text = run("preview", "welcome", TITLE="Month by Month")
    html = run("preview", "welcome", "--part", "html", TITLE="Month by Month")
    eml = run("preview", "welcome", "--part", "eml", TITLE="Month by Month")

    assert text.out.startswith("MONTH BY MONTH") or "Month by Month" in text.out
    assert html.out.startswith("<!DOCTYPE html>")
    message = email.message_from_string(eml.out, policy=policy.default)
    assert message["Subject"] == "You are subscribed to Month by Month"
    assert message["To"] == "reader@example.org"


def test_a_mail_as_json_has_all_its_parts(run):
    told = json.loads(run("preview", "confirmation", "--json").out)

    assert told["html"].startswith("<!DOCTYPE html>")
    assert "Confirm" in told["text"]
    assert told["message_bytes"] == len(told["eml"].encode())


def test_an_unknown_mail_is_told_with_those_that_there_are(refused):
    told = refused("preview", "digest")

    assert told.startswith("no mail is called 'digest'; there are digest-one, digest-few, ")


def test_a_broken_template_is_told_by_its_file_and_line(refused, broken):
    assert refused("preview", "goodbye").startswith("templates/email/goodbye/subject.txt, line 2: ")
    assert refused("preview", "--list").startswith("templates/email/goodbye/subject.txt, line 2: ")


def test_a_broken_template_leaves_the_other_mails_alone(run, broken):
    assert run("preview", "welcome").code == 0


def test_a_port_that_is_taken_is_told(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = Program(["preview", "--port", str(port)], {"NEWSLETTER_INSTANCE": str(tmp_path)}).finish(60)

    assert ran == (
        1,
        f"newsletter: can't serve on 127.0.0.1:{port} (Address already in use); choose another with --port\n",
    )


@pytest.mark.parametrize(
    "words", [["welcome", "--list"], ["--part", "html"], ["welcome", "--part", "html", "--json"], ["--part", "pdf"]]
)
def test_words_that_do_not_go_together_are_wrong_usage(run, words):
    assert run("preview", *words).code == 2
