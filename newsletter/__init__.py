"""Newsletter: a monthly digest of country updates by e-mail.

The package is a stack of layers; each imports only from those below it, and `make check` holds it so
(import-linter, see pyproject.toml):

    cli          commands, a few lines each
    web | jobs   Flask: the site and the desk | the scheduler, the sender, the demo's mail catcher
    config       Settings, read once from the environment and instance/config.toml
    services     one module a step of the flow, one function a business act; a session comes in, nothing is committed
    storage      tables and the queries that need care
    mail         template -> compiled edition -> bytes; no database
    delivery     how messages leave: the SMTP client; no database
    domain       values and rules; no I/O, no clock
    errors | logs    what can go wrong, as one family | how every process logs

Start at docs/architecture.md for the way of the data.
"""
