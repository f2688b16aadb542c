"""Every mail, made of the sample month."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.domain.states import NoticeKind
from newsletter.errors import NotFound, TemplateError
from newsletter.mail import templates
from newsletter.mail.digest import HTML_BUDGET, MESSAGE_BUDGET
from newsletter.mail.pictures.picture import PictureMode
from newsletter.mail.publication import Publication
from newsletter.services.specimens import Specimen, Specimens, check_templates
from tests.mail.publisher import PUBLICATION


@pytest.fixture
def override(tmp_path: Path) -> Iterator[Callable[[str, str], Publication]]:
    """Put a template of the publisher's own in place of the program's."""
    folder = tmp_path / "templates" / "email"

    def written(name: str, content: str) -> Publication:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return replace(PUBLICATION, overrides=folder)

    yield written
    templates.refresh()


@pytest.fixture(scope="module")
def made() -> dict[str, Specimen]:
    """All of them, by name."""
    found = Specimens(PUBLICATION)
    return {name: found.get(name) for name in found.titles}


def test_there_is_one_of_every_mail_and_each_can_be_told_from_the_others(made):
    notices = {kind.value.replace("_", "-") for kind in NoticeKind}

    assert notices | {"welcome-first", "digest-one", "digest-few", "digest-many"} < set(made)
    assert len({specimen.title for specimen in made.values()}) == len(made)
    for specimen in made.values():
        assert specimen.subject
        assert specimen.header.startswith("To: reader@example.org\n")
        assert "\nSubject: " in specimen.header
        assert len(specimen.text) > 200
        assert "</html>" in specimen.html


def test_digests_are_for_as_many_places_as_they_say(made):
    assert "Ethiopia" in made["digest-one"].text
    assert "The place that you follow improved" in made["digest-one"].text
    assert "Of the 7 places that you follow" in made["digest-few"].text
    assert "all 34 places" in " ".join(made["digest-many"].text.split())
    assert "none got better or worse" in made["digest-unchanged"].text
    assert "told in brief" in " ".join(made["digest-short"].text.split())


def test_digests_keep_to_their_budgets_however_long_the_texts_are(made):
    for specimen in made.values():
        assert specimen.html_bytes <= HTML_BUDGET, specimen.name
        assert len(specimen.source) <= MESSAGE_BUDGET, specimen.name


def test_an_edition_to_read_is_in_the_welcome_only_when_there_is_one(made):
    assert "/editions/2022-11" in made["welcome"].text
    assert "/editions/2022-11" not in made["welcome-first"].text


def test_an_alert_tells_of_a_place_that_its_reader_follows(made):
    assert "Democratic Republic of Congo" in made["alert"].subject
    assert "Conflict Risk Alert" in made["alert"].text


@pytest.mark.parametrize("name", ["digest-few", "alert", "confirmation"])
def test_they_are_the_same_whenever_they_are_made(made, name):
    assert Specimens(PUBLICATION).get(name) == made[name]


def test_each_is_made_once():
    found = Specimens(PUBLICATION)

    assert found.get("alert") is found.get("alert")


def test_they_name_nobody(made):
    for specimen in made.values():
        assert set(re.findall(r"[\w.+-]+@[\w.-]+", specimen.text)) <= {"updates@example.org", "reader@example.org"}
        for token in re.findall(r"/(?:manage|unsubscribe|confirm|undo|address)/(\d+)", specimen.text):
            assert token == "0", specimen.name


@pytest.mark.parametrize("mode", list(PictureMode))
def test_pictures_are_shown_in_the_html_and_are_in_the_message_as_they_are_set(mode):
    specimen = Specimens(replace(PUBLICATION, pictures=mode)).get("digest-few")

    shown = re.findall(r'<(?:img|source)\b[^>]*?\bsrc(?:set)?="([^"]{0,30})', specimen.html)
    assert shown
    assert all(address.startswith("data:image/png;base64,") for address in shown)
    assert (b"Content-ID:" in specimen.source) is (mode is PictureMode.INLINE)
    assert (b"Content-Type: image/png" in specimen.source) is (mode is PictureMode.INLINE)
    assert specimen.html_bytes < len(specimen.html)


def test_an_unknown_name_is_told_with_those_that_there_are():
    with pytest.raises(NotFound, match=r"no mail is called 'goodby'; there are digest-one, .*goodbye"):
        Specimens(PUBLICATION).get("goodby")


def test_the_programs_own_templates_are_good():
    check_templates(PUBLICATION)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        pytest.param(
            "welcome/body.txt",
            "Dear reader,\n{% if latest.nam %}{% endif %}",
            "templates/email/welcome/body.txt, line 2: ",
            id="a name that is missing",
        ),
        pytest.param(
            "alert/subject.txt", "{{ place.name ", "templates/email/alert/subject.txt, line 1: ", id="a broken tag"
        ),
        pytest.param(
            "digest/entry.html", "\n\n{{ entry.nothing }}", "templates/email/digest/entry.html, line 3: ", id="an entry"
        ),
        pytest.param("style.css", "a { color: {{ colour }} }", "templates/email/style.css, line 1: ", id="the style"),
        pytest.param(
            "digest/body.html",
            "<!DOCTYPE html><html><body>{{ slots.summary }}</body></html>",
            "templates/email/digest/body.html: it tells entries without marks.block",
            id="a digest that nobody can leave",
        ),
        pytest.param(
            "confirmation/body.txt",
            "Hello",
            "templates/email/confirmation/body.txt: it lacks the link to confirm the subscription",
            id="a confirmation without its link",
        ),
    ],
)
def test_a_template_that_mails_can_not_be_made_of_is_told_by_its_file(override, name, content, told):
    with pytest.raises(TemplateError) as raised:
        check_templates(override(name, content))

    assert str(raised.value).startswith(told)
