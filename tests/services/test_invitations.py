"""A password by a mailed link: it works for its time, and once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from newsletter.delivery.outcome import Outcome, Phase, Verdict
from newsletter.delivery.reply import Reply
from newsletter.domain.address import Address
from newsletter.domain.role import Role
from newsletter.domain.states import NoticeKind, SuppressionReason
from newsletter.errors import Conflict, LinkExpired, LinkInvalid
from newsletter.mail.links import INVITATION_LIFETIME, PASSWORD_RESET_LIFETIME, Purpose
from newsletter.services import admins, claims, consequences, invitations, passwords, results, suppressions
from newsletter.storage.tables import Admin, Notice, Subscriber
from tests.conftest import NOW
from tests.services.stock import TOKENS, begin, dump

ADDRESS = Address.parse("ada@example.org")
SECOND = timedelta(seconds=1)


@pytest.fixture
def ada(database):
    """Invited, and without a password so far."""
    with database.writing() as session:
        return invitations.invite(session, ADDRESS, Role.AUTHOR, tokens=TOKENS, now=NOW).id


def armed(database):
    with database.writing() as session:
        arming, recording = begin(session)
        return claims.arm_notices(session, arming, limit=9), recording


def token_of(database, purpose, at=NOW):
    with database.reading() as session:
        query = select(Notice.id).where(Notice.kind == purpose.value).order_by(Notice.id.desc())
        return TOKENS.make_dated(purpose, session.scalars(query).first(), at=at)


def opened(database, purpose, token, at=NOW):
    with database.reading() as session:
        return invitations.opened(session, purpose, token, tokens=TOKENS, now=at).id


def set_password(database, admin_id):
    with database.writing() as session:
        admins.set_password(session, admins.locked(session, admin_id), passwords.hashed("a long password"))


def test_an_invitation_goes_to_the_address_and_its_link_sets_the_first_password(database, ada):
    (notice,), _ = armed(database)

    assert (notice.kind, notice.recipient.address, notice.created_at) == (
        NoticeKind.INVITATION,
        "ada@example.org",
        NOW,
    )
    token = token_of(database, Purpose.INVITATION)
    assert opened(database, Purpose.INVITATION, token) == ada
    assert opened(database, Purpose.INVITATION, token, NOW + INVITATION_LIFETIME) == ada
    with pytest.raises(LinkExpired):
        opened(database, Purpose.INVITATION, token, NOW + INVITATION_LIFETIME + SECOND)


def test_all_links_die_with_the_password_that_one_of_them_sets(database, ada):
    with database.writing() as session:
        invitations.invite_again(session, ada, tokens=TOKENS, now=NOW + SECOND)
        invitations.reset(session, ada, tokens=TOKENS, now=NOW + SECOND)
    tokens = {purpose: token_of(database, purpose) for purpose in (Purpose.INVITATION, Purpose.PASSWORD_RESET)}
    for purpose, token in tokens.items():
        assert opened(database, purpose, token) == ada

    set_password(database, ada)

    for purpose, token in tokens.items():
        with pytest.raises(LinkExpired):
            opened(database, purpose, token)


def test_a_link_of_one_kind_is_none_of_another(database, ada):
    with database.writing() as session:
        invitations.ask_for_reset(session, "ada@example.org", tokens=TOKENS, now=NOW)
        notice_id = session.scalars(select(Notice.id).where(Notice.kind == "password_reset")).one()
        confirmation = Notice(kind="welcome", created_at=NOW, state="sent")
        session.add(confirmation)
        session.flush()
        of_no_admin = confirmation.id

    for purpose, token in (
        (Purpose.INVITATION, TOKENS.make_dated(Purpose.PASSWORD_RESET, notice_id, at=NOW)),
        (Purpose.INVITATION, TOKENS.make_dated(Purpose.INVITATION, notice_id, at=NOW)),
        (Purpose.PASSWORD_RESET, TOKENS.make_dated(Purpose.PASSWORD_RESET, of_no_admin, at=NOW)),
        (Purpose.PASSWORD_RESET, TOKENS.make_dated(Purpose.PASSWORD_RESET, 999, at=NOW)),
        (Purpose.PASSWORD_RESET, TOKENS.make_dated(Purpose.CONFIRM, notice_id, at=NOW)),
        (Purpose.PASSWORD_RESET, "forged"),
    ):
        with pytest.raises(LinkInvalid):
            opened(database, purpose, token)


def test_a_link_to_a_new_password_works_for_an_hour(database, ada):
    with database.writing() as session:
        invitations.ask_for_reset(session, " ADA@example.org", tokens=TOKENS, now=NOW)
    token = token_of(database, Purpose.PASSWORD_RESET)

    assert opened(database, Purpose.PASSWORD_RESET, token, NOW + PASSWORD_RESET_LIFETIME) == ada
    with pytest.raises(LinkExpired):
        opened(database, Purpose.PASSWORD_RESET, token, NOW + PASSWORD_RESET_LIFETIME + SECOND)


def test_nothing_is_mailed_to_who_is_no_admin_or_closed(database, ada):
    with database.writing() as session:
        session.execute(delete(Notice))
        session.get_one(Admin, ada).closed_at = NOW
    before = dump(database)

    with database.writing() as session:
        for address in ("ada@example.org", "eve@example.org", "no address", ""):
            assert invitations.ask_for_reset(session, address, tokens=TOKENS, now=NOW) is None
        for act in (invitations.reset, invitations.invite_again):
            with pytest.raises(Conflict):
                act(session, ada, tokens=TOKENS, now=NOW)
    assert dump(database) == before


def test_strangers_can_have_only_so_many_mails_sent_to_an_admin(database, ada):
    asked = []
    for minutes in (0, 1, 20, 40, 60, 24 * 60 + 1):
        with database.writing() as session:
            at = NOW + timedelta(minutes=minutes)
            found = invitations.ask_for_reset(session, "ada@example.org", tokens=TOKENS, now=at)
            asked.append(found is not None)

    assert asked == [True, False, True, True, False, True]


def test_who_has_a_password_or_is_there_already_is_not_invited_again(database, ada):
    set_password(database, ada)

    with database.writing() as session:
        with pytest.raises(Conflict):
            invitations.invite_again(session, ada, tokens=TOKENS, now=NOW)
        with pytest.raises(Conflict):
            invitations.invite(session, ADDRESS, Role.OWNER, tokens=TOKENS, now=NOW)


def test_who_is_closed_before_the_mail_goes_out_gets_none_and_their_link_is_dead(database, ada):
    with database.writing() as session:
        session.get_one(Admin, ada).closed_at = NOW

    assert armed(database)[0] == []
    with database.reading() as session:
        assert session.scalars(select(Notice.detail)).one() == "ended"
    with pytest.raises(LinkExpired):
        opened(database, Purpose.INVITATION, token_of(database, Purpose.INVITATION))


def test_an_admin_who_wants_no_mail_as_a_reader_gets_this_one(database, ada):
    with database.writing() as session:
        suppressions.suppress(session, ADDRESS.key, SuppressionReason.COMPLAINT, tokens=TOKENS, now=NOW)

    assert len(armed(database)[0]) == 1


def test_a_bounce_of_an_admins_mail_ends_nobodys_subscription(database, ada):
    with database.writing() as session:
        session.add(
            Subscriber(
                address="ada@example.org",
                address_key=ADDRESS.key,
                language="en",
                state="active",
                follows="all",
                created_at=NOW,
            )
        )
    (notice,), recording = armed(database)
    reply = Reply(550, "5.1.1", "no such mailbox")
    outcome = Outcome(notice.claim, Verdict.NEVER, reply, Phase.RCPT)

    with database.writing() as session:
        taught = []
        consequences.learn(session, [(notice.claim, outcome)], lambda domain, _: taught.append(domain))
        assert results.record(session, [(notice.claim, outcome)], recording) == 1

    assert taught == ["example.org"]
    with database.reading() as session:
        assert session.scalars(select(Subscriber.state)).one() == "active"
        assert session.scalars(select(Notice.state)).one() == "failed"
