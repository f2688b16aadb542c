"""Whatever is wrong with a mail's template becomes one TemplateError, which names its file and its line.

Templates can be replaced by an operator's own, file by file. What is wrong with one shows when a mail is made, maybe at
night: it has to be one line that can be logged and acted on, as each error of the family is.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NoReturn

import jinja2

from newsletter.errors import NewsletterError, TemplateError

#: Their texts name types, attributes and functions; those of others may quote a value, and so an address.
_FIT_TO_LOG = (jinja2.TemplateError, AttributeError, TypeError)

#: "'newsletter.mail.publication.Publication object'" is "a Publication" to who writes templates.
_LONG_NAME = re.compile(r"'[\w.]+\.(\w+) object'")

_NAME = "templates/email"  #: of the folder, in the instance folder and in the program alike


class TellingLoader(jinja2.FileSystemLoader):
    """Looks for a template in each folder in turn; the last one is the program's own. Nothing outside is found."""

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """As FileSystemLoader does; raises TemplateError for a file that can't be read."""
        try:
            return super().get_source(environment, template)
        except jinja2.TemplateNotFound:  # an OSError too, and not one of the file
            raise
        except UnicodeDecodeError as error:
            problem = f"it is no UTF-8 text (byte {error.start}); save it as UTF-8"
        except OSError as error:
            problem = f"it can't be read: {error.strerror}"
        found = next(path for folder in self.searchpath if (path := Path(folder, template)).is_file())
        raise TemplateError(self.told_as(str(found)), None, problem)

    def told_as(self, file: str) -> str:
        """The file as an operator knows it: relative to the instance folder, or as one of the program's."""
        *overrides, shipped = map(Path, self.searchpath)
        for folder in overrides:
            if Path(file).is_relative_to(folder):
                return f"{_NAME}/{Path(file).relative_to(folder).as_posix()}"
        if Path(file).is_relative_to(shipped):
            return f"{_NAME}/{Path(file).relative_to(shipped).as_posix()} of the program"
        return file


class TellingEnvironment(jinja2.Environment):
    """Jinja's environment, whose templates raise TemplateError when they are read and when they are rendered."""

    def handle_exception(self, source: str | None = None) -> NoReturn:
        """Jinja calls this for each exception, whether of compiling or of rendering a template."""
        error = sys.exc_info()[1]
        if error is None or isinstance(error, NewsletterError):
            # What a template was given has words of its own, and so has a template that this one includes.
            super().handle_exception(source)
        file, line = _place(error)
        told_as = self.loader.told_as(file) if isinstance(self.loader, TellingLoader) else file
        raise TemplateError(told_as, line, _problem(error)) from error


def _place(error: BaseException) -> tuple[str, int | None]:
    """The file and the line of it where the error came up."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.filename or "<template>", error.lineno
    place: tuple[str, int | None] = ("<template>", None)
    step: TracebackType | None = error.__traceback__
    while step is not None:
        template = step.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(template, jinja2.Template):
            place = (template.filename or "<template>", template.get_corresponding_lineno(step.tb_lineno))
        step = step.tb_next
    return place


def _problem(error: BaseException) -> str:
    if isinstance(error, jinja2.TemplateNotFound):
        return f"there is no template {error.name!r}"
    if isinstance(error, jinja2.TemplateSyntaxError):  # its text would name the file and the line once more
        return " ".join((error.message or "").split())
    if isinstance(error, _FIT_TO_LOG):
        return _LONG_NAME.sub(r"a \1", " ".join(str(error).split()))
    return f"it ends in a {type(error).__name__}"
