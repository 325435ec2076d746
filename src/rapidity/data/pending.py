"""Stands in for the feature makers until they are there."""

from __future__ import annotations

from typing import Any

from rapidity.expressions import parse_expression

try:
    from rapidity.expressions.makers import expand_maker
except ImportError:

    def expand_maker(*_: Any) -> Any:
        """Return None: no feature makers yet."""


def collection_of(expression: Any) -> Any:
    """Return the collection of an expression."""
    return expression.collection


__all__ = ["collection_of", "expand_maker", "parse_expression"]
