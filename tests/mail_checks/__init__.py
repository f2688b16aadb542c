"""What every mail is held to: which clients show it as it is meant, valid HTML, and who can read it.

specimens    the mails, and digests of texts that try to break the layout
variants     a mail as clients show it that leave a part of it out
tools        the packages from npm that look at HTML, run by node
clients      what caniemail says of the clients, and docs/mail-clients.md, which answers to it
window       a mail in a real browser, for tests/journeys

The tests that need a browser are in tests/journeys, beside the others that do.
"""
