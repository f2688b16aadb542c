"""A mail's HTML as a page of ours shows it."""

from __future__ import annotations

import email
from dataclasses import replace
from email import policy
from email.message import EmailMessage

from newsletter.domain.month import Month
from newsletter.mail import parts
from newsletter.mail.brand import Brand
from newsletter.mail.pictures.picture import Image, Picture, Scheme
from newsletter.mail.showing import carried_images, in_scheme, taken_apart, with_pictures, without_pictures
from tests.mail.publisher import PUBLICATION

MAP = Image("map-1.png", b"map")
NIGHT = Image("night-1.png", b"night")
LOGO = Image("logo-1.jpeg", b"logo", "jpeg")
MAP_URI, NIGHT_URI = "data:image/png;base64,bWFw", "data:image/png;base64,bmlnaHQ="


def test_the_pictures_that_are_known_are_put_in_and_others_stay_as_they_are():
    html = '<p><img alt="Map" src="https://example.org/map?a=1&amp;b=2"><img src="cid:logo"><img src="x.png"></p>'

    shown = with_pictures(html, {"https://example.org/map?a=1&b=2": MAP, "cid:logo": LOGO})

    assert shown == (
        f'<p><img alt="Map" src="{MAP_URI}"><img src="data:image/jpeg;base64,bG9nbw=="><img src="x.png"></p>'
    )


def test_a_source_for_dark_paper_and_for_dense_screens_is_put_in_too():
    html = '<source media="(prefers-color-scheme: dark)" srcset="night, night@2 2x"><img src="map">'

    shown = with_pictures(html, {"night": NIGHT, "night@2": NIGHT, "map": MAP})

    assert f'srcset="{NIGHT_URI}, {NIGHT_URI} 2x"' in shown
    assert f'src="{MAP_URI}"' in shown


def test_an_alternative_text_that_looks_like_an_address_or_ends_like_a_tag_stays_a_text():
    html = """<img alt="3 > 2, src='map' and &quot; src=&quot;map&quot;" src="map">"""

    assert with_pictures(html, {"map": MAP}).count("data:") == 1
    assert "src='map'" in with_pictures(html, {"map": MAP}).replace("&#x27;", "'")


def test_without_pictures_their_texts_stay_and_nothing_is_left_to_load():
    html = '<picture><source srcset="night"><img src="map" srcset="map 2x" alt="World map" width="640"></picture>'

    assert without_pictures(html) == '<picture><img alt="World map" width="640"></picture>'


STYLED = (
    '<html style="color-scheme: light dark"><meta name="color-scheme" content="light dark">'
    '<meta name="viewport" content="width=device-width"><style>:root{color-scheme:light dark}'
    "@media (prefers-color-scheme:dark){p{color:#fff}}@media screen and (prefers-color-scheme: light){p{color:#000}}"
    '</style><source media="(prefers-color-scheme: dark)" srcset="night"><p>(prefers-color-scheme: dark)</p>'
)


def test_a_scheme_decides_every_question_for_it_and_changes_no_words():
    dark, light = in_scheme(STYLED, Scheme.DARK), in_scheme(STYLED, Scheme.LIGHT)

    assert "@media (min-width: 0){p{color:#fff}}@media screen and (max-width: 0){p{color:#000}}" in dark
    assert "@media (max-width: 0){p{color:#fff}}@media screen and (min-width: 0){p{color:#000}}" in light
    assert '<source media="(min-width: 0)"' in dark
    assert '<source media="(max-width: 0)"' in light
    for shown, scheme in ((dark, "dark"), (light, "light")):
        assert f'<meta name="color-scheme" content="{scheme}">' in shown
        assert f":root{{color-scheme: {scheme}}}" in shown
        assert f'<html style="color-scheme: {scheme}">' in shown
        assert '<meta name="viewport" content="width=device-width">' in shown
        assert "<p>(prefers-color-scheme: dark)</p>" in shown


def test_the_pictures_that_a_message_carries_are_found_by_their_content_id():
    body = parts.related(
        "=_b", parts.text("html", '<img src="cid:a@example.org">'), [parts.picture(LOGO, "a@example.org")]
    )
    message = email.message_from_bytes(body, _class=EmailMessage, policy=policy.SMTP)

    found = carried_images(message)

    assert {name: (image.data, image.subtype) for name, image in found.items()} == {
        "cid:a@example.org": (b"logo", "jpeg")
    }


def test_a_message_is_taken_apart_with_the_pictures_of_its_edition_of_its_publisher_and_its_own():
    publication = replace(PUBLICATION, brand=Brand(logo=Picture(LOGO, None, "Example", 120, 40)))
    links = publication.links
    sources = (links.picture(Month(2022, 11), MAP.name), links.brand(LOGO.name), "cid:night@example.org")
    html = "".join(f'<img src="{source}">\n' for source in sources)
    shown = parts.related("=_r", parts.text("html", html), [parts.picture(NIGHT, "night@example.org")])
    body = parts.alternative("=_a", [parts.text("plain", "Words.\n"), shown])

    mail = taken_apart(b"Subject: =?utf-8?q?=C3=89t=C3=A9?=\r\n" + body, publication, Month(2022, 11), [MAP])

    assert (mail.subject, mail.text) == ("Été", "Words.\n")
    assert [uri in mail.html for uri in (MAP_URI, "data:image/jpeg;base64,bG9nbw==", NIGHT_URI)] == [True] * 3
    assert mail.html_bytes == len(html.replace("\n", "\r\n")), "as it is sent"
