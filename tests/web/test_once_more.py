"""Words that were sent under a login that is over are held, and saved by one more press."""

from __future__ import annotations

import re

from newsletter.domain.role import Role
from newsletter.services import editorial
from tests.web.conftest import BASE_URL, NOVEMBER, PASSWORD
from tests.web.forms import read_form

PAGE = "/admin/months/2022-11/KZ"


def resend(desk, page):
    """Press the one button of a page that holds what was sent."""
    fields = dict(re.findall(r'<textarea name="([^"]+)" hidden>\n(.*?)</textarea>', page, re.DOTALL))
    fields["csrf_token"] = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    return desk.client.post(PAGE, data=fields, headers={"Referer": BASE_URL})


def test_what_is_saved_after_the_login_ended_and_began_anew_is_not_lost(desk_of, database):
    desk = desk_of(Role.AUTHOR)
    form = {name: values[0] for name, values in read_form(desk.get(PAGE).text, "update").items()}
    form |= {"headline": "Talks <b>went</b> on.", "do": "draft"}
    desk.post("/admin/logout")

    out = desk.client.post(PAGE, data=form, headers={"Referer": BASE_URL})
    assert out.status_code == 403
    assert "You are logged out." in out.text
    assert "Talks &lt;b&gt;went&lt;/b&gt; on." in out.text

    desk.log_in("author@example.org", PASSWORD)
    anew = desk.client.post(PAGE, data=form, headers={"Referer": BASE_URL})
    assert anew.status_code == 400
    assert "You have logged in anew" in anew.text
    with database.reading() as session:
        assert editorial.get(session, "KZ", NOVEMBER).headline != "Talks <b>went</b> on."


def test_one_press_more_saves_it(desk_of, database):
    desk = desk_of(Role.AUTHOR)
    form = {name: values[0] for name, values in read_form(desk.get(PAGE).text, "update").items()}
    held = desk.client.post(
        PAGE,
        data=form | {"headline": "Talks went on.", "do": "draft", "csrf_token": "another login's"},
        headers={"Referer": BASE_URL},
    )

    assert resend(desk, held.text).status_code == 303
    with database.reading() as session:
        assert editorial.get(session, "KZ", NOVEMBER).headline == "Talks went on."


def test_no_password_is_held(desk_of):
    page = desk_of(Role.AUTHOR).client.post(
        "/admin/account/password",
        data={"csrf_token": "another login's", "password": "correct horse", "new_password": "battery staple"},
        headers={"Referer": BASE_URL},
    )

    assert page.status_code == 400
    assert "horse" not in page.text
    assert "staple" not in page.text


def test_who_is_out_and_sends_a_form_of_the_login_page_gets_no_such_page(client):
    page = client.post("/admin/login", data={"address": "ada@example.org"}, headers={"Referer": BASE_URL})

    assert page.status_code == 400
    assert "held" not in page.text
