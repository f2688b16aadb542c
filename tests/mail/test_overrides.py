"""A publisher's own templates: each goes before the program's, and a broken one is told by file and line."""

from __future__ import annotations

import email
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from newsletter.domain.states import NoticeKind
from newsletter.errors import InvalidInput, TemplateError
from newsletter.mail import compiling, notice, templates
from newsletter.mail.brand import Brand
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient
from newsletter.storage.places import gazetteer
from tests.mail.crowd import crowded_contents
from tests.mail.publisher import PUBLICATION


@dataclass(frozen=True, slots=True)
class Title:
    """Something that a template is given."""

    text: str


@pytest.fixture
def overrides(tmp_path: Path) -> Iterator[Path]:
    """The folder of an instance that its own templates are in."""
    folder = tmp_path / "instance" / "templates" / "email"
    folder.mkdir(parents=True)
    yield folder
    templates.refresh()


@pytest.fixture
def write(overrides: Path) -> Callable[[str, str | bytes], Path]:
    """Put a template there."""

    def written(name: str, content: str | bytes) -> Path:
        path = overrides / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


def render(overrides: Path, name: str = "welcome/subject.txt", **context: object) -> str:
    return templates.environment(overrides).get_template(name).render(context)


def welcome(publication: Publication) -> EmailMessage:
    mail = notice.render(
        NoticeKind.WELCOME,
        7,
        Recipient(42, "ada@example.org", ("KZ",)),
        publication,
        gazetteer(),
        at=datetime(2022, 12, 1, tzinfo=UTC),
        latest=None,
    )
    return email.message_from_bytes(mail.data, _class=EmailMessage, policy=policy.default)


def test_a_template_of_the_publishers_goes_before_the_programs_and_the_others_stay(overrides, write):
    write("welcome/subject.txt", "Welcome to {{ publication.title }}, dear reader\n")
    plain = welcome(PUBLICATION)

    own = welcome(replace(PUBLICATION, overrides=overrides))

    assert own["Subject"] == "Welcome to Country Updates, dear reader" != plain["Subject"]
    assert own.get_body(("plain",)).get_content() == plain.get_body(("plain",)).get_content()
    assert own.get_body(("html",)).get_content() == plain.get_body(("html",)).get_content()


def test_the_style_sheet_is_a_template_too_and_knows_the_publishers_colours(overrides, write):
    write("style.css", ".masthead { color: {{ publication.brand.accent }}; }\n")
    publication = replace(PUBLICATION, overrides=overrides, brand=Brand(accent="#8b0045"))

    html = welcome(publication).get_body(("html",)).get_content()

    assert 'class="masthead" style="color:#8b0045' in html.replace(": #", ":#")


def test_a_template_of_the_publishers_escapes_as_the_programs_do(overrides, write):
    write("welcome/body.html", "{{ publication.title }}")
    write("welcome/body.txt", "{{ publication.title }}")
    publication = replace(PUBLICATION, title="<b>News</b>")

    assert render(overrides, "welcome/body.html", publication=publication) == "&lt;b&gt;News&lt;/b&gt;"
    assert render(overrides, "welcome/body.txt", publication=publication) == "<b>News</b>"


BROKEN = [
    pytest.param("Hello\n{% if %}", 2, "Expected an expression, got 'end of statement block'", id="no condition"),
    pytest.param("{% if a %}\n", 1, "Unexpected end of template", id="no end"),
    pytest.param("{{ 'a' | shout }}", 1, "No filter named 'shout'", id="an unknown filter"),
    pytest.param("a\nb\n{{ nobody }}", 3, "'nobody' is undefined", id="an unknown name"),
    pytest.param("\n{{ word.nothing }}", 2, "has no attribute 'nothing'", id="an unknown attribute"),
    pytest.param("\n{{ title.nothing }}", 2, "a Title has no attribute 'nothing'", id="an attribute of ours"),
    pytest.param("\n{{ word + 1 }}", 2, "can only concatenate str", id="a sum of words and numbers"),
    pytest.param("\n{{ word | day }}", 2, "'str' object has no attribute 'day'", id="a filter for something else"),
    pytest.param("\n{{ 1 / 0 }}", 2, "it ends in a ZeroDivisionError", id="a division by nothing"),
    pytest.param("\n{% include 'nowhere.txt' %}", 2, "there is no template 'nowhere.txt'", id="an unknown template"),
    pytest.param("\n{% include '../../secret_key' %}", 2, "there is no template '../../secret_key'", id="a way out"),
    pytest.param("{% extends 'nowhere.html' %}", 1, "there is no template 'nowhere.html'", id="an unknown frame"),
    pytest.param("\n{% include 'welcome/subject.txt' %}", 2, "it ends in a RecursionError", id="itself"),
    pytest.param(b"B\xfccher", None, "it is no UTF-8 text (byte 1); save it as UTF-8", id="Latin-1"),
]


@pytest.mark.parametrize(("content", "line", "problem"), BROKEN)
def test_a_broken_template_is_told_by_file_and_line(overrides, write, content, line, problem):
    write("welcome/subject.txt", content)
    (overrides.parent.parent / "secret_key").write_text("a key")

    with pytest.raises(TemplateError) as refused:
        render(overrides, word="ada", title=Title("News"))

    error, told = refused.value, str(refused.value)
    assert (error.file, error.line) == ("templates/email/welcome/subject.txt", line)
    assert problem in error.problem
    assert told.startswith("templates/email/welcome/subject.txt" + (f", line {line}: " if line else ": "))
    assert told.isprintable(), "one line"


def test_an_error_in_a_template_that_is_included_is_told_where_it_is(overrides, write):
    write("welcome/subject.txt", "{% include 'masthead.txt' %}")
    write("masthead.txt", "a\n{{ nobody }}")
    with pytest.raises(TemplateError, match=r"^templates/email/masthead\.txt, line 2: 'nobody' is undefined$"):
        render(overrides)

    write("masthead.txt", "a\nb\n{% oops %}")
    templates.refresh()
    with pytest.raises(TemplateError, match=r"^templates/email/masthead\.txt, line 3: Encountered unknown tag 'oops'"):
        render(overrides)


def test_an_error_in_the_programs_own_template_is_told_as_one(overrides):
    with pytest.raises(TemplateError, match=r"^templates/email/welcome/subject\.txt of the program, line 1: "):
        render(overrides)


def test_no_value_gets_into_the_words_of_an_error(overrides, write):
    write("welcome/subject.txt", "{{ [] .index(address) }}")

    with pytest.raises(TemplateError) as refused:
        render(overrides, address="ada@example.org")

    assert str(refused.value) == "templates/email/welcome/subject.txt, line 1: it ends in a ValueError"


def test_an_error_of_ours_that_a_template_meets_stays_what_it_is(overrides, write):
    write("welcome/subject.txt", "{{ refuse() }}")

    def refuse() -> str:
        raise InvalidInput("in words of its own")

    with pytest.raises(InvalidInput, match="in words of its own"):
        render(overrides, refuse=refuse)


def test_one_broken_template_leaves_the_other_mails_alone(overrides, write):
    write("goodbye/body.html", "{% if %}")
    write("welcome/subject.txt", "Welcome")

    assert render(overrides) == "Welcome"


def test_a_file_that_is_no_template_does_no_harm(overrides, write):
    write("welcome/.subject.txt.swp", b"\xff\0")
    write("README", b"\xff")

    assert welcome(replace(PUBLICATION, overrides=overrides))["Subject"] == welcome(PUBLICATION)["Subject"]


def test_a_template_that_changes_is_used_from_the_next_start_on(overrides, write):
    write("welcome/subject.txt", "one")
    assert render(overrides) == "one"

    write("welcome/subject.txt", "two, and longer")
    write("welcome/body.txt", "a new file")
    assert render(overrides) == "one"
    assert "a new file" not in welcome(replace(PUBLICATION, overrides=overrides)).get_body(("plain",)).get_content()

    templates.refresh()
    assert render(overrides) == "two, and longer"
    assert render(overrides, "welcome/body.txt") == "a new file"


def test_a_broken_template_that_was_mended_is_used_at_once(overrides, write):
    write("welcome/subject.txt", "{% if %}")
    with pytest.raises(TemplateError):
        render(overrides)

    write("welcome/subject.txt", "mended")

    assert render(overrides) == "mended"


def compile_with(overrides: Path) -> None:
    publication = replace(PUBLICATION, overrides=overrides)
    compiling.compile_edition(crowded_contents(3), publication, at=datetime(2022, 12, 1, 9, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("was", "became", "told"),
    [
        pytest.param("{{ slots.summary }}", "{{ slots.summary | upper }}", "changes a slot or a mark", id="a filter"),
        pytest.param("{{ slots.manage_url }}", "x", "lacks slots.manage_url", id="a link left out"),
        pytest.param('{{ marks.block(entry, "full") }}', "", "without marks.block", id="entries for everybody"),
        pytest.param("{{ marks.block(entry, form) }}", "", "without marks.block", id="a list for everybody"),
    ],
)
@pytest.mark.parametrize("part", ["txt", "html"])
def test_a_digest_that_would_be_wrong_for_its_readers_can_not_be_compiled(write, part, was, became, told):
    source = (templates.folder() / "email" / "digest" / f"body.{part}").read_text(encoding="utf-8")
    assert was in source
    path = write(f"digest/body.{part}", source.replace(was, became))

    with pytest.raises(TemplateError, match=told) as error:
        compile_with(path.parent.parent)
    assert f"templates/email/digest/body.{part}" in str(error.value)


def test_a_digest_without_a_subject_can_not_be_compiled(write, overrides):
    write("digest/subject.txt", " \n")

    with pytest.raises(TemplateError, match=r"digest/subject\.txt: it is empty"):
        compile_with(overrides)


def test_a_notice_whose_link_goes_through_a_filter_is_refused(write, overrides):
    write("goodbye/body.txt", "{{ undo_url | upper }}")
    publication = replace(PUBLICATION, overrides=overrides)
    reader = Recipient(1, "reader@example.org", ("KZ",))

    with pytest.raises(TemplateError, match="it changes a link by a filter"):
        notice.render(NoticeKind.GOODBYE, 1, reader, publication, gazetteer(), at=datetime.now(UTC), latest=None)
