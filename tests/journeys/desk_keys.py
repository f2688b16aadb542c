"""A page that is used by keyboard alone: Tab, Enter, arrow keys, and typing."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

MOST_TABS = 150  #: to any place of a page

_IS_FOCUSED = "each => each === document.activeElement"
_IS_SEEN = """
each => {
  const style = getComputedStyle(each), box = each.getBoundingClientRect();
  const isDrawn = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  return isDrawn && box.bottom > 0 && box.top < innerHeight;
}
"""


class Keys:
    """Somebody's hands on the keyboard; the mouse is never touched."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def to(self, target: Locator) -> None:
        """Press Tab until it has the focus, which has to be seen."""
        for _ in range(MOST_TABS):
            if target.evaluate(_IS_FOCUSED):
                assert target.evaluate(_IS_SEEN), f"the focus is not seen on {target}"
                return
            self._page.keyboard.press("Tab")
        raise AssertionError(f"no Tab leads to {target}")

    def enter(self, target: Locator) -> None:
        """Go to a link or button, and press Enter."""
        self.to(target)
        self._page.keyboard.press("Enter")

    def fill(self, target: Locator, text: str) -> None:
        """Type into a field, in place of what is in it."""
        self.to(target)
        self._page.keyboard.press("Control+a")
        self._page.keyboard.type(text)

    def press(self, key: str) -> None:
        self._page.keyboard.press(key)
