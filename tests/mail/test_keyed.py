"""Keyed hashes are the standard library's."""

import hmac

from hypothesis import given
from hypothesis import strategies as st

from newsletter.mail.keyed import Hmac


@given(st.binary(max_size=200), st.lists(st.binary(max_size=200), min_size=1, max_size=3))
def test_it_is_hmac_sha_256_for_keys_and_messages_of_any_length(key, messages):
    keyed = Hmac(key)

    assert [keyed.digest(each) for each in messages] == [hmac.digest(key, each, "sha256") for each in messages]
