from pathlib import Path

import pytest

from newsletter.domain.place import Gazetteer, Place, Region

HERE = Region("here", "Here", 1)


@pytest.fixture(scope="session")
def gazetteer():
    return Gazetteer(
        [
            Place("KZ", "Kazakhstan", HERE),
            Place("KP", "North Korea", HERE, aliases=("DPRK",)),
            Place("CD", "Democratic Republic of Congo", HERE, aliases=("DRC", "DR Congo", "Congo-Kinshasa")),
            Place("CG", "Republic of Congo", HERE, aliases=("Congo",)),
            Place("CF", "Central African Republic", HERE, aliases=("CAR",)),
            Place("CI", "Côte d’Ivoire", HERE, aliases=("Ivory Coast",)),
            Place("NO", "Norway", HERE),
            Place("IN", "India", HERE),
            Place("US", "United States", HERE, aliases=("USA", "U.S.")),
            Place("SD", "Sudan", HERE),
            Place("SS", "South Sudan", HERE),
            Place("KASHMIR", "Kashmir", HERE),
            Place("ISRAEL-PALESTINE", "Israel-Palestine", HERE),
            Place("NORLAND", "Norland", HERE),
        ]
    )


@pytest.fixture(scope="session")
def project():
    return Path(__file__).parents[3]
