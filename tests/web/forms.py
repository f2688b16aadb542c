"""A form of a page as a browser reads it, and would send it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form(HTMLParser):
    """The fields of the form with an id, as pairs of name and value; lines end with CR LF (HTML, 4.10.21.4)."""

    form_id: str
    fields: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._inside = self._in_template = False
        self._area: str | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self._inside = given.get("id") == self.form_id
        if tag == "template":
            self._in_template = True
        if not self._inside or self._in_template:
            return
        if tag == "textarea":
            self._area, self._text = given["name"], ""
        if tag != "input" or "name" not in given:
            return
        if given.get("type") in ("radio", "checkbox") and "checked" not in given:
            return
        self.fields.append((given["name"], given.get("value", "")))

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        if tag == "template":
            self._in_template = False
        if tag == "textarea" and self._area is not None:
            # The line break right after the tag is not part of the text (HTML, 13.1.2.5).
            self.fields.append((self._area, self._text.removeprefix("\n").replace("\n", "\r\n")))
            self._area = None


def read_form(html: str, form_id: str) -> dict[str, list[str]]:
    """All values of each name."""
    form = Form(form_id)
    form.feed(html)
    found: dict[str, list[str]] = {}
    for name, value in form.fields:
        found.setdefault(name, []).append(value)
    return found
