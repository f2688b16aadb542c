"""Parts of a message: read back as they were put in, whatever they hold."""

from __future__ import annotations

import email
from email import policy
from email.message import EmailMessage

from hypothesis import given
from hypothesis import strategies as st

from newsletter.mail import parts
from newsletter.mail.pictures.picture import Image


def read(part: bytes) -> EmailMessage:
    message = email.message_from_bytes(part, _class=EmailMessage, policy=policy.default)
    assert not any(each.defects for each in message.walk())
    return message


@given(st.text(), st.text(), st.binary(max_size=500))
def test_texts_and_pictures_come_back_as_they_were(plain, html, data):
    image = Image.named("map", data)
    shown = parts.related("=_inner", parts.text("html", html), [parts.picture(image, "map@example.org")])
    whole = read(b"MIME-Version: 1.0\r\n" + parts.alternative("=_outer", [parts.text("plain", plain), shown]))

    first, second = whole.iter_parts()
    inner, picture = second.iter_parts()
    for part, text in ((first, plain), (inner, html)):
        # As lines: a part ends with a line's end, and in SMTP every line's end is CRLF.
        lines = text.replace("\r\n", "\n").replace("\r", "\n").encode()
        assert part.get_payload(decode=True).replace(b"\r\n", b"\n") == lines
    assert picture.get_payload(decode=True) == data
    assert picture["Content-ID"] == "<map@example.org>"
    assert picture.get_filename() == image.name


def test_without_pictures_html_stands_alone():
    html = parts.text("html", "<p>Words</p>")

    assert parts.related("=_inner", html, []) == html


@given(st.text(alphabet="=_-inner", max_size=200))
def test_no_text_ends_its_part_early(text):
    whole = read(b"MIME-Version: 1.0\r\n" + parts.alternative("=_inner", [parts.text("plain", text)] * 2))

    assert [part.get_payload(decode=True) for part in whole.iter_parts()] == [text.encode()] * 2


def test_a_part_that_is_encoded_already_is_taken_as_it_is():
    part = read(parts.part("text/plain; charset=us-ascii", "7bit", b"as it is\r\n"))

    assert part.get_payload() == "as it is\r\n"
