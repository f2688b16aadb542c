"""A page of the desk that is looked at: who does, where, and what they do there before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyotp
from playwright.sync_api import Page, expect

from newsletter.cli.demo import HOST

Then = Callable[[Page], None]

OWNER, NOBODY = "owner", ""
DESK, STRICT = "desk", "strict"  #: sites: the second one needs two to approve, has a provider, and may send nothing


@dataclass(frozen=True, slots=True)
class Shown:
    """A page, who looks at it, and what is done there before."""

    name: str
    template: str  #: below templates/web
    path: str  #: with parts by their names in desk_filled
    then: Then | None = None
    status: int = 200
    who: str = OWNER
    site: str = DESK

    def show(self, page: Page, urls: Mapping[str, str], parts: Mapping[str, str]) -> None:
        """Be who looks at it, and go there."""
        url = urls[self.site]
        page.context.clear_cookies()
        if self.who:
            name, _, value = parts[f"as-{self.who}"].partition("=")
            page.context.add_cookies([{"name": name, "value": value, "domain": HOST, "path": "/admin"}])
        page.goto(url + self.path.format_map(parts))
        if self.then is not None:
            self.then(page)


def press(button: str, **typed: str) -> Then:
    """Type into fields, by their names, and press a button; the browser checks nothing before."""

    def act(page: Page) -> None:
        page.evaluate("for (const form of document.forms) form.noValidate = true")
        open_lists(page)
        pressed = page.get_by_role("button", name=button, exact=True).first
        for name, words in typed.items():
            form = pressed.locator("xpath=ancestor::form")
            form.locator(f"[name='{name.replace('__', '-')}']").first.fill(words)
        with page.expect_navigation():
            pressed.click()

    return act


def open_lists(page: Page) -> None:
    """What is folded away."""
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")


def both(*acts: Then) -> Then:
    """One after the other."""

    def act(page: Page) -> None:
        for each in acts:
            each(page)

    return act


def logged_out(then: Then) -> Then:
    """Do something after the login has ended."""

    def act(page: Page) -> None:
        page.context.clear_cookies()
        then(page)

    return act


def send_anew(form: str, **changes: str | None) -> Then:
    """Send a form of the page as it is, but for these hidden or chosen values; None takes a field out."""
    script = """
    ([selector, changes]) => {
      const form = document.querySelector(selector);
      for (const [name, value] of Object.entries(changes)) {
        form.querySelectorAll(`[name='${name}']`).forEach((field) => { field.disabled = true; });
        if (value === null) continue;
        const field = Object.assign(document.createElement("input"), { type: "hidden", name, value });
        form.append(field);
      }
      HTMLFormElement.prototype.submit.call(form);
    }
    """

    def act(page: Page) -> None:
        with page.expect_navigation():
            page.evaluate(script, [form, {name.replace("__", "-"): value for name, value in changes.items()}])

    return act


def preview(part: str) -> Then:
    def act(page: Page) -> None:
        page.get_by_role("button", name=part, exact=True).click()
        expect(page.frame_locator("iframe[name=shown]").locator("main, table").first).to_be_visible()

    return act


def clash(page: Page) -> None:
    """As if the form had been opened before somebody else saved."""
    send_anew("#update", version="1", headline="Other words.", do="draft")(page)


def switch_on(page: Page) -> None:
    """Set up a second factor, as the device of the page's secret would."""
    secret = page.locator("code.secret").inner_text().replace(" ", "")
    press("Switch it on", code=pyotp.TOTP(secret).now())(page)
