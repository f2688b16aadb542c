"""The way into the desk, which stands open: logging in, and choosing a password by a mailed link.

blueprint     what these pages have in common
login         by a password, and where there is a second factor by a code after it
provider      by an identity provider, where there is one
new_password  chosen by the link of a mail
"""

from newsletter.web.entrance import login, new_password, provider
from newsletter.web.entrance.blueprint import entrance

__all__ = ["entrance", "login", "new_password", "provider"]
