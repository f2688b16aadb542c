"""The logo's files, measured: PNG or JPEG, which every mail client shows."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import Image as pillow
from PIL import UnidentifiedImageError
from PIL.ImageFile import ImageFile

from newsletter.config.named import NamedFiles, content
from newsletter.errors import InvalidInput
from newsletter.mail.pictures.picture import Image, Picture

LARGEST_FILE = 200_000  #: bytes
LARGEST_SIDE = 2_000  #: pixels
WIDEST, HIGHEST = 240, 64  #: CSS pixels, as it is shown
DENSITY = 2  #: pixels of the file to a CSS pixel, so that it is sharp on a phone


@dataclass(frozen=True, slots=True)
class LogoFile:
    """One file, and how large it is."""

    image: Image
    width: int  #: pixels
    height: int

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height in CSS pixels: as it is meant, or less where there is no room for that."""
        scale = min(1 / DENSITY, WIDEST / self.width, HIGHEST / self.height)
        return max(1, round(self.width * scale)), max(1, round(self.height * scale))


@dataclass(frozen=True, slots=True)
class Logo:
    """The files of LOGO and LOGO_DARK."""

    light: LogoFile
    dark: LogoFile | None = None

    def picture(self, alt: str) -> Picture:
        """As templates show it."""
        width, height = self.light.shown
        return Picture(self.light.image, self.dark.image if self.dark else None, alt, width, height)


def find(files: NamedFiles) -> Logo | None:
    """The logo that the settings name, if any. Raises SettingsError."""
    light, dark = files.read("logo", read), files.read("logo_dark", read)
    with files.blaming("logo_dark"):
        if light is None:
            if dark is not None:
                raise InvalidInput("it goes with LOGO, which is not set")
            return None
        if dark is not None and not _is_alike(light, dark):
            raise InvalidInput(
                f"it has {dark.width} x {dark.height} pixels and LOGO {light.width} x {light.height}; "
                "both are shown in the same place, so make them of the same proportions"
            )
    return Logo(light, dark)


def read(path: Path) -> LogoFile:
    """Read and measure a file. Raises InvalidInput."""
    data = content(path, LARGEST_FILE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of notes in a JPEG (EXIF) that are odd, which does no harm
            warnings.simplefilter("error", pillow.DecompressionBombWarning)
            picture = pillow.open(io.BytesIO(data), formats=("PNG", "JPEG"))
            _require_usable(picture, path)
            picture.load()
    except UnidentifiedImageError:
        raise InvalidInput(f"{path} is no PNG and no JPEG picture; save it as one of the two") from None
    except (pillow.DecompressionBombWarning, pillow.DecompressionBombError):
        raise InvalidInput(f"{path} has far too many pixels; each side can have {LARGEST_SIDE:,} at most") from None
    except (OSError, SyntaxError, ValueError):
        raise InvalidInput(f"{path} is damaged; save the picture anew") from None
    return LogoFile(Image.named("logo", data, "png" if picture.format == "PNG" else "jpeg"), *picture.size)


def _require_usable(picture: ImageFile, path: Path) -> None:
    width, height = picture.size
    if max(width, height) > LARGEST_SIDE:
        raise InvalidInput(f"{path} has {width} x {height} pixels; each side can have {LARGEST_SIDE:,} at most")
    if getattr(picture, "is_animated", False):
        raise InvalidInput(f"{path} moves; save it as a still picture")
    if picture.mode == "CMYK":
        raise InvalidInput(f"{path} has the colours of print (CMYK), which mail programs show wrong; save it in RGB")


def _is_alike(light: LogoFile, dark: LogoFile) -> bool:
    """Whether the two have the same proportions, but for what rounding to pixels does to them."""
    return abs(light.width * dark.height / (light.height * dark.width) - 1) <= 0.02
