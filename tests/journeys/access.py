"""What may keep somebody from using a page: barriers that axe knows, small targets, what no keyboard comes to."""

from __future__ import annotations

from functools import cache

from playwright.sync_api import Page

from tests.mail_checks import tools
from tests.mail_checks.window import SIGN_ALONE

FINGER = 44  #: px, the least height of what a finger presses, but for words in running text
MOUSE = 24  #: px (WCAG 2.2, 2.5.8)

#: Where axe is not sure. Links reach over the lines beside them, so that a finger finds them; one can see through them.
OVERLAPPED = "could not be determined because it is overlapped by another element"

_BARRIERS = """
async (only) => {
  const options = { preload: false, resultTypes: ["violations", "incomplete"] };
  const results = await axe.run(document, only.length ? { ...options, runOnly: only } : options);
  return [...results.violations, ...results.incomplete].flatMap((rule) => rule.nodes.map((node) => ({
    rule: rule.id, target: node.target.join(" "), said: node.failureSummary,
  })));
}
"""

#: A link in running text is as high as its line. The link that skips the masthead is seen by who uses the keyboard; an
#: error that is told twice leads to the field, which is large enough.
_SMALL = """
(smallest) => {
  const links = "a[href]:not(.skip)";
  const pressed = `${links}, button, input:not([type=hidden]), select, textarea, summary`;
  const inText = (each) => {
    let block = each.parentElement;
    while (getComputedStyle(block).display.startsWith("inline")) block = block.parentElement;
    const words = [...block.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    return getComputedStyle(each).display === "inline" && words;
  };
  const found = [];
  for (const each of document.querySelectorAll(pressed)) {
    if (!each.checkVisibility({ visibilityProperty: true }) || each.tabIndex < 0 || inText(each)) continue;
    const [box] = (["checkbox", "radio"].includes(each.type) ? each.closest("label") : each).getClientRects();
    if (box.height < smallest - 0.01) {
      const words = (each.textContent || each.name || "").trim().replace(/\\s+/g, " ").slice(0, 30);
      const inside = each.parentElement.className || each.parentElement.localName;
      found.push(`${box.height.toFixed(1)} px: <${each.localName} class="${each.className}"> in ${inside}: ${words}`);
    }
  }
  return found;
}
"""

#: Before the first press of Tab: notes each element that gets the focus, and whether one sees that it has it.
_WATCH = """
() => {
  const key = "a[href], button, input, select, textarea, summary, [tabindex]";
  const groups = new Set();
  window.expected = [...document.querySelectorAll(key)].filter((each) => {
    if (each.tabIndex < 0 || each.disabled || each.type === "hidden" || !each.checkVisibility()) return false;
    if (each.type !== "radio") return true;
    const isFirst = !groups.has(each.name);
    groups.add(each.name);
    return isFirst;
  });
  window.reached = new Map();
  document.addEventListener("focusin", ({ target }) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(target);
    const box = target.getBoundingClientRect();
    const isShown = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    window.reached.set(target, isShown && outlineStyle !== "none" && parseFloat(outlineWidth) >= 2);
  });
  document.activeElement?.blur();
  return window.expected.length;
}
"""

_MISSED = """
() => {
  const name = (each) => `<${each.localName} class="${each.className}">: ` +
    (each.textContent || each.name || each.id).trim().replace(/\\s+/g, " ").slice(0, 30);
  return [
    ...window.expected.filter((each) => !window.reached.has(each)).map((each) => `not reached: ${name(each)}`),
    ...[...window.reached].filter(([, isSeen]) => !isSeen).map(([each]) => `focus not seen: ${name(each)}`),
  ];
}
"""


@cache
def _axe() -> str:
    return (tools.package("axe-core") / "axe.min.js").read_text(encoding="utf-8")


def barriers(page: Page, *rules: str) -> list[str]:
    """What axe finds on the page by these of its rules, or by all; also where it is not sure."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    return [
        f"{barrier['rule']}: {barrier['target']}: {barrier['said'].splitlines()[-1].strip()}"
        for barrier in page.evaluate(_BARRIERS, rules)
        if not barrier["said"].endswith((SIGN_ALONE, OVERLAPPED))
    ]


def small_targets(page: Page, smallest: int) -> list[str]:
    """What can be pressed, is no word in running text, and is lower than so many px."""
    found: list[str] = page.evaluate(_SMALL, smallest)
    return found


def missed_by_keyboard(page: Page) -> list[str]:
    """What the Tab key does not come to, and where one does not see that it has come."""
    # Where the last click was, the Tab key would go on from there.
    count = page.evaluate(_WATCH)
    for _ in range(count):
        page.keyboard.press("Tab")
    found: list[str] = page.evaluate(_MISSED)
    return found
