"""Our own DKIM signatures (RFC 6376), for when the relay doesn't sign.

key        private keys, and what goes into DNS for each
signing    the DKIM-Signature fields of a message
"""

from newsletter.mail.dkim.key import Algorithm, Key, dns_name, dns_record, zone_line
from newsletter.mail.dkim.signing import Signer

__all__ = ["Algorithm", "Key", "Signer", "dns_name", "dns_record", "zone_line"]
