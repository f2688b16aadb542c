"""The desk, where editions are made and sent.

    blueprint   what all its pages have in common
    board       the month, place by place
    update      one place’s update, written (update_form: its form)
    history     the versions of an update
    paste       a page’s text, taken apart
    editions    listed, assembled, looked at
    checks      checked, proposed, approved, taken back
    release     dry run, previews, and when it goes
    copies      test copies of it, to colleagues
    sending     sent, paused, resumed, cancelled
    watching    how far it is, as it happens
    report      what became of it (report_chart: drawn), and once more to who failed
    corrections what was wrong in it, put right
    account     one's own password, second factor and logins
    people      who works at the desk
    audit       who did what
    subscribers looked for, added, exported; growth
    subscriber  one of them
    imports     lists of them

Who may use which page stands in web.access.
"""

from newsletter.web.desk import (
    account,
    audit,
    board,
    checks,
    copies,
    corrections,
    editions,
    history,
    imports,
    paste,
    people,
    release,
    report,
    sending,
    subscriber,
    subscribers,
    update,
    watching,
)
from newsletter.web.desk.blueprint import desk

__all__ = [
    "account",
    "audit",
    "board",
    "checks",
    "copies",
    "corrections",
    "desk",
    "editions",
    "history",
    "imports",
    "paste",
    "people",
    "release",
    "report",
    "sending",
    "subscriber",
    "subscribers",
    "update",
    "watching",
]
