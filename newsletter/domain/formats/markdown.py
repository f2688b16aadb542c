"""A country update as Markdown with front matter: a file that a person can write in any editor.

Between two lines "---" stands YAML with every field but the developments. Each of these follows as a
heading of the second level, its lead sentence, and the text below. `write_markdown` and `read_markdown`
are each other's inverse for every valid update that is `tidy`.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable
from dataclasses import replace

import yaml

from newsletter.domain.formats.json import from_json, to_json
from newsletter.domain.update import Development, Update
from newsletter.errors import InvalidUpdate

_FENCE = "---"
#: Far more than any update needs. PyYAML reads some 100 kB a second.
_LONGEST_FRONT_MATTER = 100_000
_DEEPEST = 4  #: levels of nesting; quotes and links need three
_HEADING = re.compile(r"(?P<indent> {0,3})(?P<escape>\\*)##(?P<lead>[ \t].*)?")
_NULLS = ("", "~", "null")  #: what an editor writes for "nobody"


def tidy(update: Update) -> Update:
    """The update without what Markdown can't keep, so that every format keeps the same.

    No white space around a text, no line break in what is one line, "" and None are one (nobody), and
    characters are composed (Unicode NFC).
    """
    return replace(
        update,
        headline=_text(update.headline),
        developments=tuple(Development(_line(each.lead), _text(each.text)) for each in update.developments),
        quotes=tuple(
            replace(
                each,
                words=_text(each.words),
                outlet=_line(each.outlet),
                person=_line(each.person or "") or None,
                role=_line(each.role or "") or None,
            )
            for each in update.quotes
        ),
        links=tuple(
            replace(each, kind=_line(each.kind), title=_line(each.title), url=each.url.strip()) for each in update.links
        ),
    )


def write_markdown(update: Update) -> str:
    """The update, tidied, as the Markdown file that docs/updates.md describes."""
    update = tidy(update)
    fields = {key: value for key, value in to_json(update).items() if key != "developments"}
    fields["quotes"] = [
        {"date": each.date, "words": each.words, "outlet": each.outlet}
        | ({"person": each.person} if each.person else {})
        | ({"role": each.role} if each.role else {})
        for each in update.quotes
    ]
    fields["links"] = [
        {"date": each.date, "kind": each.kind, "title": each.title, "url": each.url} for each in update.links
    ]
    front = yaml.dump(fields, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=sys.maxsize)
    parts = [f"## {each.lead}\n\n{_escape(each.text)}".strip() + "\n" for each in update.developments]
    return f"{_FENCE}\n{front}{_FENCE}\n\n" + "\n".join(parts)


def read_markdown(text: str) -> Update:
    """Read what `write_markdown` or an editor wrote. Raises InvalidUpdate or InvalidMonth.

    The place is as written: its name or code.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines[0].rstrip() != _FENCE:
        raise InvalidUpdate(f"the first line must be {_FENCE}, and the fields follow it")
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == _FENCE), None)
    if end is None:
        raise InvalidUpdate(f"the fields at the top have no end; write a line {_FENCE} below them")
    fields = _front_matter("\n".join(lines[1:end]))
    if "developments" in fields:
        raise InvalidUpdate("'developments' is no field at the top; write each as a heading '## Lead' below")
    developments = [{"lead": each.lead, "text": each.text} for each in _developments(lines[end + 1 :], end + 2)]
    return tidy(from_json({**fields, "developments": developments}))


def _text(value: str) -> str:
    return unicodedata.normalize("NFC", value).strip()


def _line(value: str) -> str:
    return " ".join(filter(None, map(str.strip, _text(value).split("\n"))))


def _escape(text: str) -> str:
    r"""The text with a backslash before each "##" that would else begin the next development.

    A line that has backslashes there already gets one more: reading takes one away.
    """
    lines = text.split("\n")
    for number, line in enumerate(lines):
        match = _HEADING.fullmatch(line)
        if match is not None:
            lines[number] = match["indent"] + "\\" + line[match.end("indent") :]
    return "\n".join(lines)


def _developments(lines: Iterable[str], first: int) -> list[Development]:
    """Cut the body at its headings. `first`: the number of the body's first line in the file."""
    found: list[tuple[str, list[str]]] = []
    for number, line in enumerate(lines, first):
        match = _HEADING.fullmatch(line)
        if match is not None and not match["escape"]:
            found.append((match["lead"] or "", []))
        elif found:
            kept = line if match is None else match["indent"] + line[match.end("indent") + 1 :]
            found[-1][1].append(kept)
        elif line.strip():
            raise InvalidUpdate(
                f"line {number}, {line.strip()[:40]!r}, belongs to no development;"
                " write '## ' and a lead sentence above it"
            )
    return [Development(lead, "\n".join(text)) for lead, text in found]


class _Dumper(yaml.SafeDumper):
    """Writes YAML as a person would."""

    def ignore_aliases(self, data: object) -> bool:
        # Two links of one day would else share it by an anchor, &id001.
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Paragraphs as a block; Unicode's line separators escaped, as YAML takes them for line breaks."""
    style = "|" if "\n" in text else None
    if any(mark in text for mark in "\u2028\u2029\ufeff"):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def _front_matter(text: str) -> dict[str, object]:
    """The fields. Every scalar stays the text it is: NO is a place, 2022-11 a month."""
    if len(text) > _LONGEST_FRONT_MATTER:
        raise InvalidUpdate(f"the fields at the top are longer than {_LONGEST_FRONT_MATTER} characters")
    try:
        _refuse_tricks(text)
        root: yaml.Node | None = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 2
        raise InvalidUpdate(f"line {line} holds a character that can't be there, U+{error.character:04X}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 2 if mark else 1
        problem = " ".join(str(error.problem).split())[:200]
        hint = "; put a text that holds ': ' or ' #' or begins with a quotation mark in quotes"
        raise InvalidUpdate(f"the fields at the top can't be read at line {line}: {problem}{hint}") from None
    except (ValueError, OverflowError):
        # PyYAML lets these through: an escape beyond Unicode, a version of too many digits.
        raise InvalidUpdate("the fields at the top hold an escape or a number that can't be read") from None
    fields = {} if root is None else _value(root)
    if not isinstance(fields, dict):
        raise InvalidUpdate("the fields at the top must be lines 'name: value', such as 'place: KZ'")
    return {str(key): value for key, value in fields.items() if value is not None}


def _refuse_tricks(text: str) -> None:
    """Refuse what no update needs: aliases can make a gigabyte of a line, and nesting a deep recursion."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.BaseLoader):
        line = event.start_mark.line + 2 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InvalidUpdate(f"line {line} begins with & or *, which YAML gives a meaning; put the text in quotes")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise InvalidUpdate(f"line {line} is nested too deep; put a text that begins with [ or {{ in quotes")


def _value(node: yaml.Node) -> object:
    """A node as lists, dicts and texts; None for a value that was left empty."""
    if isinstance(node, yaml.SequenceNode):
        return [_value(each) for each in node.value]
    if isinstance(node, yaml.ScalarNode):
        return None if node.style is None and node.value in _NULLS else str(node.value)
    fields: dict[str, object] = {}
    for key, value in node.value:
        name = str(key.value)
        if not isinstance(key, yaml.ScalarNode) or name in fields:
            raise InvalidUpdate(
                f"the field {name[:40]!r} in line {key.start_mark.line + 2} is there twice or is no name"
            )
        fields[name] = _value(value)
    return fields
