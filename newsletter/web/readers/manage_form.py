"""What readers type and tick on their own pages, checked; and the words that they agree to there."""

from __future__ import annotations

from dataclasses import dataclass, field

from werkzeug.datastructures import MultiDict

from newsletter.domain.characters import is_control
from newsletter.services.preferences import LONGEST_PAUSE
from newsletter.web import forms
from newsletter.web.forms import FollowForm

#: Beside the box that asks for digests without HTML.
TEXT_WORDS = "Send me digests as plain text, without pictures and colours"

#: On buttons.
FORMAT_WORDS = "Save the format"
PAUSE_WORDS = "Pause all mail"
RESUME_WORDS = "End the pause now"
ASK_ADDRESS_WORDS = "Ask at the new address"
TAKE_ADDRESS_WORDS = "Use this address"
ERASE_WORDS = "Erase all that is known of me"

#: Why somebody leaves: what is kept, and what the page calls it.
REASONS = {
    "too_much": "It is too much mail",
    "off_topic": "It is not about what I need",
    "elsewhere": "I read the updates elsewhere",
    "not_asked": "I never asked for it",
    "other": "Another reason",
}
LONGEST_WORDS = 150  #: characters; with what stands before them they fit into the column


@dataclass(slots=True)
class ManageForm(FollowForm):
    """What somebody follows, and whether alerts come at once."""

    alerts_at_once: bool = False

    @classmethod
    def read(cls, form: MultiDict[str, str]) -> ManageForm:
        """What is ticked."""
        return cls(follow=forms.read_follow(form), alerts_at_once=bool(form.get("alerts_at_once")))

    @property
    def consent(self) -> str:
        """The words that were shown, for the ledger, and whether the box was ticked."""
        return f"{forms.ALERTS_WORDS}: {'yes' if self.alerts_at_once else 'no'}. {forms.CHANGE_WORDS}"


@dataclass(slots=True)
class PauseForm:
    """For how many months nothing is to come."""

    months: str = "1"  #: as sent
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, form: MultiDict[str, str]) -> PauseForm:
        """What is chosen."""
        return cls(form.get("months", ""))

    def check(self) -> int | None:
        """The months; none with an error noted."""
        if self.months not in {str(months) for months in range(1, LONGEST_PAUSE + 1)}:
            self.errors["months"] = f"Choose a pause of 1 to {LONGEST_PAUSE} months"
            return None
        return int(self.months)


def leaving_reason(form: MultiDict[str, str]) -> str:
    """Why somebody leaves, if they say so. Nothing is refused here: leaving must always work."""
    choice = form.get("reason", "")
    words = "".join(" " if is_control(char) else char for char in form.get("words", ""))
    told = " ".join(words.split())[:LONGEST_WORDS]
    return "; ".join(part for part in (choice if choice in REASONS else "", told) if part)
