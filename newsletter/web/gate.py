"""What stands before the forms that anybody can send: traps for programs, and limits.

    judge        whose work a form is, by the fields that parts/guard.html puts into it
    pass_through counts the request, has it done, and commits
    finish       the headers of a page with such a form

Who is trapped is answered like everybody, and costs the same: all is done, and undone. Who is over a limit is answered
like everybody too, but for the limit of the whole: that one says nothing about who asks, and people who get no mail
should know. See docs/abuse.md.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from flask import Response, g, request
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from newsletter.config.settings import Switch
from newsletter.domain.address import Address
from newsletter.domain.mailbox import mailbox
from newsletter.domain.networks import askers, read_ip
from newsletter.services.limits import DAY, HOUR, Limit, Limits
from newsletter.web import proof
from newsletter.web.database import current_session
from newsletter.web.security import PAGE_POLICY
from newsletter.web.wiring import now, wiring

TRAP = "homepage"  #: no person sees this field; a name that no browser fills in by itself
STAMP = "stamp"
AS_TYPED = "as_typed"  #: the address that its sender was asked about before

#: A page may be two days old in a tab. A form that is older is shown once more.
STAMP_LIFETIME = timedelta(days=2)
#: For so long a cache may take a page with another stamp for the same one (RFC 9110, 13.1.2).
_SAME_FOR = timedelta(hours=6)
#: Any more than its three mails a day a mailbox can't get: counted so that ada+1@, ada+2@ and so on are one.
MOST_A_MAILBOX = 10

_STAMPED = re.compile(rb"[0-9]{12,}\.[0-9a-f]{32}")  #: as make_stamp writes it

_STALE = "This page was open for long. Look whether all is as you want it, and send it once more."
_ONCE_MORE = "Send this once more, so that we know that a person asks."
_BUSY = "More people ask just now than we can write to. Try again in {minutes} minutes; nothing was sent so far."
_BUSY_WITHOUT_PROOF = "Turn on scripts for this page and send it again, or try again in {minutes} minutes."


class Manner(StrEnum):
    """How a form came back."""

    OURS = "ours"  #: made by us, in a person's time, with the proof of work where one is asked for
    BARE = "bare"  #: without our stamp, such as one pasted into a partner's page
    UNPROVEN = "unproven"  #: without the proof of work, such as from a browser without scripts
    STALE = "stale"  #: made by us, too long ago
    TRAPPED = "trapped"  #: as no person would send it


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a form has to tell its sender, with its fields as they were."""

    words: str
    status: int = 400
    retry_after: int | None = None  #: seconds


@dataclass(frozen=True, slots=True)
class Guard:
    """What parts/guard.html puts into a form."""

    stamp: str
    as_typed: str | None  #: the address that the form asks back about
    asks_for_proof: bool
    trap: str = TRAP


def guard() -> Guard:
    """For templates: one for all forms of a page."""
    if "stamp" not in g:
        g.stamp = make_stamp(now())
    wanted = wiring().settings.proof_of_work is Switch.ON
    return Guard(g.stamp, g.get(AS_TYPED), wanted)


def make_stamp(at: datetime) -> str:
    """The time that a form was made, in milliseconds, signed."""
    made_at = str(int(at.timestamp() * 1000))
    return f"{made_at}.{_sign(made_at)}"


def _sign(made_at: str) -> str:
    return wiring().tokens.digest("form", made_at)[:32]


def judge(form: MultiDict[str, str], session: Session) -> Manner:
    """Whose work a form is."""
    if form.get(TRAP):
        return Manner.TRAPPED
    stamp = form.get(STAMP, "")
    if not stamp:
        return Manner.BARE
    age = _age(stamp)
    if age is None or age < timedelta(seconds=wiring().settings.time_trap):
        return Manner.TRAPPED
    if age > STAMP_LIFETIME:
        return Manner.STALE
    if wiring().settings.proof_of_work is Switch.OFF:
        return Manner.OURS
    is_solved = proof.is_solved(session, form.get(proof.FIELD, ""), tokens=wiring().tokens, now=now())
    return Manner.OURS if is_solved else Manner.UNPROVEN


def _age(stamp: str) -> timedelta | None:
    """None for a stamp that is not ours."""
    made_at, _, signature = stamp.partition(".")
    if not stamp.isascii() or not hmac.compare_digest(_sign(made_at), signature):
        return None
    return now() - datetime.fromtimestamp(int(made_at) / 1000, UTC)


def pass_through(form: MultiDict[str, str], address: Address, act: Callable[[Session, bool], None]) -> Refusal | None:
    """Call `act` with the session and whether its work is kept, and commit; or say what the form must tell.

    None says nothing: done, or not done for a reason that its sender doesn't learn.
    """
    session = current_session()
    manner = judge(form, session)
    if manner is Manner.STALE:
        return Refusal(_STALE)
    limits = Limits("form", _limits(manner, address), tokens=wiring().tokens, now=now())
    reached = limits.reached(session)
    if reached is None:
        act(session, manner is not Manner.TRAPPED)
        reached = limits.count(session)
    if reached is None:
        session.commit()
        return None
    session.rollback()
    return _refusal(manner) if reached.kind == f"{manner} all" else None


def _limits(manner: Manner, address: Address) -> list[Limit]:
    """Each manner is counted apart, so that programs don't use up what people have."""
    settings = wiring().settings.signups_per_hour
    caps = settings if manner is Manner.OURS else settings.tenth()
    # What has written to nobody must not keep the owner of a mailbox from being written to.
    of_mailbox = f"{manner} mailbox" if manner is Manner.TRAPPED else "mailbox"
    found = [Limit(f"{manner} all", "", caps.all), Limit(of_mailbox, mailbox(address), MOST_A_MAILBOX, DAY)]
    ip = read_ip(request.remote_addr or "")
    # A proxy on this machine that is not trusted hides who asks: all would share one limit.
    if ip is None or ip.is_loopback:
        return found[::-1]
    machine, network = map(str, askers(ip))
    return [Limit(f"{manner} ip", machine, caps.ip), Limit(f"{manner} network", network, caps.network), *found[::-1]]


def _refusal(manner: Manner) -> Refusal | None:
    """What is told when the whole has had enough."""
    if manner is Manner.TRAPPED:
        return None
    if manner is Manner.BARE:
        return Refusal(_ONCE_MORE)
    left = int(HOUR.total_seconds()) - int(now().timestamp()) % int(HOUR.total_seconds())
    words = _BUSY_WITHOUT_PROOF if manner is Manner.UNPROVEN else _BUSY
    return Refusal(words.format(minutes=-(-left // 60)), 503, left)


def finish(response: Response) -> Response:
    """What a page with such a form needs in its headers: a tag, and leave to fetch a challenge where one is asked."""
    if wiring().settings.proof_of_work is Switch.ON and response.mimetype == "text/html":
        policy = response.headers.get("Content-Security-Policy", PAGE_POLICY)
        response.headers["Content-Security-Policy"] = f"{policy}; connect-src 'self'"
    if "stamp" in g and response.status_code == 200 and "ETag" not in response.headers:
        response.set_etag(tag(response.get_data(), now()), weak=True)
    return response


def tag(page: bytes, at: datetime) -> str:
    """What tells versions of a page apart, whatever its stamp: for a weak ETag (RFC 9110, 8.8.1).

    A cache that asks anew may go on with the old stamp, but not for as long as a form is good.
    """
    period = int(at.timestamp() // _SAME_FOR.total_seconds())
    return hashlib.sha256(_STAMPED.sub(b"%d" % period, page)).hexdigest()[:32]
