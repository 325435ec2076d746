"""Which objects the values of an operation belong to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rapidity.core.errors import ExpressionError, shorten
from rapidity.expressions.tree import EVENT, Shape, Term

MakeError = Callable[[str, str], ExpressionError]
"""``(what was found, what to do) -> error``."""

ONE_VALUE_OR_PAIRS = (
    "Make one value an event of them with sum, max, [0] and so on, or take all pairs with a function such as "
    "min_delta_r(a, b)"
)


def join_shapes(terms: Sequence[Term], make_error: MakeError) -> Shape:
    """Return the shape of an elementwise operation: one collection at most, in one selection.

    Values of a whole collection go with those of a selection of it; the result has the selected ones.
    """
    shapes = list(dict.fromkeys(term.shape for term in terms if term.shape.collection is not None))
    if not shapes:
        return EVENT
    collections = list(dict.fromkeys(shape.collection for shape in shapes))
    if len(collections) > 1:
        found = (
            f"the objects of {shorten(collections)} are different ones: they cannot be combined one by one"
        )
        raise make_error(found, ONE_VALUE_OR_PAIRS)
    narrowest = max(shapes, key=lambda shape: len(shape.selection))
    if not all(shape.covers(narrowest) for shape in shapes):
        found = f"different selections of '{narrowest.collection}' cannot be combined one by one"
        raise make_error(
            found, "Select after computing, as in (a / b)[condition], or reduce each with sum, max"
        )
    return narrowest
