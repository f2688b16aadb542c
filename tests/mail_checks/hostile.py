"""An edition of the texts that editors paste in sooner or later, and that layouts break at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache

from newsletter.domain.edition import assemble
from newsletter.domain.month import Month
from newsletter.domain.update import Alert, Development, Link, Quote, Trend, Update
from newsletter.mail import compiling
from newsletter.mail.recipient import Recipient
from newsletter.mail.splicing import Splicer
from newsletter.storage.places import gazetteer
from tests.mail_checks.mails import PUBLICATION, sent_html

MONTH = Month(2022, 11)
AT = datetime(2022, 12, 1, 9, 0, tzinfo=UTC)
DAY = date(2022, 11, 7)

ARABIC = "أعلنت الحكومة في 7 نوفمبر عن هدنة، ورفضتها المعارضة (UN Security Council) في اليوم التالي. "
HEBREW = "ראש הממשלה הודיע ב-7 בנובמבר על הפסקת אש; האופוזיציה דחתה אותה. "
EMOJI = "👩‍👩‍👧‍👦🏳️‍🌈🇰🇿✊🏽" * 10
WORD = "Donaudampfschifffahrtsgesellschaftskapitän" * 240  #: 10,000 characters and no place to break
ARABIC_WORD = "واستقلاليتهم" * 30
MARKUP = '</td></tr></table><table width="3000"><tr><td><img src=x width=3000><style>*{width:3000px}</style><pre>'
LONG_URL = f"https://example.org/{'a-very-long-path' * 10}?{'q=1&' * 20}"
HEADLINE = "the ceasefire held in most of the contested districts; " * 6  #: 330 characters
SOME = 200  #: characters of a text where the whole of it would only make the mail longer
NAME = 80  #: of one that stands for a name
MARKDOWN = f"""- {WORD[:SOME]}
  1. {ARABIC_WORD}
     > {WORD[:SOME]}

<{LONG_URL}> and [{WORD[:SOME]}]({LONG_URL})

`{WORD[:SOME]}`

    {WORD[:SOME]}

> {ARABIC}
>
> > > > > {HEBREW}
"""

#: One place each.
TEXTS = {
    "KZ": ARABIC * 2,
    "SD": HEBREW * 2,
    "ET": EMOJI,
    "LB": ARABIC_WORD,
    "CD": MARKUP,
    "UA": WORD,
    "AF": HEADLINE,
}
#: What readers follow. Whoever follows everything gets more than fits, so that most of it is told in brief.
READERS = {
    "Arabic and Hebrew": ("KZ", "SD", "LB"),
    "emoji and markup": ("ET", "CD"),
    "a word of 10,000 characters": ("UA",),
    "60 quotes": ("AF",),
    "told in brief": ("all",),
}


@cache
def hostile_html(reader: str) -> str:
    """The HTML of the digest that one of the READERS gets, as it is sent."""
    follows = READERS[reader]
    spliced = _splicer().splice(Recipient(1, "reader@example.org", follows))
    assert bool(_splicer().in_brief(follows)) == (follows == ("all",))
    return sent_html(spliced.data)


@cache
def _splicer() -> Splicer:
    updates = [_update(code, text) for code, text in TEXTS.items()]
    others = [place.code for place in gazetteer().places if place.code not in TEXTS][:10]
    updates += [_update(code, text) for code, text in zip(others, [*TEXTS.values(), *TEXTS.values()], strict=False)]
    overview = f"{ARABIC}\n\n{WORD[:SOME]}\n\n{MARKDOWN}"
    contents = replace(assemble(MONTH, updates, gazetteer()), overview=overview)
    return Splicer(compiling.compile_edition(contents, PUBLICATION, at=AT), PUBLICATION, gazetteer())


def _update(code: str, text: str) -> Update:
    some, name = text[:SOME], text[:NAME]
    return Update(
        code,
        MONTH,
        list(Trend)[len(text) % 3],
        headline=text,
        developments=(Development(text, text), Development(some, MARKDOWN)),
        alerts=tuple(Alert),
        quotes=(Quote(DAY, some, name, name, name),) * (60 if code == "AF" else 1),
        links=(Link(DAY, name, some, LONG_URL), Link(DAY, "Report", LONG_URL, LONG_URL)),
    )
