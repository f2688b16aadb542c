"""Who publishes, in tests of mails."""

from __future__ import annotations

from newsletter.mail.links import Links, Tokens
from newsletter.mail.publication import Publication

TOKENS = Tokens("a secret key for tests")
PUBLICATION = Publication(
    "Country Updates",
    "Country Updates",
    "updates@example.org",
    "Example Foundation, 1 Sample Street",
    Links("https://updates.example.org", TOKENS),
)
