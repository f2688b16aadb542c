"""The blueprint of the public pages, and what these have in common."""

from __future__ import annotations

from flask import Blueprint, url_for

from newsletter.services import editorial
from newsletter.storage.places import gazetteer
from newsletter.web import forms, picker
from newsletter.web.database import current_session
from newsletter.web.site.kept import keep_pages
from newsletter.web.wiring import wiring

_MOST_BESIDE_LIST = 120  #: places; see tests/web/test_budget.py

site = Blueprint("site", __name__)
site.record(lambda state: keep_pages(state.app))


@site.app_context_processor
def _consent() -> dict[str, object]:
    """The short form stands on every page that is about the updates."""
    return {
        "consent_words": forms.consent_words(wiring().publication),
        "everything_words": forms.EVERYTHING_WORDS,
    }


def form_for_everything(shown: int = 0) -> picker.ShortForm:
    """The short form of a page about no place in particular, which shows this many places beside it.

    The list of all places takes a quarter of what a page may weigh. A page of most of the world has no room for it, and
    leads to one that has.
    """
    form = picker.for_everything(editorial.covered(current_session()), gazetteer())
    return form.by_region() if shown > _MOST_BESIDE_LIST else form


def absolute(endpoint: str, **values: object) -> str:
    """The address of a page for whoever is not on the site: below BASE_URL, never from a request."""
    return wiring().publication.links.base_url + url_for(endpoint, **values)  # type: ignore[arg-type]
