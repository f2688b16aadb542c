"""The preview of a digest at the desk: how it can be looked at, and how large it is."""

from __future__ import annotations

import re

import pytest

from newsletter.domain.role import Role
from newsletter.storage.tables import Subscriber

PAGE = "/admin/editions/2022-11/preview"


@pytest.fixture
def desk(desk_of, approved):
    return desk_of(Role.SENDER)


def link_of(page, words):
    """The address of a link by its words."""
    found = re.search(rf'<a href="([^"]+)"[^>]*>{re.escape(words)}</a>', page)
    assert found, words
    return found[1].replace("&amp;", "&")


def frames(page):
    return [address.replace("&amp;", "&") for address in re.findall(r'<iframe sandbox="" src="([^"]+)"', page)]


def test_both_widths_are_shown_until_one_is_chosen(desk):
    page = desk.get(f"{PAGE}?places=KZ").text
    assert len(frames(page)) == 2

    for words, shown, other in (("Phone, 375 px", "phone", "desktop"), ("Desktop, 700 px", "desktop", "phone")):
        one = desk.get(link_of(page, words)).text
        assert len(frames(one)) == 1
        assert f'<figure class="{shown}">' in one
        assert f'<figure class="{other}">' not in one
        assert f'aria-current="true">{words}</a>' in one
        assert 'value="KZ"' in one


def test_the_colours_can_be_set_whatever_the_browser_prefers(desk):
    page = desk.get(f"{PAGE}?places=KZ").text
    usual, light, dark = (
        desk.get(frames(desk.get(link_of(page, each)).text)[0]).text for each in ("As this device", "Light", "Dark")
    )

    assert "prefers-color-scheme" in usual
    for shown in (light, dark):
        assert "prefers-color-scheme" not in shown
    assert len({usual, light, dark}) == 3


def test_pictures_can_be_left_out(desk):
    page = desk.get(f"{PAGE}?places=KZ").text
    with_them, without = (desk.get(frames(desk.get(link_of(page, each)).text)[0]).text for each in ("On", "Off"))

    assert re.search(r'<img\b[^>]* src="data:image/png;base64,', with_them)
    assert "data:image" not in without
    assert re.findall(r'<img\b[^>]* alt="([^"]*)"', without) == re.findall(r'<img\b[^>]* alt="([^"]*)"', with_them)


def test_what_was_chosen_stays_from_link_to_link_and_with_another_reader(desk):
    page = desk.get(f"{PAGE}?places=KZ&width=phone&scheme=dark&pictures=off").text

    for words in ("Text", "Desktop, 700 px", "Light", "On"):
        address = link_of(page, words)
        kept = {"width=", "scheme=", "pictures=off", "places=KZ"} - ({"pictures=off"} if words == "On" else set())
        assert all(each in address for each in kept), address
    for name, value in (("width", "phone"), ("scheme", "dark"), ("pictures", "off")):
        assert f'<input type="hidden" name="{name}" value="{value}">' in page


def test_who_wants_text_alone_is_shown_as_text_and_source(desk, database, sign_up):
    reader = sign_up("ada@example.org")
    with database.writing() as session:
        session.get_one(Subscriber, reader.id).text_only = True

    page = desk.get(f"{PAGE}?as=ada@example.org").text

    assert frames(page) == []
    assert ">HTML</a>" not in page
    assert 'aria-current="page">Text</a>' in page
    assert "Content-Type: text/plain; charset=utf-8" in desk.get(link_of(page, "Source")).text
    assert desk.get(f"{PAGE}/body?as=ada@example.org").status_code == 404


@pytest.mark.parametrize("query", ["width=tablet", "scheme=sepia", "pictures=on", "part=else"])
def test_a_look_that_there_is_not_is_not_found(desk, query):
    assert desk.get(f"{PAGE}?{query}").status_code == 404
    if not query.startswith("part"):
        assert desk.get(f"{PAGE}/body?{query}").status_code == 404


def test_an_editor_sees_both_sizes_with_their_budgets_and_what_is_told_in_brief(desk):
    page = desk.get(PAGE).text

    html, message = re.findall(r"<dd>([\d.]+) of (?:95|150) kB</dd>", page)
    assert 0 < float(html) < float(message)
    assert "<dt>Told in brief</dt><dd>None</dd>" in page


def test_a_subscriber_is_found_by_their_number_too(desk, sign_up):
    reader = sign_up("numbered@example.org", ("KZ",))

    assert "Kazakhstan" in desk.get(f"{PAGE}?as={reader.id}&part=text").text
    for number in ("999999", "9" * 30):
        response = desk.get(f"{PAGE}?as={number}")
        assert response.status_code == 400
        assert "Nobody with this number gets the digest" in response.text
