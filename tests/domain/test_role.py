"""Who may do what at the desk."""

import pytest

from newsletter.domain.role import Act, Role, may


@pytest.mark.parametrize(
    ("role", "acts"),
    [
        (Role.AUTHOR, {Act.VIEW, Act.WRITE}),
        (Role.REVIEWER, {Act.VIEW, Act.WRITE, Act.REVIEW, Act.APPROVE}),
        (Role.SENDER, {Act.VIEW, Act.WRITE, Act.REVIEW, Act.APPROVE, Act.SEND, Act.SUBSCRIBERS}),
        (Role.OWNER, set(Act)),
    ],
)
def test_what_a_role_may_do(role, acts):
    assert {act for act in Act if may(role, act)} == acts
