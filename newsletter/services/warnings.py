"""What an editor should look at again in one update, before anybody checks the whole month."""

from __future__ import annotations

from newsletter.domain.update import Update
from newsletter.mail.markup import parser
from newsletter.mail.news import LONGEST_PREHEADER
from newsletter.storage.places import gazetteer

#: Without it a text has no image (CommonMark, 6.4), and need not be parsed.
_IMAGE = "!["


def warnings_of(update: Update, before: Update | None) -> tuple[str, ...]:
    """Each as a sentence; `before` is the month before's update of the place, if it had one."""
    return (*_beside(update, before), *_within(update))


def headline_room(place_code: str) -> int:
    """How many octets of a headline a list of mails shows beside its place's name."""
    return LONGEST_PREHEADER - len(f"{gazetteer().require(place_code).name}: ".encode())


def _beside(update: Update, before: Update | None) -> list[str]:
    if before is None:
        return []
    name, found = before.month.name, []
    same_words = _words(update) == _words(before)
    if same_words:
        found.append(f"The developments are those of {name}, word for word.")
    if update.trend is not before.trend and same_words:
        found.append(f"The trend is another one than in {name}, and nothing says why.")
    if update.headline.casefold().split() == before.headline.casefold().split():
        found.append(f"The headline is that of {name}.")
    found += [
        f"{name} had a {alert.words}; now there is none." for alert in before.alerts if alert not in update.alerts
    ]
    return found


def _within(update: Update) -> list[str]:
    found = []
    for number, quote in enumerate(update.quotes, 1):
        if not quote.words.strip():
            found.append(f"Quote {number} has no words.")
        if not quote.outlet.strip():
            found.append(f"Quote {number} names no outlet.")
    for number, development in enumerate(update.developments, 1):
        found += _of_images(number, development.text)
    return found


def _of_images(number: int, text: str) -> list[str]:
    if _IMAGE not in text:
        return []
    images = [child for token in parser.parse(text) for child in token.children or () if child.type == "image"]
    found = [f"Development {number} has an image, which mails and pages don’t show; link to it."] if images else []
    if any(not image.content.strip() for image in images):
        found.append(f"An image in development {number} has no alt text: write it in the brackets, ![like this](…).")
    return found


def _words(update: Update) -> list[str]:
    return [" ".join(f"{each.lead} {each.text}".casefold().split()) for each in update.developments]
