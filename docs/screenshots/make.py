"""Make the pictures of this folder anew, from the demo, with Debian's chromium.

Run by hand, after the look has changed, and look at each picture before it is committed:

    .venv/bin/python -m docs.screenshots.make

It takes some three minutes, needs /usr/bin/chromium (apt-get install chromium), and writes a PNG for each name below,
and four for each page of the readers (tests/journeys/reader_pages.py): NAME-phone-dark.png and so on. Readers sign up,
and the edition is approved and sent, by the demo's own services and sender, so that the pictures show what a visitor of
the demo sees.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from newsletter.cli.demo import ADMIN, DRAFT_MONTH, Demo
from newsletter.jobs.sender import utc_now
from newsletter.mail.showing import without_pictures
from newsletter.services import deliveries, editions
from tests.journeys import reader_pages
from tests.journeys.reader_pages import Shown
from tests.journeys.stock import ask, confirm, serving
from tests.mail_checks.variants import as_outlook

FOLDER = Path(__file__).parent
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
LARGEST_BYTES = 150_000  #: of a picture
LARGEST_FOLDER = 6_000_000  #: bytes
COLOURS = 64  #: of a picture: text in its greys, and our few colours
PATIENCE_SECONDS = 30.0

DESKTOP, READING, PHONE = 1280, 760, 375  #: px; a mail program on a desktop has a list beside the mail
#: Readers' pages: width, and how much of a page is shown at most.
DEVICES = {"phone": (PHONE, 1200), "desktop": (DESKTOP, 1000)}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
LOWEST = 400  #: px, of a window
READERS = {
    "ada@example.org": ("KZ", "SD", "ET", "CD"),
    "ben@example.org": ("all",),
    "chandra@example.org": ("central-asia", "east-africa"),
    "dilnoza@example.org": ("KG", "KZ"),
    "emeka@example.org": ("west-africa",),
    "fatima@example.org": ("SD", "ET", "SO"),
}
READER = "ada@example.org"  #: whose digest is shown


def html_of(mail: EmailMessage) -> str:
    return content(mail, "html")


def text_of(mail: EmailMessage) -> str:
    """The text part as a mail program on a terminal shows it."""
    style = "margin: 24px; font: 15px/21px monospace; color: #1c1b1a; background: #ffffff"
    return f'<!DOCTYPE html><meta charset="utf-8"><pre style="{style}">{escape(content(mail, "plain"))}</pre>'


def content(mail: EmailMessage, subtype: str) -> str:
    part = mail.get_body((subtype,))
    return "" if part is None else str(part.get_content())


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture."""

    path: str
    height: int = 1000  #: px
    width: int = DESKTOP
    scheme: Literal["light", "dark"] = "light"


#: By file name: taken when the edition is sent.
SENT = {"inbox": Shot("/inbox/", height=900)}
#: The digest as clients show it: what they make of the mail, and on which paper.
DIGEST: dict[str, tuple[Callable[[EmailMessage], str], Shot]] = {
    "digest-desktop-light": (html_of, Shot("/digest", width=READING, height=1100)),
    "digest-desktop-dark": (html_of, Shot("/digest", width=READING, height=1100, scheme="dark")),
    "digest-phone-light": (html_of, Shot("/digest", width=PHONE)),
    "digest-phone-dark": (html_of, Shot("/digest", width=PHONE, scheme="dark")),
    "digest-pictures-off": (lambda mail: without_pictures(html_of(mail)), Shot("/digest", width=READING, height=1100)),
    "digest-outlook": (lambda mail: as_outlook(html_of(mail)), Shot("/digest", width=READING, height=1100)),
    "digest-text": (text_of, Shot("/digest", width=READING, height=1100)),
}


def main() -> None:
    """Walk through the demo, and take the pictures on the way."""
    with serving() as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        sign_up(demo)
        with demo.database.writing() as session:
            editions.approve(session, DRAFT_MONTH, demo.settings.publication, by=ADMIN, now=utc_now())
        send(demo)
        take(browser, demo, SENT)
        take_digest(browser, demo)
        take_pages(browser, demo)
        browser.close()
    weight = sum(path.stat().st_size for path in FOLDER.glob("*.png"))
    if weight > LARGEST_FOLDER:
        sys.exit(f"the pictures have {weight / 1e6:.1f} MB in all; make some lower")


def sign_up(demo: Demo) -> None:
    """All READERS ask, have the question in their inbox, confirm, and have the welcome."""
    for address, subjects in READERS.items():
        found = ask(demo, address, *subjects)
        wait(demo, mails=1, addresses=[address])
        confirm(demo, found)
        wait(demo, mails=2, addresses=[address])


def send(demo: Demo) -> None:
    """To all READERS."""
    with demo.database.writing() as session:
        deliveries.start(session, DRAFT_MONTH, by=ADMIN, now=utc_now())
    wait(demo, mails=3, addresses=READERS)


def wait(demo: Demo, *, mails: int, addresses: Iterable[str]) -> None:
    """Until so many mails have come to each address."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(sum(address in mail.rcpt_to for mail in demo.catcher.messages()) < mails for address in addresses):
        if time.monotonic() > deadline:
            sys.exit("the demo's sender does not send")
        time.sleep(0.05)


def take(browser: Browser, demo: Demo, shots: dict[str, Shot]) -> None:
    """Write a PNG for each."""
    for name, shot in shots.items():
        with window(browser, shot) as page:
            if shot.path.startswith("/admin/"):
                log_in(page, demo)
            page.goto(demo.settings.base_url + shot.path)
            write(page, name)


def take_digest(browser: Browser, demo: Demo) -> None:
    """Write a PNG for each way to look at the READER's digest."""
    sent = [caught for caught in demo.catcher.messages() if READER in caught.rcpt_to]
    mail = message_from_bytes(sent[-1].data, _class=EmailMessage, policy=policy.default)
    for name, (made_of, shot) in DIGEST.items():
        with window(browser, shot) as page:
            # At an address of the demo's, so that the pictures come from where the mail says.
            url, html = demo.settings.base_url + shot.path, made_of(mail)
            page.route(url, lambda route, _, html=html: route.fulfill(body=html, content_type="text/html"))
            page.goto(url)
            write(page, name)


def take_pages(browser: Browser, demo: Demo) -> None:
    """Write four PNGs for each page of the readers."""
    tokens = reader_pages.people(demo)
    for device, (width, height) in DEVICES.items():
        for scheme in SCHEMES:
            with window(browser, Shot("/", height, width, scheme)) as page:
                for shown in reader_pages.PICTURED:
                    take_page(page, demo, shown, tokens, height)
                    write(page, f"{shown.name}-{device}-{scheme}")


def take_page(page: Page, demo: Demo, shown: Shown, tokens: dict[str, str], highest: int) -> None:
    """Show a page in a window as high as itself, up to `highest` px."""
    width = page.evaluate("innerWidth")
    page.set_viewport_size({"width": width, "height": LOWEST})
    shown.show(page, demo.settings.base_url, tokens)
    needed = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": width, "height": min(needed, highest)})


@contextmanager
def window(browser: Browser, shot: Shot) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": shot.width, "height": shot.height}, color_scheme=shot.scheme, locale="en-GB"
    )
    yield context.new_page()
    context.close()


def write(page: Page, name: str) -> None:
    target = FOLDER / f"{name}.png"
    reduced(Image.open(BytesIO(page.screenshot())).convert("RGB")).save(target, optimize=True)
    size = target.stat().st_size
    print(f"{target.name}: {size / 1000:.0f} kB")
    if size > LARGEST_BYTES:
        sys.exit(f"{target.name} is too large; make the picture lower")


def reduced(picture: Image.Image) -> Image.Image:
    """The picture in its most frequent colours, every other one as the nearest of these; without dither.

    So areas keep their colour to the bit, and are as flat as they were: Pillow's own ways change both.
    """
    pixels = memoryview(picture.tobytes("raw", "RGBX")).cast("I")
    frequent = [colour.to_bytes(4, sys.byteorder) for colour, _ in Counter(pixels).most_common()]
    kept, indexes = frequent[:COLOURS], {}
    for colour in frequent:
        indexes[int.from_bytes(colour, sys.byteorder)] = min(range(len(kept)), key=lambda i: distance(colour, kept[i]))
    made = Image.frombytes("P", picture.size, bytes(map(indexes.__getitem__, pixels)))
    made.putpalette(b"".join(colour[:3] for colour in kept))
    return made


def distance(one: bytes, other: bytes) -> int:
    """Between two colours, of red, green and blue."""
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def log_in(page: Page, demo: Demo) -> None:
    page.goto(f"{demo.settings.base_url}/admin/login")
    page.get_by_label("E-mail address").fill(ADMIN)
    page.get_by_label("Password").fill(demo.password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Editions").wait_for()


if __name__ == "__main__":
    main()
