"""Every page of the desk and of the way into it, in the states that it is shown in, for tests that look at all of them.

The desk that they are pages of is made by desk_filled.
"""

from __future__ import annotations

from tests.journeys.desk_acts import (
    NOBODY,
    STRICT,
    Shown,
    both,
    clash,
    logged_out,
    press,
    preview,
    send_anew,
    switch_on,
)
from tests.journeys.desk_filled import GUARDED
from tests.journeys.desk_people import PASSWORD

_CODE = both(press("Log in", address=GUARDED, password=PASSWORD), press("Log in", code="000000"))
_UPDATE, _SENT = "/admin/months/2022-11/KZ", "/admin/editions/2022-12"

ENTRANCE = [
    Shown(
        "login-wrong",
        "desk/login.html",
        "/admin/login?next=/admin/people",
        press("Log in", address="nobody@example.org", password="wrong"),
        403,
        NOBODY,
    ),
    Shown("login-provider", "desk/login.html", "/admin/login", who=NOBODY, site=STRICT),
    Shown(
        "provider-back",
        "desk/back_from_provider.html",
        "/admin/login/provider/back?code=c&state=s",
        who="begun",
        site=STRICT,
    ),
    Shown("code-wrong", "desk/login_code.html", "/admin/login", _CODE, 403, NOBODY),
    Shown("forgotten", "desk/forgotten.html", "/admin/forgotten", who=NOBODY),
    Shown(
        "forgotten-asked",
        "desk/forgotten.html",
        "/admin/forgotten",
        press("Send me a link", address="a@b.c"),
        who=NOBODY,
    ),
    Shown("invitation", "desk/new_password.html", "/admin/invitation/{invitation}", who=NOBODY),
    Shown(
        "reset-short",
        "desk/new_password.html",
        "/admin/reset/{password_reset}",
        press("Set my password", password="short"),
        400,
        NOBODY,
    ),
    Shown("dead-link", "desk/dead_link.html", "/admin/reset/forged", status=410, who=NOBODY),
]
MONTH = [
    Shown("board", "desk/board.html", "/admin/months/2022-11"),
    Shown("board-nothing", "desk/board.html", "/admin/months/2022-11?text=unheardof"),
    Shown("board-frozen", "desk/board.html", "/admin/months/2022-12"),
    Shown(
        "board-no-tick",
        "desk/board.html",
        "/admin/months/2023-05",
        press("Carry over the ticked places as unchanged"),
        400,
    ),
    Shown("board-no-place", "desk/board.html", "/admin/months/2022-11/add?place=Atlantis", status=400),
    Shown("update", "desk/update.html", "/admin/months/2022-11/ET"),
    Shown("update-new", "desk/update.html", "/admin/months/2022-11/FR"),
    Shown("update-to-review", "desk/update.html", "/admin/months/2022-11/ML", who="reviewer"),
    Shown("update-unsaved", "desk/update.html", "/admin/months/2022-11/ET?unsaved=1"),
    Shown(
        "update-wrong",
        "desk/update.html",
        _UPDATE,
        press("Save", headline="", link__url="relative", link__date=""),
        400,
    ),
    Shown("update-logged-out", "desk/once_more.html", _UPDATE, logged_out(press("Save")), 403),
    Shown("update-other-login", "desk/once_more.html", _UPDATE, send_anew("#update", csrf_token="another"), 400),
    Shown("update-conflict", "desk/update.html", _UPDATE, clash, 409),
    Shown("update-as-page", "place.html", _UPDATE, preview("As a page")),
    Shown("update-as-text", "desk/update_as_text.html", _UPDATE, preview("As text")),
    Shown("update-unfinished", "desk/update_unfinished.html", "/admin/months/2022-11/FR", preview("As a mail")),
    Shown(
        "update-pasted",
        "desk/update.html",
        "/admin/months/2022-11/paste?place=SD",
        press(
            "Take it apart",
            page="""\
Kazakhstan
November 2022
Unchanged Situation
Kazakhstan held talks.
Talks were held. They went well.""",
        ),
    ),
    Shown(
        "paste-wrong",
        "desk/paste.html",
        "/admin/months/2022-11/paste?place=SD",
        press("Take it apart", page="No place."),
        400,
    ),
    Shown("history", "desk/update_history.html", f"{_UPDATE}/history"),
    Shown("history-none", "desk/update_history.html", "/admin/months/2022-11/FR/history"),
    Shown(
        "history-conflict",
        "desk/update_history.html",
        f"{_UPDATE}/history",
        send_anew("form[action$=restore]", version="1"),
        409,
    ),
]
EDITIONS = [
    Shown("editions-wrong", "desk/editions.html", "/admin/", press("Assemble", month="November"), 400),
    Shown(
        "editions-halted",
        "desk/editions.html",
        "/admin/",
        press("Send from this database", word="no"),
        400,
        who="strict",
        site=STRICT,
    ),
    Shown("edition-draft", "desk/edition.html", "/admin/editions/2022-11"),
    Shown("edition-sending", "desk/edition.html", "/admin/editions/2023-01"),
    Shown(
        "edition-cancel", "desk/edition.html", "/admin/editions/2023-01", press("Cancel January 2023", month="no"), 400
    ),
    Shown("edition-give-up", "desk/edition.html", "/admin/editions/2023-02", press("Give up", month="no"), 400),
    Shown("edition-sent", "desk/edition.html", _SENT, who="author"),
    Shown("edition-timed", "desk/edition.html", "/admin/editions/2023-03"),
    Shown(
        "overview-wrong",
        "desk/edition.html",
        "/admin/editions/2022-11",
        press("Save the overview", overview="x" * 5001),
        400,
    ),
    Shown("checks", "desk/checks.html", "/admin/editions/2022-11/checks"),
    Shown(
        "checks-two",
        "desk/checks.html",
        "/admin/editions/2022-11/checks",
        press("Approve November 2022"),
        400,
        who="strict",
        site=STRICT,
    ),
    Shown("release", "desk/release.html", "/admin/editions/2022-11/release"),
    Shown(
        "release-no-time",
        "desk/release.html",
        "/admin/editions/2023-03/send?when=time&at=2020-01-01T09:00",
        status=400,
    ),
    Shown(
        "copies-wrong",
        "desk/copies.html",
        "/admin/editions/2022-11/copies",
        both(
            lambda page: page.locator("[value=reader]").check(), press("Send test copies", addresses="no", reader="0")
        ),
        400,
    ),
    Shown(
        "send-wrong",
        "desk/send.html",
        "/admin/editions/2023-03/send?when=now&at=2099-01-01T09:00",
        send_anew("form.typed", month="no"),
        400,
    ),
    Shown("send-nothing", "desk/send.html", "/admin/editions/2022-11/send"),
    Shown("preview", "desk/preview.html", "/admin/editions/2022-11/preview"),
    Shown("preview-text", "desk/preview.html", "/admin/editions/2022-11/preview?part=text&places=KZ"),
    Shown(
        "preview-wrong",
        "desk/preview.html",
        "/admin/editions/2022-11/preview?as=nobody&places=Atlantis&width=phone&scheme=dark&pictures=off",
        status=400,
    ),
    Shown("report", "desk/report.html", "/admin/editions/2023-04/report", press("Send once more", month="no"), 400),
    Shown("report-corrected", "desk/report.html", f"{_SENT}/report"),
    Shown("report-early", "desk/report.html", "/admin/editions/2023-01/report"),
    Shown("report-none", "desk/report.html", "/admin/editions/2022-10/report"),
    Shown("correction-begin", "desk/correction.html", "/admin/editions/2022-10/correction"),
    Shown("correction-early", "desk/correction.html", "/admin/editions/2023-01/correction"),
    Shown("correction", "desk/correction.html", f"{_SENT}/correction", press("Publish revision 3", month="no"), 400),
    Shown(
        "correct-wrong",
        "desk/correct_update.html",
        f"{_SENT}/correction/SD",
        press("Save in the correction", headline=""),
        400,
    ),
    Shown(
        "correct-conflict",
        "desk/correct_update.html",
        f"{_SENT}/correction/SD",
        send_anew("#correction", seen="0", headline="Mine.", do="save"),
        409,
    ),
    Shown(
        "correction-mail-wrong",
        "desk/correction_mail.html",
        f"{_SENT}/corrections/2/mail",
        both(press("Count the readers"), send_anew("form.typed", month="no")),
        400,
    ),
]
PEOPLE = [
    Shown("account", "desk/account.html", "/admin/account"),
    Shown(
        "account-wrong",
        "desk/account.html",
        "/admin/account",
        press(
            "Change my password, and end my other logins", password="wrong wrong wrong", new_password="another long one"
        ),
        400,
    ),
    Shown(
        "account-guarded",
        "desk/account.html",
        "/admin/account",
        press("Make new recovery codes", password=PASSWORD, code="000000"),
        400,
        "guarded",
    ),
    Shown(
        "second-factor", "desk/second_factor.html", "/admin/account/second-factor", press("Switch it on", code="0"), 400
    ),
    Shown("recovery-codes", "desk/recovery_codes.html", "/admin/account/second-factor", switch_on, who="author"),
    Shown("people-wrong", "desk/people.html", "/admin/people", press("Invite", address="no"), 400),
    Shown("person", "desk/person.html", "/admin/people/{guarded-id}", press("Close the account", address="no"), 400),
    Shown("person-self", "desk/person.html", "/admin/people/{owner-id}"),
    Shown("person-new", "desk/person.html", "/admin/people/{new-id}"),
    Shown("person-closed", "desk/person.html", "/admin/people/{closed-id}"),
    Shown("audit", "desk/audit.html", "/admin/audit"),
    Shown("audit-wrong", "desk/audit.html", "/admin/audit?actor=nobody&subject=x&since=yesterday", status=400),
    Shown("not-found", "error.html", "/admin/editions/2030-01", status=404),
    Shown("not-allowed", "error.html", "/admin/audit", status=403, who="author"),
]
SUBSCRIBERS = [
    Shown("subscribers", "desk/subscribers.html", "/admin/subscribers"),
    Shown("subscribers-found", "desk/subscribers.html", "/admin/subscribers", press("Find", written="reader")),
    Shown("subscribers-wrong", "desk/subscribers.html", "/admin/subscribers?follows=x&since=x", status=400),
    Shown("growth", "desk/subscribers_growth.html", "/admin/subscribers/growth"),
    Shown("add-wrong", "desk/subscriber_add.html", "/admin/subscribers/add", press("Add this person", email="no"), 400),
    Shown(
        "subscriber", "desk/subscriber.html", "/admin/subscribers/{active}", press("End the subscription", why=""), 400
    ),
    Shown(
        "subscriber-erase",
        "desk/subscriber.html",
        "/admin/subscribers/{waits}",
        press("Erase this person", word="no"),
        400,
    ),
    Shown("subscriber-silent", "desk/subscriber.html", "/admin/subscribers/{silent}"),
    Shown("subscriber-left", "desk/subscriber.html", "/admin/subscribers/{left}"),
    Shown(
        "follow-wrong",
        "desk/subscriber_follow.html",
        "/admin/subscribers/{active}/follow",
        press("Save what they follow", why=""),
        400,
    ),
    Shown("imports-wrong", "desk/imports.html", "/admin/subscribers/imports", press("Upload and check"), 400),
    Shown("import-reading", "desk/import.html", "/admin/subscribers/imports/{import-reading}"),
    Shown(
        "import-wrong",
        "desk/import.html",
        "/admin/subscribers/imports/{import-ready}",
        press("Take in 3 people", number="0"),
        400,
    ),
    *(
        Shown(f"import-{state}", "desk/import.html", f"/admin/subscribers/imports/{{import-{state}}}")
        for state in ("running", "done", "failed", "cancelled")
    ),
]
PAGES = [*ENTRANCE, *MONTH, *EDITIONS, *PEOPLE, *SUBSCRIBERS]
