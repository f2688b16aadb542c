"""The fast way to read an address says nothing else than the slow one."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.domain.address import Address
from newsletter.domain.plain_address import plain_address
from newsletter.errors import InvalidAddress

#: What can make a difference, often; and letters of other scripts, which the fast way leaves alone.
LETTERS = st.sampled_from("abzABZ019-._+'=!#@xn ẞßéİ。\u0130\t\"(")
LABEL = st.text(st.sampled_from("abXxNn09-"), min_size=1, max_size=6)
TOP = st.sampled_from(
    ["org", "ORG", "a", "co", "test", "local", "onion", "arpa", "invalid", "localhost", "example", "c0m", "x" * 63]
)
ADDRESS = st.builds(
    lambda local, labels, top: f"{local}@{'.'.join([*labels, top])}",
    st.one_of(
        st.text(LETTERS, max_size=12),
        st.sampled_from(["info", "Postmaster", "x" * 64, "x" * 65, "a.b", "WWW"]),
        st.from_regex(r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.-]{1,70}", fullmatch=True),
    ),
    st.lists(st.one_of(LABEL, st.sampled_from(["xn--a", "ab--c", "x" * 63, "x" * 64])), max_size=5),
    TOP,
)


@given(st.one_of(ADDRESS, st.text(LETTERS, max_size=30), st.emails()))
@settings(max_examples=500)
@example("ada@home.arpa")
@example("ada@example.org\n")
@example("Info@example.org")
def test_it_takes_nothing_that_is_refused_and_makes_the_same_of_the_rest(text):
    found = plain_address(text)

    if found is not None:
        assert found == Address.parse(text)


@pytest.mark.parametrize(
    "text",
    ["ada@example.org", "Ada.Lovelace+news@Mail.Example.co.uk", "o'neil@a-b.example.org", "x1_y-z@1and1.de"],
)
def test_ordinary_addresses_are_read_the_fast_way(text):
    assert plain_address(text) == Address.parse(text)


@pytest.mark.parametrize("text", ["", "ada", "ada@example", "zoë@example.org", "ada@bücher.example", " a@b.org"])
def test_what_it_does_not_know_is_left_to_the_slow_way(text):
    try:
        slow = Address.parse(text)
    except InvalidAddress:
        slow = None

    assert plain_address(text) in (None, slow)
