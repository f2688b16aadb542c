"""Search over updates: a form that works by GET, and what it found."""

from __future__ import annotations

from flask import render_template, request

from newsletter.domain.place import Place, fold
from newsletter.services import search as search_
from newsletter.storage.places import gazetteer
from newsletter.web.database import current_session
from newsletter.web.site.blueprint import form_for_everything, site

PAGE = 20  #: updates
_LAST_PAGE = 500
_MOST_PLACES = 6


@site.get("/search")
def search_page() -> str:
    words = request.args.get("q", "")[: search_.LONGEST].strip()
    page = _page(request.args.get("page", ""))
    found = search_.search(current_session(), words, limit=PAGE, offset=(page - 1) * PAGE)
    return render_template(
        "search.html",
        words=words,
        found=found,
        page=page,
        first=(page - 1) * PAGE + 1,
        last_page=max(1, min(-(-found.total // PAGE), _LAST_PAGE)),
        places=_called(words) if page == 1 else [],
        signup=form_for_everything(),
    )


def _page(text: str) -> int:
    """The number of a page; the first one for whatever is none."""
    is_number = text.isascii() and text.isdigit() and len(text) < 6
    return min(max(int(text), 1), _LAST_PAGE) if is_number else 1


def _called(words: str) -> list[Place]:
    """The places of that name: who looks for a country mostly wants its page."""
    wanted = fold(words)
    if len(wanted) < 2:
        return []
    named = [
        place
        for place in gazetteer().places
        if any(fold(name).startswith(wanted) for name in (place.name, *place.aliases))
    ]
    return named[:_MOST_PLACES]
