"""A mail in a real browser, where nothing is fetched, and what can be measured in it.

One window shows many mails, one after the other: to open one, and to read axe into it, takes longer than a look.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Literal

from playwright.sync_api import Browser, Page

from tests.mail_checks import tools

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, Scheme] = ("light", "dark")
WIDTH = 700  #: px, of a usual window

#: Rules of axe that are about a page, and not about a mail, which is a part of the client's page.
PAGE_RULES = ["region", "landmark-one-main"]

#: What axe says of a sign without words, whose contrast it leaves to people; each has its word beside it in its colour.
SIGN_ALONE = "Element content contains only non-text characters"

_BARRIERS = """
async (options) => {
  const results = await axe.run(document, options);
  return [...results.violations, ...results.incomplete].flatMap((rule) => rule.nodes.map((node) => ({
    rule: rule.id, target: node.target.join(" "), said: node.failureSummary,
  })));
}
"""

_OUTSIDE = """
() => {
  const wide = document.documentElement.clientWidth;
  const found = new Set();
  const look = (box, element, what) => {
    if (box.width > 0 && box.height > 0 && (box.left < -1 || box.right > wide + 1)) {
      const words = element.textContent.trim().replace(/\\s+/g, " ").slice(0, 30);
      found.add(`${what} of <${element.localName} class="${element.className}"> ` +
        `from ${Math.round(box.left)} to ${Math.round(box.right)} px: ${words}`);
    }
  };
  document.querySelectorAll("body *").forEach((each) => look(each.getBoundingClientRect(), each, "box"));
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    if (text.data.trim()) {
      const range = document.createRange();
      range.selectNodeContents(text);
      look(range.getBoundingClientRect(), text.parentElement, "text");
    }
  }
  if (document.documentElement.scrollWidth > wide) {
    found.add(`the page scrolls sideways to ${document.documentElement.scrollWidth} px`);
  }
  return [...found].slice(0, 8);
}
"""

#: The words of a missing picture are drawn by the browser itself, where axe can't see them: this makes them text.
_WORDS_FOR_PICTURES = """
() => [...document.images].filter((image) => image.alt).map((image) => {
  const words = document.createElement("span");
  words.className = image.className;
  words.style.cssText = image.style.cssText;
  words.textContent = image.alt;
  image.replaceWith(words);
  return image.alt;
})
"""

#: A missing picture's words take several lines where the picture took one.
_CRAMPED = """
() => [...document.querySelectorAll("body *")].filter((each) => {
  const style = getComputedStyle(each);
  return each.innerText?.trim() && parseFloat(style.lineHeight) < 1.15 * parseFloat(style.fontSize);
}).map((each) => `${getComputedStyle(each).font}: ${each.innerText.slice(0, 40)}`)
"""

_WIDEST_TEXT = """
() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let widest = 0;
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const range = document.createRange();
    range.selectNodeContents(text);
    widest = Math.max(widest, range.getBoundingClientRect().width);
  }
  return widest;
}
"""


@contextmanager
def opened(browser: Browser) -> Iterator[Page]:
    """A window for mails; a request of theirs comes to nothing, as where a client blocks pictures."""
    with browser.new_context() as context:
        page = context.new_page()
        page.route("**/*", lambda route: route.abort())
        yield page


def show(page: Page, html: str, width: int = WIDTH) -> None:
    """A mail on light paper, in place of the one that was shown."""
    set_to(page, "light", width)
    page.set_content(html)


@cache
def _axe() -> str:
    return (tools.package("axe-core") / "axe.min.js").read_text(encoding="utf-8")


def barriers(page: Page) -> str:
    """What axe finds that keeps somebody from reading the page, each as a line."""
    if not page.evaluate("'axe' in window"):  # it outlasts the mail that it was read in for
        page.evaluate(_axe())
    options = {
        "resultTypes": ["violations", "incomplete"],
        "rules": {rule: {"enabled": False} for rule in PAGE_RULES},
    }
    found = page.evaluate(_BARRIERS, options)
    return "\n".join(
        f"{barrier['rule']}: {barrier['target']}: {barrier['said'].splitlines()[-1].strip()}"
        for barrier in found
        if not barrier["said"].endswith(SIGN_ALONE)
    )


def set_to(page: Page, scheme: Scheme, width: int) -> None:
    """Another window for the same mail."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})


def outside(page: Page) -> str:
    """What reaches out of the window on either side, each as a line."""
    return "\n".join(page.evaluate(_OUTSIDE))


def put_words_for_pictures(page: Page) -> list[str]:
    """Put its words in place of each picture, and say which they are."""
    found: list[str] = page.evaluate(_WORDS_FOR_PICTURES)
    return found


def cramped(page: Page) -> str:
    """Words whose lines touch, each as a line."""
    return "\n".join(page.evaluate(_CRAMPED))


def widest_text(page: Page) -> float:
    """The width in px of the widest stretch of words."""
    widest: float = page.evaluate(_WIDEST_TEXT)
    return widest
