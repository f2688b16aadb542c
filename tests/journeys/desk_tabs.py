"""A page walked through by the Tab key alone, from its beginning until the key leads out of it again."""

from __future__ import annotations

from playwright.sync_api import Page

MOST = 600  #: presses; a page that holds them longer is taken for a trap

#: Notes each element that gets the focus, in order, and whether one sees that it has it. A group of radio buttons is
#: one stop: at the chosen one, or at the first.
_WATCH = """
() => {
  const key = "a[href], button, input, select, textarea, summary, [tabindex]";
  const isShown = (each) => each.checkVisibility({ visibilityProperty: true });
  const isStop = (each) => each.tabIndex >= 0 && !each.matches(":disabled, [type=hidden]") && isShown(each);
  const radios = [...document.querySelectorAll("[type=radio]")].filter(isStop);
  const ofGroup = (one) => radios.filter((each) => each.name === one.name && each.form === one.form);
  const chosen = (each) => ofGroup(each).find((one) => one.checked) ?? ofGroup(each)[0];
  const isMet = (each) => each.type !== "radio" || each === chosen(each);
  window.expected = [...document.querySelectorAll(key)].filter(isStop).filter(isMet);
  window.reached = [];
  window.isAround = false;
  document.addEventListener("focusin", ({ target }) => {
    if (target.localName === "iframe") return;
    window.isAround ||= window.reached.some(([each]) => each === target);
    if (window.isAround) return;
    const { outlineStyle, outlineWidth } = getComputedStyle(target);
    const box = target.getBoundingClientRect();
    const isInside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    window.reached.push([target, isInside && outlineStyle !== "none" && parseFloat(outlineWidth) >= 2]);
  });
  // Where the focus was, Tab would go on from there: it has to begin where the page does.
  const start = Object.assign(document.createElement("span"), { tabIndex: -1 });
  document.body.prepend(start);
  start.focus();
  start.remove();
  window.reached = [];
  return window.expected.length;
}
"""

_FAULTS = """
() => {
  const name = (each) => `<${each.localName} class="${each.className}">: ` +
    (each.textContent || each.name || each.id).trim().replace(/\\s+/g, " ").slice(0, 30);
  const places = window.expected.map((each) => window.reached.findIndex(([one]) => one === each));
  const met = places.filter((each) => each >= 0);
  const back = met.filter((each, at) => at && each < met[at - 1]);
  return [
    ...window.expected.filter((each, at) => places[at] < 0).map((each) => `not reached: ${name(each)}`),
    ...window.reached.filter(([, isSeen]) => !isSeen).map(([each]) => `focus not seen: ${name(each)}`),
    ...back.map((each) => `out of order: ${name(window.reached[each][0])}`),
  ];
}
"""


def faults(page: Page) -> list[str]:
    """What Tab does not come to, comes to in another order, or where one does not see that it has come; a trap."""
    stops, outside = page.evaluate(_WATCH), 0
    for number in range(MOST):
        page.keyboard.press("Tab")
        # For a moment nothing has the focus, too, while a frame gives it back; then the next Tab goes on.
        outside = outside + 1 if page.evaluate("document.activeElement === document.body") else 0
        if number >= stops and (outside > 1 or page.evaluate("window.isAround")):
            found: list[str] = page.evaluate(_FAULTS)
            return found
    return [f"no way out by {MOST} times Tab"]
