"""Addresses that mail can go to (RFC 5321, 4.1.2; RFC 6531 for those beyond ASCII)."""

from __future__ import annotations

from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from newsletter.errors import InvalidAddress


@dataclass(frozen=True, slots=True)
class Address:
    """One address, as its owner writes it and as it is compared."""

    text: str  #: as written, with the domain in its Unicode form
    key: str  #: the same for each way to write the address: folded, the domain as A-labels

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read what a person typed. Raises InvalidAddress, in words that fit beside a form's field."""
        if not text.strip():
            raise InvalidAddress("Enter an e-mail address, such as name@example.org")
        try:
            found = validate_email(text.strip(), check_deliverability=False, strict=True, test_environment=True)
        except EmailNotValidError:
            raise InvalidAddress("Enter an e-mail address in the form name@example.org") from None
        return cls(found.normalized, f"{found.local_part.casefold()}@{found.ascii_domain.casefold()}")
