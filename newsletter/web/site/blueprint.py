"""The blueprint of the public pages, and what these have in common."""

from __future__ import annotations

from flask import Blueprint, url_for

from newsletter.services import editorial
from newsletter.storage.places import gazetteer
from newsletter.web import forms, picker
from newsletter.web.database import current_session
from newsletter.web.site.kept import keep_pages
from newsletter.web.wiring import wiring

site = Blueprint("site", __name__)
site.record(lambda state: keep_pages(state.app))


@site.app_context_processor
def _consent() -> dict[str, object]:
    """The short form stands on most pages."""
    return {
        "consent_words": forms.consent_words(wiring().publication),
        "everything_words": forms.EVERYTHING_WORDS,
    }


def form_for_everything() -> picker.ShortForm:
    """The short form of a page about no place."""
    return picker.for_everything(editorial.covered(current_session()), gazetteer())


def absolute(endpoint: str, **values: object) -> str:
    """The address of a page for whoever is not on the site: below BASE_URL, never from a request."""
    return wiring().publication.links.base_url + url_for(endpoint, **values)  # type: ignore[arg-type]
