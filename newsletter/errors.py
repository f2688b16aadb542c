"""Every error that this package raises on purpose.

    NewsletterError
      SettingsError           a setting is unknown, missing or can't be used
      TemplateError           a mail's template can't be used; names the file and the line
      InvalidInput            what came in can't be taken; says what to do instead
        InvalidAddress        not an address that we can write to
        InvalidMonth          not a month written YYYY-MM
        InvalidUpdate         a country update that breaks a rule, or a text that is none
        UnknownPlace          no place has this code or name
      NotFound                nothing is stored under this name
      Conflict                the act doesn't fit the state of things
        EditionStateError     an edition is not in a state that allows the act
        SenderRunning         another process holds the sender's lock
        ContentChanged        an approved edition is not what was approved
          CompiledElsewhere   it was compiled by another version of this program
      LinkError
        LinkInvalid           the signature is wrong, or its subscriber is gone
        LinkExpired           older than the link's lifetime
        SubscriptionEnded     a confirmation link of somebody who has left since
        AddressSuppressed     one of somebody who gets no mail any more
      IdentityUnknown         an identity provider does not say who somebody is
      StorageUnavailable      the database can't be opened, or can't be used now
        StorageOutdated       it is not at the version of this program
      RelayError
        RelayUnavailable      no connection, or a 421: try again later
        RelayRefused          the relay refuses us, not one message: stop and tell a person

An error carries facts, never an HTTP status: the web layer has one table that maps class to page. Its
text is one line that says what to do, fit to log, and holds no subscriber's address.
"""


class NewsletterError(Exception):
    """Base class of the family."""


class SettingsError(NewsletterError):
    """A setting is unknown, missing or can't be used."""


class TemplateError(NewsletterError):
    """A mail's template can't be used: somebody who edits templates has to mend it."""

    def __init__(self, file: str, line: int | None, problem: str) -> None:
        where = file if line is None else f"{file}, line {line}"
        super().__init__(f"{where}: {problem}")
        self.file = file  #: relative to the instance folder, for a template that lies there
        self.line = line  #: counted from 1; None where it is the file as a whole
        self.problem = problem


class InvalidInput(NewsletterError):
    """What came in can't be taken."""


class InvalidAddress(InvalidInput):
    """Not an address that we can write to."""


class InvalidMonth(InvalidInput):
    """Not a month written YYYY-MM."""


class InvalidUpdate(InvalidInput):
    """A country update that breaks a rule, or a text that is none."""


class UnknownPlace(InvalidInput):
    """No place has this code or name."""

    def __init__(self, name: str, suggestions: tuple[str, ...] = ()) -> None:
        hint = f"; did you mean {', '.join(suggestions)}?" if suggestions else "; see 'newsletter places list'"
        super().__init__(f"no place is called {name!r}{hint}")
        self.name = name
        self.suggestions = suggestions


class NotFound(NewsletterError):
    """Nothing is stored under this name."""


class Conflict(NewsletterError):
    """The act doesn't fit the state of things."""


class EditionStateError(Conflict):
    """An edition is not in a state that allows the act."""


class SenderRunning(Conflict):
    """Another process holds the sender's lock."""


class ContentChanged(Conflict):
    """An approved edition is not what was approved: its stored pieces were changed."""


class CompiledElsewhere(ContentChanged):
    """Raised where compiled pieces are read; its caller compiles the frozen content anew."""


class LinkError(NewsletterError):
    """A link from a mail can't be followed."""


class LinkInvalid(LinkError):
    """The signature is wrong, or its subscriber is gone."""


class LinkExpired(LinkError):
    """Older than the link's lifetime."""


class SubscriptionEnded(LinkError):
    """A confirmation link of somebody who has left since."""


class AddressSuppressed(LinkError):
    """A confirmation link to an address that was suppressed after it was asked."""


class IdentityUnknown(NewsletterError):
    """An identity provider can't be asked, or what it says can't be used."""


class StorageUnavailable(NewsletterError):
    """The database can't be opened, or can't be used now."""


class StorageOutdated(StorageUnavailable):
    """The database is not at the version of this program; its text says what to do."""


class RelayError(NewsletterError):
    """Something is wrong with the relay; `reply_code` is what it said, if it said anything."""

    def __init__(self, message: str, *, reply_code: int | None = None) -> None:
        super().__init__(message)
        self.reply_code = reply_code


class RelayUnavailable(RelayError):
    """No connection, or a 421: try again later."""


class RelayRefused(RelayError):
    """The relay refuses us, not one message: stop and tell a person."""
