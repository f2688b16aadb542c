"""The desk of desk_filled, served, and one window in which its pages are looked at, one after the other."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from flask import Flask, template_rendered
from playwright.sync_api import Browser

from newsletter.cli.demo import Demo
from newsletter.services.approval import Approval
from newsletter.storage.database import Database
from newsletter.web import create_app
from newsletter.web.database import db
from tests.journeys import desk_filled
from tests.journeys.desk_acts import DESK, STRICT, Shown, open_lists
from tests.journeys.stock import serving_also
from tests.journeys.visit import Visit

PROVIDER = {"oidc_issuer": "http://127.0.0.1:9", "oidc_client_id": "newsletter", "oidc_client_secret": "a secret"}
#: What the browser says of a day that somebody typed into the address, and of axe in a frame where no script runs.
SAID = ("does not conform to the required format", "Failed to execute 'postMessage'")
LATER = 9_999_999_999  #: seconds since 1970


@contextmanager
def still(demo: Demo, folder: Path, **settings: object) -> Iterator[Demo]:
    """The demo's site once more, with a copy of its database on which nothing else works."""
    path = folder / "newsletter.db"
    with closing(sqlite3.connect(str(demo.database.path))) as source, closing(sqlite3.connect(path)) as target:
        source.backup(target)
    url = f"sqlite:///{path}"
    with closing(Database(url)) as database, serving_also(demo, database_url=url, instance=folder, **settings) as site:
        changed = replace(demo.settings, database_url=url, instance=folder, base_url=site, **settings)
        yield replace(demo, settings=changed, database=database)


@dataclass(frozen=True, slots=True)
class Tour:
    """Both sites, and the window."""

    desk: Demo
    strict: Demo  #: two to approve, a provider for logging in, and a database that may be a restored backup
    app: Flask  #: of the second, to be asked what it is made of
    parts: Mapping[str, str]  #: of the pages' paths, and the cookies of who looks at them
    visit: Visit

    def show(self, shown: Shown) -> None:
        """Open a page; it has to be the one that it is called."""
        made: set[str | None] = set()
        with template_rendered.connected_to(lambda _, template, **__: made.add(template.name)):
            shown.show(self.visit.page, self.urls, self.parts)
        assert shown.template in made, f"{shown.name} is made of {made}"
        if shown.status != 200:
            self.visit.forgive(shown.status)
        open_lists(self.visit.page)

    @property
    def urls(self) -> dict[str, str]:
        """By the names of the sites in desk_pages."""
        return {DESK: self.desk.settings.base_url, STRICT: self.strict.settings.base_url}

    def faults(self) -> list[str]:
        """What no page may do, and one has done since this was asked last."""
        ours = tuple(f"a request to {url}/" for url in self.urls.values())
        noted, self.visit.faults[:] = list(self.visit.faults), []
        return [each for each in noted if not each.startswith(ours) and not any(said in each for said in SAID)]


@contextmanager
def opened(
    browser: Browser, demo: Demo, folder: Path, words: Mapping[str, str] = desk_filled.PLAIN, **window: str
) -> Iterator[Tour]:
    """Made from a copy of the demo, filled with these words; a window in which no page leads on by itself."""
    for name in (DESK, STRICT):
        (folder / name).mkdir()
    with (
        still(demo, folder / DESK) as desk,
        still(demo, folder / STRICT, approval=Approval.TWO, **PROVIDER) as strict,
        browser.new_context(**window) as context,  # type: ignore[arg-type]
    ):
        app = create_app(strict.settings)
        serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
        begun = serializer.dumps({"provider": ["s", "n", "v", LATER, ""]})
        parts = desk_filled.halt(strict, words) | desk_filled.fill(desk, words)
        context.route("**/desk-go-on.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
        yield Tour(desk, strict, app, parts | {"as-begun": f"newsletter_desk={begun}"}, Visit(context, desk))
        with app.app_context():
            db.engine.dispose()
