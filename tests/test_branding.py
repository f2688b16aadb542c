"""A publisher's look from the settings: colours, a logo of any shape that a mail has room for, own templates, keys."""

from __future__ import annotations

import contextlib
import io
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as pillow

from newsletter.config import Settings
from newsletter.config.logo import LogoFile, read
from newsletter.errors import InvalidInput, SettingsError
from newsletter.mail.brand import Brand
from newsletter.mail.dkim import Algorithm, Key
from newsletter.mail.pictures.picture import Image, PictureMode


def drawn(width: int, height: int, kind: str = "PNG", mode: str = "RGB", **how: object) -> bytes:
    """A picture of one colour."""
    file = io.BytesIO()
    pillow.new(mode, (width, height)).save(file, kind, **how)
    return file.getvalue()


PNG = drawn(400, 100)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes], Path]:
    """Put a file into the instance folder."""

    def written(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return written


@pytest.fixture
def refusal(make_settings: Callable[..., Settings]) -> Callable[..., str]:
    """What is told of settings that can't be used."""

    def told(**settings: str) -> str:
        with pytest.raises(SettingsError) as refused:
            make_settings(**settings)
        assert str(refused.value).isprintable(), "one line"
        return str(refused.value)

    return told


def test_without_settings_it_is_the_houses_own_look(settings):
    publication = settings.publication

    assert (publication.brand, publication.pictures, publication.overrides) == (Brand(), PictureMode.HOSTED, None)


def test_colours_words_and_the_place_of_pictures_come_from_the_settings(make_settings):
    publication = make_settings(
        accent="#8b0045", accent_dark="#ff9ab8", footer="Funded by readers.", pictures="inline"
    ).publication

    assert publication.brand == Brand("#8b0045", "#ff9ab8", None, "Funded by readers.")
    assert publication.pictures is PictureMode.INLINE


def test_a_colour_for_dark_paper_is_made_where_none_is_set(make_settings):
    settings = make_settings(accent="#8b0045", accent_dark=" ")
    table = {name: (shown, source) for name, shown, source in settings.table()}

    made = settings.publication.brand.accent_dark
    assert made != Brand().accent_dark
    assert make_settings(accent_dark=made).accent_dark == made
    assert table["ACCENT_DARK"] == (made, "made from ACCENT")


def test_a_colour_for_dark_paper_that_is_set_stays_even_if_it_is_the_houses_own(make_settings):
    assert make_settings(accent="#8b0045", accent_dark="#8fbcf5").accent_dark == "#8fbcf5"


def test_a_logo_is_shown_in_half_its_pixels_with_the_title_as_its_words(make_settings, write):
    write("logo.png", PNG)
    logo = make_settings(logo="logo.png", title="Country Watch").publication.brand.logo

    assert (logo.light.data, logo.light.subtype, logo.dark) == (PNG, "png", None)
    assert (logo.alt, logo.width, logo.height) == ("Country Watch", 200, 50)
    assert re.fullmatch(r"logo-[0-9a-f]{10}\.png", logo.light.name)


def test_a_logo_can_have_another_file_for_dark_paper_and_lie_anywhere(make_settings, write, tmp_path_factory):
    write("look/logo.png", PNG)
    dark = tmp_path_factory.mktemp("elsewhere") / "dark.jpg"
    dark.write_bytes(drawn(800, 200, "JPEG"))

    logo = make_settings(logo="look/logo.png", logo_dark=str(dark)).publication.brand.logo

    assert (logo.light.data, logo.dark.data, logo.dark.subtype) == (PNG, dark.read_bytes(), "jpeg")
    assert logo.dark.name.endswith(".jpeg")


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        pytest.param((480, 128), (240, 64), id="as large as there is room for"),
        pytest.param((2000, 100), (240, 12), id="too wide"),
        pytest.param((300, 1500), (13, 64), id="too high"),
        pytest.param((1000, 1000), (64, 64), id="too large"),
        pytest.param((64, 64), (32, 32), id="small stays small: it would be blurred"),
        pytest.param((1, 1), (1, 1), id="never nothing"),
    ],
)
def test_a_logo_is_as_large_as_a_mail_has_room_for(size, shown):
    assert LogoFile(Image.named("logo", b""), *size).shown == shown


@given(st.integers(1, 2000), st.integers(1, 2000))
def test_a_logo_of_any_shape_has_room_and_keeps_its_proportions(width, height):
    shown_width, shown_height = LogoFile(Image.named("logo", b""), width, height).shown

    assert 1 <= shown_width <= 240
    assert 1 <= shown_height <= 64
    scale = min(0.5, 240 / width, 64 / height)
    assert abs(shown_width - width * scale) < 1
    assert abs(shown_height - height * scale) < 1


BAD_LOGOS = [
    pytest.param(None, "{path} can't be read: No such file or directory", id="missing"),
    pytest.param(b"", "{path} is no PNG and no JPEG picture; save it as one of the two", id="empty"),
    pytest.param(b"<svg/>", "{path} is no PNG and no JPEG picture; save it as one of the two", id="SVG"),
    pytest.param(drawn(9, 9, "GIF"), "{path} is no PNG and no JPEG picture; save it as one of the two", id="GIF"),
    pytest.param(PNG + b"\0" * 200_000, "{path} has more than 200,000 bytes", id="too many bytes"),
    pytest.param(drawn(2001, 9), "{path} has 2001 x 9 pixels; each side can have 2,000 at most", id="too wide"),
    pytest.param(drawn(30_000, 3_000, mode="1"), "{path} has far too many pixels; each side can have 2,000", id="bomb"),
    pytest.param(drawn(14_000, 14_000, mode="1"), "{path} has far too many pixels; each side can have", id="worse"),
    pytest.param(drawn(99, 99, "JPEG")[:-300], "{path} is damaged; save the picture anew", id="a part of it"),
    pytest.param(drawn(9, 9, "JPEG", "CMYK"), "{path} has the colours of print (CMYK), which mail", id="for print"),
    pytest.param(
        drawn(9, 9, save_all=True, append_images=[pillow.new("RGB", (9, 9), "red")]),
        "{path} moves; save it as a still picture",
        id="moving",
    ),
]


@pytest.mark.parametrize(("content", "told"), BAD_LOGOS)
def test_a_logo_that_can_not_be_used_is_told_at_start(refusal, write, tmp_path, content, told):
    write("good.png", PNG)
    path = tmp_path / "bad.png"
    if content is not None:
        path.write_bytes(content)

    for name in ("logo", "logo_dark"):
        words = refusal(**({"logo": "good.png"} | {name: "bad.png"}))

        assert words.startswith(f"command line: {name.upper()} can't be used: {told.format(path=path)}")


def test_a_folder_is_no_logo(refusal):
    assert refusal(logo=".").endswith("can't be read: Is a directory")


def test_a_logo_for_dark_paper_alone_is_told(refusal, write):
    write("logo.png", PNG)

    assert refusal(logo_dark="logo.png") == (
        "command line: LOGO_DARK can't be used: it goes with LOGO, which is not set"
    )


def test_two_logos_of_different_proportions_are_told(refusal, write):
    write("logo.png", PNG)
    write("dark.png", drawn(300, 100))

    assert refusal(logo="logo.png", logo_dark="dark.png") == (
        "command line: LOGO_DARK can't be used: it has 300 x 100 pixels and LOGO 400 x 100; "
        "both are shown in the same place, so make them of the same proportions"
    )


@given(st.integers(0, len(PNG) - 1), st.binary(min_size=1, max_size=4))
def test_a_damaged_file_is_a_logo_or_is_told(tmp_path_factory, at, bytes_there):
    path = tmp_path_factory.getbasetemp() / "damaged.png"
    path.write_bytes(PNG[:at] + bytes_there + PNG[at + len(bytes_there) :])

    with contextlib.suppress(InvalidInput):
        assert read(path).image.data == path.read_bytes()


def test_what_a_logo_was_at_start_stays_so_and_goes_to_other_processes(make_settings, write):
    path = write("logo.png", PNG)
    settings = make_settings(logo="logo.png")

    path.unlink()

    assert settings.publication.brand.logo.light.data == PNG
    assert pickle.loads(pickle.dumps(settings)).publication.brand == settings.publication.brand
    assert replace(settings, title="Another").publication.brand.logo.alt == "Another"


def test_templates_of_the_instance_are_found_where_they_are(make_settings, tmp_path):
    folder = tmp_path / "templates" / "email"
    folder.mkdir(parents=True)

    assert make_settings().publication.overrides == folder


@pytest.fixture(scope="module")
def keys() -> dict[str, Key]:
    """One of each kind."""
    return {"rsa": Key.generate("news1", Algorithm.RSA), "ed25519": Key.generate("news2", Algorithm.ED25519)}


def test_without_a_key_signing_is_left_to_the_relay(settings):
    assert settings.dkim is None


@pytest.mark.parametrize("kinds", [("rsa",), ("ed25519",), ("rsa", "ed25519")], ids=" and ".join)
def test_mail_is_signed_with_the_keys_that_are_set(make_settings, write, keys, kinds):
    given: dict[str, str] = {"sender": "Updates <updates@News.example.org>"}
    for kind in kinds:
        write(f"{kind}.pem", keys[kind].pem())
        prefix = "dkim_" if kind == "rsa" else "dkim_ed25519_"
        given |= {f"{prefix}selector": keys[kind].selector, f"{prefix}key": f"{kind}.pem"}
    message = b"From: Updates <updates@news.example.org>\r\nSubject: a\r\n\r\nb\r\n"

    # Over to the sender's process and back, as a service hands its settings on.
    signer = pickle.loads(pickle.dumps(make_settings(**given))).dkim
    signature = signer.sign(message, at=datetime(2022, 12, 1, tzinfo=UTC))

    signed_by = re.findall(rb"a=(\w+)-sha256;\s+c=[\w/]+;\s+d=([\w.]+);\s+s=(\w+);", signature)
    assert signed_by == [(kind.encode(), b"news.example.org", keys[kind].selector.encode()) for kind in kinds]


def test_no_key_is_in_the_table_or_in_what_python_shows(make_settings, write, keys):
    write("rsa.pem", keys["rsa"].pem())
    settings = make_settings(dkim_selector="news1", dkim_key="rsa.pem")

    assert {name: shown for name, shown, _ in settings.table()}["DKIM_KEY"] == "rsa.pem"
    for shown in (str(settings.table()), repr(settings)):
        assert "PRIVATE" not in shown


BAD_KEYS = [
    pytest.param(None, "DKIM_KEY can't be used: {path} can't be read: No such file or directory", id="missing"),
    pytest.param(b"", "DKIM_KEY can't be used: the DKIM key news1 is no private key in PEM; make one", id="empty"),
    pytest.param(b"x" * 16_385, "DKIM_KEY can't be used: {path} has more than 16,384 bytes", id="too many bytes"),
]


@pytest.mark.parametrize(("content", "told"), BAD_KEYS)
def test_a_key_that_can_not_be_used_is_told_at_start(refusal, tmp_path, content, told):
    path = tmp_path / "key.pem"
    if content is not None:
        path.write_bytes(content)

    words = refusal(dkim_selector="news1", dkim_key="key.pem")

    assert words.startswith(f"command line: {told.format(path=path)}")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"dkim_selector": "news1"}, "DKIM_SELECTOR can't be used: it goes with DKIM_KEY, which is not set"),
        ({"dkim_key": "rsa.pem"}, "DKIM_KEY can't be used: it goes with DKIM_SELECTOR, which is not set"),
        (
            {"dkim_ed25519_selector": "news1"},
            "DKIM_ED25519_SELECTOR can't be used: it goes with DKIM_ED25519_KEY, which is not set",
        ),
        (
            {"dkim_ed25519_selector": "news1", "dkim_ed25519_key": "rsa.pem"},
            "DKIM_ED25519_KEY can't be used: it is an RSA key; name it in DKIM_KEY",
        ),
        (
            {
                "dkim_selector": "news1",
                "dkim_key": "rsa.pem",
                "dkim_ed25519_selector": "news1",
                "dkim_ed25519_key": "ed25519.pem",
            },
            "DKIM_ED25519_SELECTOR can't be used: it is DKIM_SELECTOR too; each key needs a selector of its own",
        ),
    ],
    ids=["no key", "no selector", "the second without a key", "the wrong kind", "the same twice"],
)
def test_keys_and_selectors_that_do_not_go_together_are_told(refusal, write, keys, given, told):
    for kind, key in keys.items():
        write(f"{kind}.pem", key.pem())

    assert refusal(**given) == f"command line: {told}"
