"""The access token for AUTH XOAUTH2, in a file that somebody else renews: tokens are good for about an hour."""

import re
from pathlib import Path
from typing import Final

from newsletter.errors import RelayUnavailable

LARGEST_TOKEN: Final = 8192  #: octets: the line of AUTH, with the token in base64, has 12,288 at most (RFC 4954, 4)

_TOKEN: Final = re.compile(rb"[!-~]{1,%d}" % LARGEST_TOKEN)  # RFC 6750, 2.1 allows less


class TokenUnavailable(RelayUnavailable):
    """There is no access token to log in with: not the relay has to be mended, but whatever renews the token."""


def read_token(file: str | None) -> str:
    """The token as it is now. Raises TokenUnavailable; the file may be mended or renewed while we run."""
    if file is None:
        raise TokenUnavailable("auth=xoauth2 needs an access token: name its file in SMTP_TOKEN_FILE")
    try:
        with Path(file).open("rb") as opened:
            token = opened.read(2 * LARGEST_TOKEN).strip()
    except OSError as error:
        raise TokenUnavailable(
            f"the access token can't be read from {file}: {error.strerror}; see that whatever renews it writes it there"
        ) from None
    if not _TOKEN.fullmatch(token):
        raise TokenUnavailable(f"{file} holds no access token; see that whatever renews it writes it there, alone")
    return token.decode("ascii")
