"""The command line: a few lines each over the services.

    main        the command group, and what becomes of errors
    opening     settings, database and transactions for a command
    service     serve, demo, config
    database    db upgrade, and db accept after a backup was restored
    doctor      is all well? settings, database, relay, DNS
    walk        demo --check: the whole job once, over HTTP and SMTP
    updates     country updates in and out, sample data, places
    editions    the month's edition: assemble, look at, approve, send
    held        what becomes of deliveries whose outcome nobody knows
    progress    how a send is shown while it runs
    subscribers in and out as CSV
    domains     domains of addresses to be thrown away
    admins      who may log in
    dkim        keys to sign mail with

Exit codes: 0 done, 1 a problem told in one line on stderr, 2 wrong usage.
"""

from newsletter.cli.main import main

__all__ = ["main"]
