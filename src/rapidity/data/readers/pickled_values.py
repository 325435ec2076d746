"""Texts, numbers and lists out of Python pickles, without ever running what a pickle says.

`pickle.loads` calls any function that a file names. Here the instructions are only followed for plain
values; every object stays a `PickledObject` that holds what would have been its state.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass
from typing import Any

from rapidity.core.errors import DataError


@dataclass
class PickledObject:
    """Something that is no plain value: a class, a function, or what would have been made of it."""

    state: Any = None


_PLAIN = {
    "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1",
    "LONG4", "FLOAT", "BINFLOAT",
}  # fmt: skip
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLE_SIZES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_IGNORED = {"PROTO", "FRAME", "STOP"}


def read_pickled(content: bytes) -> Any:
    r"""Return the plain values in a pickle; objects stay `PickledObject`.

    Examples
    --------
    >>> read_pickled(b"(lp0\nVpt\np1\naVeta\np2\na.")
    ['pt', 'eta']
    """
    machine = _Machine()
    try:
        for opcode, argument, _ in pickletools.genops(content):
            machine.follow(opcode.name, argument)
        return machine.stack[-1]
    except (ValueError, IndexError, KeyError, AttributeError, TypeError) as error:
        message = (
            f"text stored by pandas cannot be read ({error}). "
            "Write the file with format='table', or as Parquet."
        )
        raise DataError(message) from error


class _Machine:
    """The stack and the memory that the instructions of a pickle work on."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._marks: list[int] = []
        self._memory: dict[int, Any] = {}

    def follow(self, name: str, argument: Any) -> None:
        """Follow one instruction."""
        if name in _PLAIN:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _TUPLE_SIZES:
            self.stack.append(tuple(self._pop(_TUPLE_SIZES[name])))
        elif name not in _IGNORED:
            getattr(self, f"_{name.lower()}")(argument)

    def _pop(self, count: int) -> list[Any]:
        start = len(self.stack) - count
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def _pop_to_mark(self) -> list[Any]:
        return self._pop(len(self.stack) - self._marks.pop())

    def _mark(self, _: object) -> None:
        self._marks.append(len(self.stack))

    def _empty_list(self, _: object) -> None:
        self.stack.append([])

    def _empty_tuple(self, _: object) -> None:
        self.stack.append(())

    def _list(self, _: object) -> None:
        self.stack.append(self._pop_to_mark())

    def _tuple(self, _: object) -> None:
        self.stack.append(tuple(self._pop_to_mark()))

    def _append(self, _: object) -> None:
        (item,) = self._pop(1)
        self.stack[-1].append(item)

    def _appends(self, _: object) -> None:
        items = self._pop_to_mark()
        self.stack[-1].extend(items)

    def _memoize(self, _: object) -> None:
        self._memory[len(self._memory)] = self.stack[-1]

    def _put(self, index: int) -> None:
        self._memory[int(index)] = self.stack[-1]

    _binput = _long_binput = _put

    def _get(self, index: int) -> None:
        self.stack.append(self._memory[int(index)])

    _binget = _long_binget = _get

    def _global(self, _: object) -> None:
        self.stack.append(PickledObject())

    def _stack_global(self, _: object) -> None:
        self._pop(2)
        self.stack.append(PickledObject())

    def _reduce(self, _: object) -> None:
        self._pop(2)
        self.stack.append(PickledObject())

    def _build(self, _: object) -> None:
        (state,) = self._pop(1)
        self.stack[-1].state = state
