"""What is typed at the desk about subscribers, checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from newsletter.domain import subject
from newsletter.domain.address import Address
from newsletter.domain.place import Gazetteer
from newsletter.domain.states import SubscriberState
from newsletter.errors import InvalidAddress, InvalidInput
from newsletter.services.import_rows import LONGEST_FIELD
from newsletter.services.subscriber_search import Day, Wanted
from newsletter.web.forms import FollowForm, read_follow, typed

LONGEST_WRITTEN = 320  #: characters that are looked for
_FIELDS = ("follows", "state", "day", "since", "before")


@dataclass(slots=True)
class SearchForm:
    """Who is looked for, as it was typed."""

    written: str = ""
    follows: str = ""
    state: str = ""
    day: str = Day.JOINED.value
    since: str = ""
    before: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, form: MultiDict[str, str], *, written: str) -> SearchForm:
        found = cls(written=written.replace("\0", "").strip()[:LONGEST_WRITTEN])
        for name in _FIELDS:
            if name in form:
                setattr(found, name, typed(form, name, 40))
        return found

    def as_query(self) -> dict[str, str]:
        """What of it may stand in a link: all but the address."""
        found = {name: getattr(self, name) for name in _FIELDS}
        return {name: value for name, value in found.items() if value and (name, value) != ("day", Day.JOINED.value)}

    @property
    def is_empty(self) -> bool:
        return not self.written and not self.as_query()

    def check(self, gazetteer: Gazetteer, zone: ZoneInfo) -> Wanted:
        """What is asked for; what can't be is left out, with an error noted."""
        follows = self._checked_follows(gazetteer)
        states = {state.value: state for state in SubscriberState}
        days = {day.value: day for day in Day}
        since, before = self._day("since", zone), self._day("before", zone)
        if since and before and before < since:
            self.errors["before"] = "The last day comes before the first"
        return Wanted(
            written=self._folded(),
            follows=follows,
            state=states.get(self.state),
            day=days.get(self.day, Day.JOINED),
            since=since,
            before=before + timedelta(days=1) if before else None,
        )

    def _folded(self) -> str:
        """As addresses are stored to be compared."""
        try:
            return Address.parse(self.written).key
        except InvalidAddress:
            return self.written.lower()

    def _checked_follows(self, gazetteer: Gazetteer) -> str:
        if not self.follows:
            return ""
        try:
            [found] = subject.parse([self.follows], gazetteer)
        except InvalidInput:
            self.errors["follows"] = "Choose from the list"
            return ""
        return found

    def _day(self, name: str, zone: ZoneInfo) -> datetime | None:
        day = getattr(self, name)
        if not day:
            return None
        try:
            found = datetime.combine(date.fromisoformat(day), time(), zone)
        except (ValueError, OverflowError):
            found = None
        if found is None or not 1990 <= found.year <= 2200:
            self.errors[name] = "Write the day as YYYY-MM-DD, such as 2022-11-30"
            return None
        return found


@dataclass(slots=True)
class AddForm(FollowForm):
    """Somebody who is added by hand."""

    email: str = ""
    consent: str = ""
    at_once: bool = False

    @classmethod
    def read(cls, form: MultiDict[str, str]) -> AddForm:
        return cls(
            follow=read_follow(form),
            email=form.get("email", "").strip()[:LONGEST_WRITTEN],
            consent=form.get("consent", "").replace("\0", "").strip(),
            at_once=form.get("how") == "at_once",
        )

    def check(self) -> Address | None:
        """The address; what is wrong is noted."""
        if not self.consent:
            self.errors["consent"] = "Say where and how they agreed, such as: paper form at the fair in Almaty"
        elif len(self.consent) > LONGEST_FIELD:
            self.errors["consent"] = f"Write at most {LONGEST_FIELD:,} characters"
        try:
            return Address.parse(self.email)
        except InvalidAddress as error:
            self.errors["email"] = str(error)
            return None
