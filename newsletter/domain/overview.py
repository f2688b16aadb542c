"""An edition's overview: the month as a whole, in the editors' words, beside what single places had."""

from __future__ import annotations

from newsletter.domain.characters import is_control

LONGEST = 5_000  #: characters
#: Octets of UTF-8. Every digest has it in full in both parts, where a letter beyond ASCII takes six octets and more.
LARGEST = 6_000


def tidy(text: str) -> str:
    """With line breaks of one kind, as a form, a file or another system may have written them, and no space around."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").strip()


def problems(text: str) -> list[str]:
    """What breaks a rule, in words that follow "the overview"; empty when it can be kept."""
    found = []
    if len(text) > LONGEST:
        found.append(f"has {len(text):,} characters; shorten it to {LONGEST:,} or fewer")
    elif (octets := len(text.encode(errors="surrogatepass"))) > LARGEST:
        found.append(f"has {octets:,} octets, as letters beyond ASCII take two to four; shorten it to {LARGEST:,}")
    controls = sorted({char for char in text if is_control(char)})
    if controls:
        names = ", ".join(f"U+{ord(char):04X}" for char in controls[:3])
        found.append(f"holds a control character ({names}); take it out")
    return found
