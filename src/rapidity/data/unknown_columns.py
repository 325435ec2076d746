"""Expressions that cannot be understood because a column is not in the file: that is what is then said."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rapidity.core.errors import ExpressionError
from rapidity.data.collections import find_columns
from rapidity.data.features import NAMED_EXPRESSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rapidity.data.sources import JoinedFile


@contextmanager
def look_for_columns(
    file: JoinedFile, objects: Mapping[str, Mapping[str, str]], texts: Mapping[str, str | None]
) -> Iterator[None]:
    """Say of expressions that cannot be understood first which of their columns are not there.

    A column that is not there is taken to have one value an event, so that ``count(jet_ptt)`` would be said
    to need none.

    Parameters
    ----------
    texts
        What needs an expression -> the expression, or ``name = expression``.

    Raises
    ------
    MissingNameError
        If the block raises an ExpressionError, and a column is not in the file.
    """
    try:
        yield
    except ExpressionError:
        for where, text in texts.items():
            for column in _columns_in(text or "", objects):
                file.require_column(column, where)
        raise


def _columns_in(text: str, objects: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """Return the columns of an expression, named or not; none of what is no expression."""
    named = NAMED_EXPRESSION.match(text)
    try:
        return find_columns(named.group(2) if named else text, objects)
    except ExpressionError:
        return ()
