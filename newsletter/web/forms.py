"""What readers type, checked; and the words that they agree to, which the ledger of consent keeps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from werkzeug.datastructures import MultiDict

from newsletter.domain import subject, typos
from newsletter.domain.address import Address
from newsletter.domain.place import Gazetteer
from newsletter.errors import InvalidAddress, InvalidInput
from newsletter.mail.publication import Publication

#: On the buttons that take a consent, or give it up.
CONFIRM_WORDS = "Confirm my subscription"
CHANGE_WORDS = "Save what I follow"
LEAVE_WORDS = "Unsubscribe"
UNDO_WORDS = "Subscribe me again"

#: Beside the box on a reader's own page that asks for alerts before the digest; part of what they agree to.
ALERTS_WORDS = "Also write to me at once when a place that I follow gets a Conflict Risk Alert"

#: On forms that choose everything for whoever ticks nothing; part of what they agree to.
EVERYTHING_WORDS = "Without a choice, you follow all countries and regions."

#: Of an address that was typed, so much is looked at and shown again: more than any address has.
LONGEST_TYPED = 320
_MOST_CODES = 400


def typed(values: MultiDict[str, str], name: str, most: int) -> str:
    """What stands in a field, at most so many characters of it; without NUL, which PostgreSQL takes in no text."""
    return values.get(name, "").replace("\0", "").strip()[:most]


def consent_words(publication: Publication) -> str:
    """Above the button of the subscription form: what comes, from whom, and how it ends."""
    return (
        f"One e-mail a month from {publication.sender_name} about what you chose. "
        "You can leave at any time with one click in each mail."
    )


def read_follow(form: MultiDict[str, str]) -> tuple[str, ...]:
    """The codes of the ticked boxes, as sent."""
    return tuple(form.getlist("follow")[:_MOST_CODES])


def known(codes: Iterable[str], gazetteer: Gazetteer) -> tuple[str, ...]:
    """Those of a link's codes that can be followed: others are left out, as nobody typed them."""
    found: list[str] = []
    for code in list(codes)[:_MOST_CODES]:
        try:
            found += subject.parse([code], gazetteer)
        except InvalidInput:
            continue
    return tuple(found)


@dataclass(slots=True)
class FollowForm:
    """The boxes of the picker, and what is wrong with them."""

    follow: tuple[str, ...] = ()
    errors: dict[str, str] = field(default_factory=dict)  #: by field

    def check_follow(self, gazetteer: Gazetteer) -> tuple[str, ...]:
        """The subjects that are chosen; none with an error noted."""
        if not any(self.follow):
            self.errors["follow"] = "Choose all countries, or at least one region or country"
            return ()
        try:
            return subject.parse(self.follow, gazetteer)
        except InvalidInput:
            self.errors["follow"] = "Choose from the list: one of the places isn’t in it"
            return ()


@dataclass(slots=True)
class SignupForm(FollowForm):
    """The subscription form."""

    email: str = ""
    by_default: bool = False  #: nothing was ticked, and the form said what that means
    as_typed: str = ""  #: the address that was asked back about before
    suggestion: str | None = None  #: the address that was probably meant

    @classmethod
    def read(cls, form: MultiDict[str, str]) -> SignupForm:
        """What is ticked wins over what the form holds for the case that nothing is.

        So does the button that takes a suggestion, `take`, over the address in the field.
        """
        ticked, otherwise = read_follow(form), form.get("otherwise", "")
        by_default = bool(otherwise) and not any(ticked)
        return cls(
            email=(form.get("take") or form.get("email", ""))[:LONGEST_TYPED],
            as_typed=form.get("as_typed", ""),
            follow=(otherwise,) if by_default else ticked,
            by_default=by_default,
        )

    def consent(self, publication: Publication) -> str:
        """The words that were shown, for the ledger."""
        words = consent_words(publication)
        return f"{EVERYTHING_WORDS} {words}" if self.by_default else words

    def check_email(self) -> Address | None:
        """The address; none with an error noted."""
        try:
            return Address.parse(self.email)
        except InvalidAddress as error:
            self.errors["email"] = str(error)
            return None

    def asks_back(self, address: Address) -> bool:
        """Whether the address looks mistyped and its sender wasn't asked yet; then there is a `suggestion`."""
        if self.as_typed != self.email:
            self.suggestion = typos.suggestion(address)
        return self.suggestion is not None
