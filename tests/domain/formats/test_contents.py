"""An edition's contents as approval freezes them."""

from __future__ import annotations

import json
from dataclasses import replace

from newsletter.domain.edition import Contents
from newsletter.domain.formats import contents as contents_json
from newsletter.domain.month import Month
from newsletter.storage.places import gazetteer

CONTENTS = Contents(Month(2022, 11), (), "One *month*.\n\nمرحبا “two” ")


def test_the_overview_is_frozen_with_the_entries():
    assert contents_json.load(contents_json.dump(CONTENTS), gazetteer()) == CONTENTS


def test_what_was_frozen_before_there_were_overviews_has_none():
    data = json.loads(contents_json.dump(CONTENTS))
    del data["overview"]

    assert contents_json.load(json.dumps(data), gazetteer()) == replace(CONTENTS, overview="")
