"""Every mail that we send, made of the sample month: for previews, for checks of their look, and to try the templates.

All is the same whenever it is made: at one time, for one reader at example.org who has no page of their own, so that
the links name nobody. Only the publication differs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial

from newsletter.domain import subject as subjects_
from newsletter.domain.correction import Correction
from newsletter.domain.edition import Contents
from newsletter.domain.month import Month
from newsletter.domain.states import NoticeKind
from newsletter.domain.update import Trend, Update
from newsletter.errors import NotFound, TemplateError
from newsletter.mail import compiling, copies, notice, showing
from newsletter.mail.compiled import Compiled
from newsletter.mail.copies import CopySource
from newsletter.mail.links import Links
from newsletter.mail.pictures.picture import Image
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient
from newsletter.mail.showing import Shown
from newsletter.mail.splicing import Splicer
from newsletter.services import sample
from newsletter.storage.places import gazetteer

AT = datetime(2022, 12, 1, 9, 0, tzinfo=UTC)  #: the 1st of the month after the sample's last
NOBODY = 0  #: no subscriber has this id
ADDRESS = "reader@example.org"

_ONE = ("ET",)
_FEW = ("KZ", "KG", "SD", "ET", "UA", "CD", "AF")
_NOTICE_FOLLOWS = ("central-asia", "CD", "ET")
_ALERTED = "CD"  #: has a Conflict Risk Alert in the sample month
_WRONG = "We gave the wrong town for the talks, and the wrong day."
_COLLEAGUE = "an editor"
_LONGER = 3  #: times; what a development has to say, where the texts are long

_TITLES = {
    NoticeKind.CONFIRMATION: "Confirmation: the question whether they meant it",
    NoticeKind.WELCOME: "Welcome, with an edition to read",
    NoticeKind.MANAGE_LINK: "Link to their own page",
    NoticeKind.ALREADY_SUBSCRIBED: "Already subscribed, to who asks by the form",
    NoticeKind.ADDRESS_CHANGE: "Change of address: the question at the new one",
    NoticeKind.ADDRESS_CHANGED: "Change of address: the word to the old one",
    NoticeKind.INVITATION: "Invitation to the desk",
    NoticeKind.PASSWORD_RESET: "New password for the desk",
    NoticeKind.GOODBYE: "Goodbye, with a way back",
    NoticeKind.ALERT: "Alert, as soon as it is published",
    NoticeKind.TEST_COPY: "Test copy of a digest, to a colleague",
    NoticeKind.CORRECTION: "Correction, to who got the wrong update",
}


@dataclass(frozen=True, slots=True)
class Specimen(Shown):
    """One mail, as it is sent and as a client shows it."""

    name: str
    title: str  #: says which mail it is, and for whom
    folder: str  #: of its templates
    source: bytes  #: the whole message, headers first

    @property
    def header(self) -> str:
        """The header fields as they are sent (RFC 5322), with plain line ends."""
        return self.source.partition(b"\r\n\r\n")[0].decode().replace("\r\n", "\n")


@dataclass(frozen=True, slots=True)
class _Made:
    data: bytes
    hosted: Sequence[Image] = ()  #: of the edition


@dataclass(frozen=True, slots=True)
class _Maker:
    title: str
    folder: str  #: of its templates
    make: Callable[[], _Made]


class Specimens:
    """All specimens of a publication, each made once, when it is first asked for; so is what several are made of."""

    def __init__(self, publication: Publication) -> None:
        self._publication = publication
        self._compiled: dict[str, Compiled] = {}
        self._found: dict[str, Specimen] = {}
        self._makers = self._digests() | self._notices()

    @property
    def titles(self) -> dict[str, str]:
        """What there is, by name."""
        return {name: maker.title for name, maker in self._makers.items()}

    def get(self, name: str) -> Specimen:
        """One of them. Raises NotFound, and TemplateError when its templates are broken."""
        maker = self._makers.get(name)
        if maker is None:
            raise NotFound(f"no mail is called {name[:40]!r}; there are {', '.join(self._makers)}")
        if name not in self._found:
            self._found[name] = self._made(name, maker)
        return self._found[name]

    def _made(self, name: str, maker: _Maker) -> Specimen:
        made = maker.make()
        shown = showing.taken_apart(made.data, self._publication, sample.LATEST, made.hosted)
        return Specimen(
            name=name,
            title=maker.title,
            folder=maker.folder,
            subject=shown.subject,
            html=shown.html,
            text=shown.text,
            html_bytes=shown.html_bytes,
            source=made.data,
        )

    @cached_property
    def _sample(self) -> Contents:
        return sample.latest_contents()

    def _digests(self) -> dict[str, _Maker]:
        made: dict[str, tuple[str, Callable[[], _Made]]] = {
            "one": ("Digest for one place", partial(self._digest, "sample", _ONE)),
            "few": ("Digest for seven places", partial(self._digest, "sample", _FEW)),
            "many": ("Digest for everything", partial(self._digest, "sample", (subjects_.ALL,))),
            "unchanged": ("Digest of places without a change", self._unchanged_digest),
            "short": ("Digest of long texts, some told in brief", partial(self._digest, "long", (subjects_.ALL,))),
        }
        return {f"digest-{name}": _Maker(title, "digest", make) for name, (title, make) in made.items()}

    def _unchanged_digest(self) -> _Made:
        unchanged = [
            entry.place.code
            for entry in self._sample.entries
            if entry.update.trend is Trend.UNCHANGED and not entry.update.alerts
        ]
        return self._digest("sample", unchanged)

    def _digest(self, edition: str, follows: Sequence[str]) -> _Made:
        compiled = self._compiled_edition(edition)
        splicer = Splicer(compiled, self._publication, gazetteer())
        recipient = Recipient(NOBODY, ADDRESS, subjects_.parse(follows, gazetteer()))
        return _Made(splicer.splice(recipient).data, compiled.images)

    def _compiled_edition(self, edition: str) -> Compiled:
        compiled = self._compiled.get(edition)
        if compiled is None:
            contents = _with_long_texts(self._sample) if edition == "long" else self._sample
            compiled = self._compiled[edition] = compiling.compile_edition(contents, self._publication, at=AT)
        return compiled

    def _notices(self) -> dict[str, _Maker]:
        """One a kind, and the welcome to somebody whom no edition waits for."""
        makers = {}
        for kind in NoticeKind:
            title = _TITLES.get(kind, kind.value.replace("_", " ").capitalize())
            is_copy = kind is NoticeKind.TEST_COPY
            make = self._test_copy if is_copy else partial(self._notice, kind, sample.LATEST)
            makers[kind.value.replace("_", "-")] = _Maker(title, kind.value, make)
            if kind is NoticeKind.WELCOME:
                title = "Welcome, before there is an edition"
                makers["welcome-first"] = _Maker(title, kind.value, partial(self._notice, kind, None))
        return makers

    def _notice(self, kind: NoticeKind, latest: Month | None) -> _Made:
        recipient = Recipient(NOBODY, ADDRESS, subjects_.parse(_NOTICE_FOLLOWS, gazetteer()))
        update = next(entry.update for entry in self._sample.entries if entry.place.code == _ALERTED)
        made = notice.render(
            kind,
            NOBODY,
            recipient,
            self._publication,
            gazetteer(),
            at=AT,
            latest=latest,
            update=update,
            correction=Correction(sample.LATEST, 2, _WRONG, (update,)),
        )
        return _Made(made.data)

    def _test_copy(self) -> _Made:
        compiled = self._compiled_edition("sample")
        source = CopySource(self._sample, compiled, AT, text_only=False, asked_by=_COLLEAGUE)
        made = copies.splicer(source, self._publication, gazetteer())
        recipient = Recipient(NOBODY, ADDRESS, subjects_.parse(_ONE, gazetteer()))
        mail = copies.render(
            source, made, NOBODY, recipient, publication=self._publication, gazetteer=gazetteer(), at=AT
        )
        return _Made(mail.data, compiled.images)


def check_templates(publication: Publication) -> None:
    """Try every template on sample data, so that a broken one is told at the start and not in the night of a sending.

    Raises TemplateError; also for a mail that lacks the one link that it is not allowed to be without.
    """
    needed = _needed(publication.links)
    found = Specimens(publication)
    for name in reversed(found.titles):  # the notices first, as they are made in no time
        specimen = found.get(name)
        what, url = needed.get(specimen.folder, ("", ""))
        for file, words in (("body.txt", specimen.text), ("body.html", specimen.html)):
            if url not in words:
                raise TemplateError(f"templates/email/{specimen.folder}/{file}", None, f"it lacks the link to {what}")


def _needed(links: Links) -> dict[str, tuple[str, str]]:
    """By folder, what a reader can do only in this mail, or must be able to do in it at any time (RFC 8058)."""
    leave = ("unsubscribe", links.unsubscribe(NOBODY))
    own_page = ("open their own page", links.manage_for_now(NOBODY, at=AT))
    return {
        "digest": leave,
        NoticeKind.CONFIRMATION.value: ("confirm the subscription", links.confirm(NOBODY, at=AT)),
        NoticeKind.WELCOME.value: leave,
        NoticeKind.MANAGE_LINK.value: own_page,
        NoticeKind.ALREADY_SUBSCRIBED.value: own_page,
        NoticeKind.ADDRESS_CHANGE.value: ("confirm the address", links.address(NOBODY, at=AT)),
        NoticeKind.ALERT.value: leave,
        NoticeKind.CORRECTION.value: leave,
        NoticeKind.INVITATION.value: ("choose a password", links.invitation(NOBODY, at=AT)),
        NoticeKind.PASSWORD_RESET.value: ("choose a new password", links.password_reset(NOBODY, at=AT)),
    }


def _with_long_texts(contents: Contents) -> Contents:
    """The same month, told at such length that not all of it fits into one mail."""
    entries = [replace(entry, update=_longer(entry.update)) for entry in contents.entries]
    return replace(contents, entries=tuple(entries))


def _longer(update: Update) -> Update:
    developments = [
        replace(development, text="\n\n".join([development.text] * _LONGER)) for development in update.developments
    ]
    return replace(update, developments=tuple(developments))
