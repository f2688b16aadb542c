"""How far an edition is, as it happens: a stream of events for pages that are open, and one answer for programs.

A stream holds one of the server's few threads as long as it is open. So there are MOST_STREAMS at once, each for
LIFETIME seconds; its browser asks again by itself then. Whoever gets none asks for shown.json every few seconds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Final

from flask import Flask, Response, current_app, jsonify
from werkzeug.wrappers import Response as AnyResponse

from newsletter.domain.month import Month
from newsletter.domain.states import EditionState
from newsletter.services import editions as editions_
from newsletter.services.progress import Standing
from newsletter.web import progress
from newsletter.web.database import current_session, reading
from newsletter.web.desk.blueprint import desk
from newsletter.web.wiring import Wiring, wiring

MOST_STREAMS: Final = 2  #: of the server's threads, see cli.serving
LIFETIME: Final = 60.0  #: seconds
EVERY: Final = 2.0  #: seconds between two events, or as long as a count is good for
RETRY: Final = 3_000  #: milliseconds until a browser asks again
_NAME = "newsletter_streams"


@dataclass
class Streams:
    """How many streams are open, and how one of them waits."""

    free: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(MOST_STREAMS))
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic


def streams() -> Streams:
    """The application's."""
    found = current_app.extensions.setdefault(_NAME, Streams())
    if not isinstance(found, Streams):
        raise TypeError(f"another extension has the name {_NAME}")
    return found


@desk.get("/editions/<month:month>/progress.json")
def progress_json(month: Month) -> Response:
    """How far the edition is, for programs."""
    return jsonify(progress.standing(editions_.get(current_session(), month)).as_json())


@desk.get("/editions/<month:month>/shown.json")
def shown_json(month: Month) -> Response:
    """What its page shows anew, for those that get no stream."""
    standing = progress.standing(editions_.get(current_session(), month))
    return jsonify(progress.shown(standing, progress.watched().rates(str(month))))


@desk.get("/editions/<month:month>/events")
def events(month: Month) -> AnyResponse:
    """The same as a stream (HTML, 9.2, server-sent events); 204 tells a browser not to ask again."""
    editions_.get(current_session(), month)
    opened = streams()
    if not opened.free.acquire(blocking=False):
        return Response(status=204)
    current_session().close()  # a stream holds no connection between two events
    told = _told(current_app._get_current_object(), wiring(), opened, month)  # type: ignore[attr-defined]
    response = Response(told, mimetype="text/event-stream")
    response.call_on_close(opened.free.release)
    response.headers["X-Accel-Buffering"] = "no"  # nginx would keep it back
    return response


def _told(app: Flask, wired: Wiring, opened: Streams, month: Month) -> Iterator[str]:
    """Events until the edition is not being sent any more, or the stream has lived long enough."""
    over_at = opened.clock() + LIFETIME
    yield f"retry: {RETRY}\n\n"
    while True:
        with app.app_context():
            standing, told = _look(wired, month)
        # Each event tells all there is to show, so a page that has missed some needs none of them.
        yield f"id: {int(standing.at.timestamp())}\ndata: {json.dumps(told)}\n\n"
        pause = max(EVERY, standing.count.good_for)
        if standing.state is not EditionState.SENDING or opened.clock() + pause > over_at:
            return
        opened.sleep(pause)


def _look(wired: Wiring, month: Month) -> tuple[Standing, dict[str, object]]:
    watched = progress.watched()
    with reading() as session:
        standing = watched.at(session, editions_.get(session, month), now=wired.clock())
        return standing, progress.shown(standing, watched.rates(str(month)))
