"""All that is known of a reader: to be had as a file (GDPR, articles 15 and 20), and to be erased (article 17)."""

from __future__ import annotations

from flask import jsonify, render_template
from flask.typing import ResponseReturnValue

from newsletter.services import erasure, personal_data
from newsletter.storage.tables import Subscriber
from newsletter.web.database import current_session, cut_log
from newsletter.web.readers import manage_form
from newsletter.web.readers.own_page import OwnLink, by_fresh_link
from newsletter.web.readers.shared import readers, subscriber_shown
from newsletter.web.wiring import now, wiring

FILE_NAME = "my-subscription.json"


@readers.get("/manage/<token>/data")
@by_fresh_link
def download(link: OwnLink) -> ResponseReturnValue:
    subscriber = subscriber_shown(link.subscriber_id)
    response = jsonify(personal_data.collect(current_session(), subscriber, tokens=wiring().tokens))
    response.headers["Content-Disposition"] = f"attachment; filename={FILE_NAME}"
    return response


@readers.get("/manage/<token>/erase")
@by_fresh_link
def erase_form(link: OwnLink) -> ResponseReturnValue:
    subscriber = current_session().get(Subscriber, link.subscriber_id)
    if subscriber is None:
        return render_template("erased.html")
    return render_template("erase.html", link=link, subscriber=subscriber, button=manage_form.ERASE_WORDS)


@readers.post("/manage/<token>/erase")
@by_fresh_link
def erase(link: OwnLink) -> ResponseReturnValue:
    """Who is erased already gets the same answer: people press a button twice."""
    session = current_session()
    subscriber = session.get(Subscriber, link.subscriber_id)
    if subscriber is not None:
        erasure.erase(session, subscriber, tokens=wiring().tokens, now=now())
        session.commit()
        cut_log()
    return render_template("erased.html")
