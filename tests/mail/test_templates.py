"""What mail templates can use, and what they are kept from."""

from __future__ import annotations

from datetime import date

import pytest

from newsletter.errors import TemplateError
from newsletter.mail import templates
from newsletter.mail.templates import TEXT_WIDTH

FOLDER = templates.folder() / "email"


@pytest.mark.parametrize("name", sorted(path.parent.name for path in FOLDER.glob("*/subject.txt")))
def test_each_mail_has_a_subject_a_text_and_a_html_part(name):
    assert {"subject.txt", "body.txt", "body.html"} <= {path.name for path in (FOLDER / name).iterdir()}


@pytest.mark.parametrize("path", sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.glob("**/*.*")))
def test_each_template_compiles(path):
    templates.environment().get_template(path)


def test_html_escapes_by_itself_and_plain_text_does_not():
    environment = templates.environment()

    assert environment.from_string("{{ word }}").render(word="<b>") == "&lt;b&gt;"
    assert environment.get_template("confirmation/subject.txt").is_up_to_date
    assert environment.autoescape("body.html") is True
    assert environment.autoescape("body.txt") is False


def test_a_name_that_is_missing_is_an_error():
    with pytest.raises(TemplateError, match="'nobody' is undefined"):
        templates.environment().from_string("{{ nobody }}").render()


def test_a_day_as_text_says_it():
    assert templates.day(date(2022, 1, 7)) == "7 January 2022"


def test_a_heading_is_underlined_and_no_wider_than_the_text():
    assert templates.underline("Sudan") == "Sudan\n-----"
    assert templates.underline("x" * 100, "=").split("\n")[1] == "=" * TEXT_WIDTH


def test_inlining_fetches_nothing_and_keeps_media_rules():
    html = (
        '<html><head><link rel="stylesheet" href="http://127.0.0.1:9/x.css">'
        "<style>p { color: red } @media (prefers-color-scheme: dark) { p { color: blue } }</style></head>"
        "<body><p>a</p></body></html>"
    )

    inlined = templates.inline_css(html)

    assert '<p style="color:red' in inlined.replace(" ", "").replace("<pstyle", "<p style")
    assert "@media" in inlined
