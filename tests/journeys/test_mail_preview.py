"""Whoever works on the templates: every mail in a browser, which follows each change."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from newsletter import config
from newsletter.cli.serving import Server
from newsletter.config import Settings
from newsletter.mail import templates
from newsletter.web import mails
from tests.journeys.stock import at_work

HOST = "127.0.0.1"
WIDTHS = (320, 375, 1280)
FRAME = "() => document.querySelector('iframe').contentWindow"
LIGHT, DARK = "rgb(250, 248, 245)", "rgb(20, 22, 26)"  #: the two papers


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """The preview's address, on a port of its own."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    server = Server(mails.create_app(settings), HOST, port)
    with at_work(server):
        yield f"http://{HOST}:{port}"
        server.close()
    templates.refresh()


@contextmanager
def fetching_only_from(url: str, context: BrowserContext) -> Iterator[None]:
    """Nothing that is looked at within may be fetched from elsewhere."""
    strangers: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((f"{url}/", "data:")):
            strangers.append(request.url)

    context.on("request", note)
    yield
    context.remove_listener("request", note)
    assert strangers == []


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A preview of the program's own templates."""
    with serving(config.load({}, instance=str(tmp_path_factory.mktemp("instance")))) as url:
        yield url


@pytest.fixture(scope="module")
def tab(browser: Browser, shipped: str) -> Iterator[Page]:
    """What the preview that nobody edits is looked at in. It is closed first: a server waits for its readers."""
    with browser.new_context() as context:
        yield context.new_page()


@pytest.fixture
def look(shipped: str, tab: Page) -> Iterator[Callable[..., Page]]:
    """Open a page of the preview that nobody edits, in a browser that is set to light or to dark paper."""

    def opened(path: str, scheme: str = "light") -> Page:
        tab.set_viewport_size({"width": 1280, "height": 900})
        tab.emulate_media(color_scheme=scheme)
        tab.goto(shipped + path)
        return tab

    with fetching_only_from(shipped, tab.context):
        yield opened


@pytest.fixture
def edited(settings: Settings) -> Iterator[str]:
    """A preview whose templates the test edits."""
    with serving(settings) as url:
        yield url


@pytest.fixture
def look_on(browser: Browser, edited: str) -> Iterator[Callable[..., Page]]:
    """Open a page of the preview whose templates the test edits, in a browser whose clock can be set forward."""
    contexts = ExitStack()

    def opened(path: str, *, scripts: bool = True) -> Page:
        context = contexts.enter_context(browser.new_context(java_script_enabled=scripts))
        contexts.enter_context(fetching_only_from(edited, context))
        page = context.new_page()
        page.clock.install()
        page.goto(edited + path)
        return page

    with contexts:
        yield opened


@pytest.fixture
def override(settings: Settings) -> Callable[[str, str], None]:
    """Save a template of the instance's own, later than the time it had."""
    clock = iter(range(1, 100))

    def saved(name: str, content: str) -> None:
        path: Path = settings.instance / "templates" / "email" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        second = path.stat().st_mtime + next(clock)
        os.utime(path, (second, second))

    return saved


def paper(page: Page) -> str:
    """The colour behind the mail in the frame."""
    colour: str = page.evaluate(f"({FRAME})().getComputedStyle(({FRAME})().document.body).backgroundColor")
    return colour


def settle(page: Page) -> Page:
    """With the mail in its frame there."""
    page.wait_for_load_state()  # it is loaded when its frames are
    return page


def let_a_second_pass(page: Page) -> None:
    """For the page alone, which asks then whether a template has changed."""
    expect(page.get_by_role("status")).to_have_text("Loads itself when a template changes.")
    page.clock.fast_forward(1000)


def test_all_mails_are_listed_with_their_sizes_and_lead_to_each(look):
    page = look("/")

    expect(page.get_by_role("heading", level=1, name="All mails")).to_be_visible()
    row = page.get_by_role("row").filter(has_text="Digest for seven places")
    expect(row).to_contain_text("November 2022")
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1, name="Digest for seven places")).to_be_visible()
    settle(page)
    assert page.evaluate(f"({FRAME})().document.title").startswith("Country Updates, November 2022")
    page.get_by_role("navigation", name="Mails").get_by_role("link", name="Goodbye").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Goodbye")


def test_a_mail_is_shown_in_either_scheme_whatever_the_browser_is_set_to(look):
    for browsers in ("light", "dark"):
        page = settle(look("/mails/digest-one", scheme=browsers))
        assert paper(page) == LIGHT
        page.get_by_role("link", name="Dark").click()
        page.wait_for_url("**scheme=dark")
        assert paper(settle(page)) == DARK


def test_a_mail_is_shown_on_a_phone_and_without_its_pictures(look):
    page = settle(look("/mails/digest-one"))
    assert page.evaluate(f"[...({FRAME})().document.images].every((image) => image.naturalWidth > 0)")
    assert page.evaluate(f"({FRAME})().innerWidth") == 700

    page.get_by_role("link", name="Phone, 375 px").click()
    page.wait_for_url("**width=phone")
    page.get_by_role("link", name="Without pictures").click()
    page.wait_for_url("**pictures=off")

    settle(page)
    assert page.evaluate(f"({FRAME})().innerWidth") == 375
    assert page.evaluate(f"[...({FRAME})().document.images].every((image) => !image.currentSrc && image.alt)")


def test_text_headers_and_source_are_shown_as_they_are_sent(look):
    page = look("/mails/welcome?part=text")
    expect(page.locator("pre")).to_contain_text("You are subscribed")
    page.get_by_role("link", name="Headers").click()
    expect(page.locator("pre")).to_contain_text("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    page.get_by_role("link", name="Source").click()
    expect(page.locator("pre")).to_contain_text("Content-Transfer-Encoding: quoted-printable")


def test_a_change_of_a_template_is_shown_at_the_place_where_the_mail_was_read(look_on, override):
    own = (templates.folder() / "email" / "digest" / "body.txt").read_text(encoding="utf-8")
    page = settle(look_on("/mails/digest-few"))
    page.evaluate(f"({FRAME})().scrollTo(0, 900)")

    with page.expect_event("load"):
        override("welcome/subject.txt", "Come in")
        let_a_second_pass(page)

    settle(page)
    assert page.evaluate(f"({FRAME})().scrollY") == pytest.approx(900, abs=3)
    with page.expect_event("load"):
        override("digest/body.txt", f"Dear friend,\n{own}")
        let_a_second_pass(page)
    page.get_by_role("link", name="Text", exact=True).click()
    expect(page.locator("pre")).to_contain_text("Dear friend,")


def test_a_broken_template_is_told_and_the_mail_comes_back_when_it_is_mended(look_on, override):
    page = look_on("/mails/goodbye")

    override("goodbye/body.txt", "Goodbye\n\n{{ folows }}\n")
    let_a_second_pass(page)

    expect(page.get_by_role("heading", level=1, name="A template is broken")).to_be_visible()
    expect(page.get_by_role("definition")).to_have_text(["templates/email/goodbye/body.txt", "3"])
    expect(page.get_by_text("'folows' is undefined")).to_be_visible()
    override("goodbye/body.txt", "Goodbye, {{ follows | join }}\n")
    let_a_second_pass(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Goodbye")


def test_a_broken_template_is_told_in_the_list_beside_the_mails_that_can_be_made(look_on, override):
    override("alert/subject.txt", "{% if %}")

    page = look_on("/")

    expect(page.get_by_role("row").filter(has_text="Can’t be made")).to_contain_text("alert/subject.txt, line 1")
    expect(page.get_by_role("row").filter(has_text="Goodbye")).not_to_contain_text("Can’t be made")


def test_without_scripts_all_is_there_and_loading_it_again_shows_a_change(look_on, override):
    page = look_on("/mails/welcome?part=text", scripts=False)
    expect(page.get_by_role("status")).to_have_text("After a change of a template, load the page again.")

    override("welcome/body.txt", "Come in, {{ follows | join }}")
    page.reload()

    expect(page.locator("pre")).to_contain_text("Come in, ")


@pytest.mark.parametrize("path", ["/", "/mails/digest-one", "/mails/alert?part=headers", "/mails/nothing"])
def test_no_page_scrolls_sideways(look, path):
    page = look(path)

    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


@pytest.mark.parametrize(
    "path", ["/mails/nothing", "/mails/welcome?part=pdf", "/mails/welcome?scheme=pink", "/nothing"]
)
def test_what_is_not_there_leads_back_to_the_list(look, path):
    page = look(path)

    expect(page.get_by_role("heading", level=1)).to_have_text("Page not found")
    page.get_by_role("main").get_by_role("link", name="See all mails").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("All mails")
