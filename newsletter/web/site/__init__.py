"""The public pages. They are the same for everyone, and change nothing.

home        the month at a glance
places      places, regions, and the list of them
editions    the archive, and each edition as a page
search      search over updates
room        how much of an edition fits on one page
feeds       Atom and JSON
files       pictures, colours, and what robots and monitors ask for
kept        pages kept until something public changes
blueprint   what they have in common
"""

from newsletter.web.site import editions, feeds, files, home, places, search
from newsletter.web.site.blueprint import site

__all__ = ["editions", "feeds", "files", "home", "places", "search", "site"]
