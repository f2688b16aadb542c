"""The mails that are looked at: the specimens of a publication with everything that one can have."""

from __future__ import annotations

import email
from dataclasses import replace
from email import policy
from email.message import EmailMessage
from io import BytesIO

from PIL import Image as Drawing

from newsletter.mail.brand import Brand
from newsletter.mail.pictures.picture import Image, Picture, PictureMode
from newsletter.services.specimens import Specimen, Specimens
from tests.mail import publisher


def _logo() -> Picture:
    images = []
    for name, colour in (("logo", "#0b4f8a"), ("logo-dark", "#8fbcf5")):
        data = BytesIO()
        Drawing.new("RGB", (320, 80), colour).save(data, "PNG")
        images.append(Image.named(name, data.getvalue()))
    return Picture(*images, alt="Country Updates", width=160, height=40)


PUBLICATION = replace(
    publisher.PUBLICATION,
    brand=Brand(logo=_logo(), footer="Country Updates is published by the Example Foundation."),
)
_MADE = Specimens(PUBLICATION)
#: The same with its pictures in the message itself, which is written in another way.
_MADE_INLINE = Specimens(replace(PUBLICATION, pictures=PictureMode.INLINE))

NAMES = [*_MADE.titles, "digest-few-inline", "welcome-inline"]
#: A browser takes its time, so it looks at none that is like another to the eye.
SHOWN = [
    name
    for name in NAMES
    if name not in {"digest-one", "digest-many", "digest-unchanged", "manage-link", "welcome-first", "welcome-inline"}
]


def mail(name: str) -> Specimen:
    """One of the NAMES."""
    hosted = name.removesuffix("-inline")
    return (_MADE if hosted == name else _MADE_INLINE).get(hosted)


def sent_html(data: bytes) -> str:
    """The HTML of a message as it is sent: its pictures are addresses, and not yet files."""
    message = email.message_from_bytes(data, _class=EmailMessage, policy=policy.SMTP)
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")
