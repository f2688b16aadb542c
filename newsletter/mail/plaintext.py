"""An editor's Markdown (CommonMark) as text that reads well as it stands, for the text part of a mail.

It tells what the HTML of newsletter.mail.markup tells: both read the same parser, and neither follows other links.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markdown_it.token import Token

from newsletter.mail import markup
from newsletter.mail.wrapping import fill, words

_TIED = "\0"  #: a space that no line is broken at: CommonMark lets no NUL through, so it is free
_CODE_INDENT = "    "


class LinkList:
    """The addresses behind the links of a text, numbered as they come; one that comes again keeps its number."""

    def __init__(self, start: int = 1) -> None:
        self._start = start
        self._numbers: dict[str, int] = {}

    def add(self, url: str) -> int:
        """The number of an address."""
        return self._numbers.setdefault(url, self._start + len(self._numbers))

    def lines(self) -> list[str]:
        """Each address behind its number, for the end of the text; never broken, so that it can be followed."""
        return [f"[{number}] {url}" for url, number in self._numbers.items()]


def to_text(markdown: str, *, indent: str = "", first: str | None = None, links: LinkList) -> str:
    """Lines of TEXT_WIDTH columns: each begins with `indent`, but the first with `first` where it is given."""
    lead = indent if first is None else first
    return "\n".join(_blocks(markup.parser.parse(markdown), lead, indent, links))


def _blocks(tokens: Sequence[Token], first: str, rest: str, links: LinkList, *, tight: bool = False) -> list[str]:
    lines: list[str] = []
    for block in _split(tokens):
        found = _block(block, rest if lines else first, rest, links)
        if lines and found and not tight:
            lines.append(rest.rstrip())
        lines += found
    return lines


def _split(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """The tokens of each block, from the one that opens it to the one that closes it."""
    start = depth = 0
    for end, token in enumerate(tokens, start=1):
        depth += token.nesting
        if depth == 0:
            yield tokens[start:end]
            start = end


def _block(block: Sequence[Token], first: str, rest: str, links: LinkList) -> list[str]:
    match block[0].type:
        case "paragraph_open" | "heading_open":
            return _paragraph(_inline(block[1].children or [], links), first, rest)
        case "blockquote_open":
            return _blocks(block[1:-1], f"{first}> ", f"{rest}> ", links)
        case "bullet_list_open" | "ordered_list_open":
            return _items(block, first, rest, links)
        case "fence" | "code_block":
            return _code(block[0].content, first, rest)
        case _:
            return []  # a rule across the page, which the HTML leaves out as well


def _paragraph(text: str, first: str, rest: str) -> list[str]:
    """Each line of a text with hard breaks, wrapped."""
    lines: list[str] = []
    for line in text.split("\n"):
        pieces = (piece.replace(_TIED, " ") for piece in words(line))
        lines += fill(pieces, rest if lines else first, rest)
    return lines


def _items(block: Sequence[Token], first: str, rest: str, links: LinkList) -> list[str]:
    opening = block[0]
    items = list(_split(block[1:-1]))
    tight = not any(
        token.type == "paragraph_open" and token.level == opening.level + 2 and not token.hidden for token in block
    )
    lines: list[str] = []
    for item, mark in zip(items, _marks(opening, len(items)), strict=True):
        if lines and not tight:
            lines.append(rest.rstrip())
        lead = (rest if lines else first) + mark
        found = _blocks(item[1:-1], lead, rest + " " * len(mark), links, tight=tight)
        lines += found or [lead.rstrip()]
    return lines


def _marks(opening: Token, count: int) -> list[str]:
    """What the items of a list begin with, all of one width."""
    if opening.type == "bullet_list_open":
        return ["- "] * count
    start = int(opening.attrs.get("start", 1))
    marks = [f"{number}{opening.markup} " for number in range(start, start + count)]
    return [mark.rjust(len(marks[-1])) for mark in marks]


def _code(content: str, first: str, rest: str) -> list[str]:
    if not content.strip():
        return []
    lines = content.removesuffix("\n").split("\n")
    return [f"{rest if number else first}{_CODE_INDENT}{line}".rstrip() for number, line in enumerate(lines)]


def _inline(tokens: Sequence[Token], links: LinkList) -> str:
    """A paragraph in one line, but for its hard breaks."""
    parts: list[str] = []
    emphasis = 0  # how deep: emphasis within emphasis has no marks of its own
    opened: list[tuple[int, str]] = []  # where the words of a link begin, and where it leads
    for token in tokens:
        match token.type:
            case "em_open" | "strong_open":
                parts.append("" if emphasis else "*")
                emphasis += 1
            case "em_close" | "strong_close":
                emphasis -= 1
                parts.append("" if emphasis else "*")
            case "link_open":
                opened.append((len(parts), str(token.attrs["href"])))
            case "link_close":
                start, url = opened.pop()
                parts[start:] = [_link("".join(parts[start:]), url, links)]
            case "hardbreak":
                parts.append("\n")
            case _:
                parts.append(_words(token))
    return "".join(parts)


def _words(token: Token) -> str:
    match token.type:
        case "softbreak" | "hardbreak":
            return " "
        case "code_inline":
            return f"{token.markup}{token.content}{token.markup}".replace(" ", _TIED)
        case "image":
            return "".join(_words(child) for child in token.children or [])
        case _:
            return token.content.replace("\n", " ")  # an entity can stand for it, but only a hard break is one


def _link(label: str, url: str, links: LinkList) -> str:
    """The words with a number, or the address itself where there are no other words for it."""
    if url.partition(":")[0].lower() not in markup.URL_SCHEMES:
        return label
    shown = url if "?" in url else url.removeprefix("mailto:")
    if label.strip() in {"", url, shown, markup.parser.normalizeLinkText(url)}:
        return f"<{shown}>"
    return f"{label.rstrip()}{_TIED}[{links.add(url)}]"
