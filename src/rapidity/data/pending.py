"""Stands in for what the expressions are about to offer; removed once they do."""

from __future__ import annotations

from typing import Any

from rapidity import expressions

try:
    from rapidity.expressions.makers import expand_maker
except ImportError:

    def expand_maker(*_: Any) -> None:  # type: ignore[misc]
        """Return None: no feature makers yet."""


def parse_expression(text: str, objects: Any = None, collections: Any = None) -> Any:
    """Parse without collections where they are not known yet."""
    try:
        return expressions.parse_expression(text, objects, collections)
    except TypeError:
        return expressions.parse_expression(text, objects)


def collection_of(expression: Any) -> Any:
    """Return the collection of an expression."""
    return getattr(expression, "collection", None)
