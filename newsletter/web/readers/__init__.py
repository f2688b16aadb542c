"""The subscription form, and the pages behind the links in mails.

None of these forms has a CSRF token, and none of these pages a cookie: there is nothing that a forged request could
ride on. Asking for a subscription is open to everybody, and does nothing but ask the owner of the address. All else
takes its authority from the token in the page's address, which only the mail holds. Mail programs that unsubscribe in
one click (RFC 8058) bring neither cookie nor CSRF token, and must not need them.

    signup     the form, and the answer to a confirmation mail
    own_page   a reader's own page, and which links open it
    manage     what is changed there
    address    a new address, and the page behind the question at it
    own_data   all that is known of them, to be had or to be erased
    leaving    unsubscribe, and undo
    shared     what they have in common
"""

from newsletter.web.readers import address, leaving, manage, own_data, signup
from newsletter.web.readers.shared import readers

__all__ = ["address", "leaving", "manage", "own_data", "readers", "signup"]
