"""Addresses that mail can go to (RFC 5321, 4.1.2; RFC 6531 for those beyond ASCII)."""

from __future__ import annotations

from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from newsletter.errors import InvalidAddress

#: Octets of a local part and of a whole address (RFC 5321, 4.5.3.1.1 and 4.5.3.1.3, less the path's two brackets).
LONGEST_LOCAL_PART = 64
LONGEST_ADDRESS = 254


@dataclass(frozen=True, slots=True)
class Address:
    """One address, as its owner writes it and as it is compared."""

    text: str  #: as written, with the domain in its Unicode form
    key: str  #: the same for each way to write the address: folded, the domain as A-labels

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read what a person typed. Raises InvalidAddress, in words that fit beside a form's field."""
        written = text.strip()
        if not written:
            raise InvalidAddress("Enter an e-mail address, such as name@example.org")
        if len(written) > LONGEST_ADDRESS:  # to look at a megabyte would take a second
            raise InvalidAddress("This e-mail address is too long; enter another")
        try:
            found = validate_email(written, check_deliverability=False, strict=True, test_environment=True)
        except EmailNotValidError:
            raise InvalidAddress("Enter an e-mail address in the form name@example.org") from None
        on_the_wire = f"{found.local_part}@{found.ascii_domain}"
        if len(found.local_part.encode()) > LONGEST_LOCAL_PART or len(on_the_wire.encode()) > LONGEST_ADDRESS:
            raise InvalidAddress("This e-mail address is too long; enter another")
        # Case is folded letter by letter: casefold() would make one of straße@ and strasse@, which are two mailboxes.
        return cls(found.normalized, f"{found.local_part.lower()}@{found.ascii_domain.lower()}")
