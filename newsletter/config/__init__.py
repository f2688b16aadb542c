"""The settings of one instance: what can be set, how a value is read, and where it is looked for.

settings    Settings: one field for each, and what the program makes of them
values      what a value may be, and how it may be shown
loading     environment, config.toml, defaults; the secret key
named       the files that settings name
logo        the logo's, measured
signing     those of the DKIM keys
"""

from newsletter.config.loading import PREFIX, load
from newsletter.config.settings import Release, Settings, _known
from newsletter.config.values import MASK

__all__ = ["MASK", "PREFIX", "Release", "Settings", "_known", "load"]
