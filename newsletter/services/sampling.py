"""A few of very many rows, where to look at all takes too long for a page."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

_CHUNK: Final = 500  #: ids in one query: SQLite takes some thousand parameters


def sample(
    session: Session,
    query: Select[*tuple[Any, ...]],
    column: InstrumentedAttribute[int],
    *,
    first: int,
    last: int,
    size: int,
    seed: int,
) -> Sequence[Any]:
    """What a query finds of `size` ids at random from `first` to `last` in `column`; of all, if they are fewer.

    The same seed gives the same ids, so that two looks can be compared, and a column grows and doesn't jump.
    """
    numbers = range(first, last + 1)
    # Not a secret: nobody gains by guessing who is counted.
    ids = random.Random(seed).sample(numbers, min(len(numbers), size))  # noqa: S311
    rows: list[Any] = []
    for start in range(0, len(ids), _CHUNK):
        rows += session.execute(query.where(column.in_(ids[start : start + _CHUNK]))).all()
    return rows
