"""An edition's contents as JSON: what approval freezes, and what the archive page shows for ever."""

from __future__ import annotations

import json

from newsletter.domain.edition import Contents, Entry
from newsletter.domain.formats.json import from_json, to_json
from newsletter.domain.month import Month
from newsletter.domain.place import Gazetteer
from newsletter.domain.update import Trend


def dump(contents: Contents) -> str:
    """One line of JSON, the same for the same contents."""
    entries = [
        {
            "update": to_json(entry.update),
            "strip": [trend and trend.value for trend in entry.strip],
            "new_alerts": entry.new_alerts,
        }
        for entry in contents.entries
    ]
    data = {"month": str(contents.month), "overview": contents.overview, "entries": entries}
    return json.dumps(data, ensure_ascii=False)


def load(text: str, gazetteer: Gazetteer) -> Contents:
    """Read what `dump` wrote, also before there were overviews."""
    data = json.loads(text)
    entries = []
    for each in data["entries"]:
        update = from_json(each["update"])
        strip = tuple(Trend(trend) if trend else None for trend in each["strip"])
        entries.append(Entry(gazetteer.require(update.place), update, strip, bool(each["new_alerts"])))
    return Contents(Month.parse(data["month"]), tuple(entries), data.get("overview", ""))
