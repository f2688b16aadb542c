"""Who reaches what at the desk: every route, every role and nobody, every method, with and without a CSRF token.

The routes are walked from the application's own map. A page that is not in the table of web.access, or whose path has a
part that no value is given for here, fails.
"""

from __future__ import annotations

import pytest

from newsletter.domain.role import Act, Role, may
from newsletter.services import admins
from newsletter.web.access import ACTS
from tests.web.conftest import NOVEMBER, PASSWORD, Desk, dump
from tests.web.doors import OPEN, ask, routes


@pytest.fixture
def stranger(client):
    """A browser without a login, with a CSRF token of its own."""
    client.environ_base["wsgi.url_scheme"] = "https"
    return Desk(client)


def is_open_to(role, route) -> bool:
    """Whether somebody of this role, or nobody, passes the door."""
    return route.endpoint in OPEN or (role is not None and may(role, ACTS[route.endpoint]))


def test_every_route_of_the_desk_has_a_rule_and_no_rule_is_without_a_route(app):
    closed = {route.endpoint for route in routes(app)} - OPEN

    assert closed == set(ACTS)
    assert {route.endpoint for route in routes(app)} >= OPEN


@pytest.mark.parametrize("role", list(Role))
def test_each_role_reaches_what_it_may_and_nothing_else(app, desk_of, approved, role):
    desk = desk_of(role)
    form = {"csrf_token": desk.csrf()}

    for route in routes(app):
        if route.endpoint in OPEN:
            continue
        response = ask(desk.client, route, form)
        is_in = response.status_code != 403
        assert is_in is may(role, ACTS[route.endpoint]), (route, response.status_code)
        assert response.status_code < 500, route


@pytest.mark.parametrize("role", list(Role))
def test_what_a_role_may_not_do_changes_nothing_though_it_has_a_token(app, desk_of, database, approved, role):
    desk = desk_of(role)
    form, before = {"csrf_token": desk.csrf()}, dump(database)

    for route in routes(app):
        if route.endpoint in OPEN or may(role, ACTS[route.endpoint]):
            continue
        assert ask(desk.client, route, form).status_code == 403, route
    assert dump(database) == before


def test_nobody_is_led_to_the_login_and_no_button_does_anything(app, stranger, database, approved):
    before = dump(database)
    form = {"csrf_token": stranger.csrf(), "month": str(NOVEMBER)}

    for route in routes(app):
        if route.endpoint in OPEN:
            continue
        response = ask(stranger.client, route, form)
        if route.is_safe:
            assert response.status_code == 302, route
            assert response.location.startswith("/admin/login?next=/admin"), route
        else:
            assert response.status_code == 403, route
    assert dump(database) == before


@pytest.mark.parametrize("role", [*Role, None], ids=[*(role.value for role in Role), "nobody"])
def test_without_a_csrf_token_no_button_does_anything(app, stranger, desk_of, database, approved, role):
    asking = desk_of(role).client if role else stranger.client
    before = dump(database)
    unsafe = [route for route in routes(app) if not route.is_safe]
    assert len(unsafe) >= 25

    for route in unsafe:
        for token in ({}, {"csrf_token": "forged"}):
            form = {"month": str(NOVEMBER), "address": "owner@example.org", "password": PASSWORD, **token}
            # A form with a file is read after the guard: who may not send it is told that first.
            refusals = {400} if is_open_to(role, route) else {400, 403}
            assert ask(asking, route, form).status_code in refusals, route
    assert dump(database) == before


def test_the_token_of_another_login_presses_no_button(app, desk_of, database, approved):
    desk, other = desk_of(Role.OWNER), desk_of(Role.AUTHOR)
    form, before = {"csrf_token": other.csrf()}, dump(database)

    for route in routes(app):
        if not route.is_safe:
            assert ask(desk.client, route, form).status_code == 400, route
    assert dump(database) == before


@pytest.mark.parametrize("role", list(Role))
def test_a_look_at_any_page_changes_nothing(app, desk_of, database, approved, role):
    desk = desk_of(role)
    before = dump(database)

    for route in routes(app):
        if route.is_safe:
            ask(desk.client, route, None)
    assert dump(database) == before


def test_a_page_that_is_not_in_the_table_is_closed_to_everyone(desk_of, monkeypatch):
    desk = desk_of(Role.OWNER)
    monkeypatch.delitem(ACTS, "desk.editions")

    assert desk.get("/admin/").status_code == 403


def test_who_is_closed_is_out_at_once(desk_of, database, clock):
    desk = desk_of(Role.AUTHOR)
    desk_of(Role.OWNER)
    with database.writing() as session:
        author = admins.by_address(session, "author@example.org")
        admins.close(session, author.id, by=None, now=clock())

    assert desk.get("/admin/account").status_code == 302
    assert desk.log_in("author@example.org").status_code == 403


def test_a_new_role_counts_from_the_next_page_on(desk_of, database):
    desk = desk_of(Role.AUTHOR)
    assert desk.get("/admin/people").status_code == 403

    with database.writing() as session:
        author = admins.by_address(session, "author@example.org")
        admins.change_role(session, author.id, Role.OWNER, by=None)

    assert desk.get("/admin/people").status_code == 200


@pytest.mark.parametrize("role", list(Role))
def test_the_navigation_shows_each_role_the_rooms_that_it_may_enter_and_no_other(desk_of, role):
    desk = desk_of(role)
    page = desk.get("/admin/account").text

    for path, act in (
        ("/admin/account", Act.VIEW),
        ("/admin/people", Act.ADMINISTER),
        ("/admin/audit", Act.ADMINISTER),
    ):
        assert (f'href="{path}"' in page) is may(role, act), path
        assert (desk.get(path).status_code == 200) is may(role, act)
    assert 'href="/admin/account" aria-current="page"' in page
