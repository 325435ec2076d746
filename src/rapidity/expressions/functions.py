"""Every function that an expression may call, in one table; the parser checks calls against it.

`number_functions`, `object_functions`, `collection_functions`, `pair_functions` and `shape_functions` hold
the entries, `function` says what an entry is.
"""

from __future__ import annotations

from rapidity.core.errors import ExpressionError
from rapidity.core.registry import Registry
from rapidity.expressions.collection_functions import COLLECTION_FUNCTIONS
from rapidity.expressions.function import ArgumentKind, Function, Kind
from rapidity.expressions.number_functions import NUMBER_FUNCTIONS
from rapidity.expressions.object_functions import OBJECT_FUNCTIONS
from rapidity.expressions.pair_functions import PAIR_FUNCTIONS
from rapidity.expressions.shape_functions import SHAPE_FUNCTIONS

__all__ = [
    "COLLECTION_FUNCTIONS",
    "CONSTANTS",
    "EVERY_FUNCTION",
    "FUNCTIONS",
    "NUMBER_FUNCTIONS",
    "OBJECT_FUNCTIONS",
    "PAIR_FUNCTIONS",
    "SHAPE_FUNCTIONS",
    "ArgumentKind",
    "Function",
    "Kind",
    "find_function",
]

CONSTANTS = {"pi": 3.141592653589793}

EVERY_FUNCTION: tuple[tuple[str, Function], ...] = tuple(
    entry
    for group in (NUMBER_FUNCTIONS, OBJECT_FUNCTIONS, COLLECTION_FUNCTIONS, PAIR_FUNCTIONS, SHAPE_FUNCTIONS)
    for entry in group.items()
)
"""Name and function; `min` and `max` occur twice, for several numbers and for the objects of a collection."""

FUNCTIONS: Registry[Function] = Registry(
    "function",
    {name: function for name, function in EVERY_FUNCTION if COLLECTION_FUNCTIONS.get(name) is not function}
    | {name: function for name, function in COLLECTION_FUNCTIONS.items() if name not in NUMBER_FUNCTIONS},
    ExpressionError,
)
"""By name; `min` and `max` are those of several numbers."""


def find_function(name: str, n_arguments: int) -> Function:
    """Return the function that a call means: `max(a, b)` compares numbers, `max(x)` the objects of an event.

    Examples
    --------
    >>> find_function("max", 1).signature, find_function("max", 2).signature
    ('max(x)', 'max(a, b, ...)')
    """
    if n_arguments == 1 and name in COLLECTION_FUNCTIONS:
        return COLLECTION_FUNCTIONS[name]
    return FUNCTIONS[name]
