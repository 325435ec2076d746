"""What an operation is: how its value follows from arrays, and one gradient rule per input.

Rules are data, apart from the tape that applies them: they are written in operations on tensors, so that
the same rule gives numbers in a first backward pass and a graph where second derivatives are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

OUTPUT = -1
"""Stands, in what a rule needs, for the value of the operation itself."""


def extra(number: int) -> int:
    """Return what stands, in the needs of a rule, for the extra result `number` of the forward pass.

    Extra results are plain arrays, such as the position of each maximum of a pooling.
    """
    return -2 - number


@dataclass(frozen=True)
class Vjp:
    """The vector-Jacobian product of an operation for one of its inputs.

    Attributes
    ----------
    rule
        ``rule(gradient, *needed, **settings)`` returns the gradient of the input from that of the value,
        both tensors. It may have the shape of the value where the input was broadcast: the tape adds it up.
    needs
        What is kept for the rule until the backward pass: numbers of inputs, `OUTPUT`, `extra(k)`. Whatever
        no rule needs is freed as soon as the caller lets go of it.
    wants_shape
        Whether the rule is also given ``input_shape``, the shape of its input.
    """

    rule: Callable[..., Any]
    needs: tuple[int, ...] = ()
    wants_shape: bool = False


@dataclass(frozen=True)
class Operation:
    """One differentiable function of arrays.

    Attributes
    ----------
    name
        As reports and drawings show it.
    forward
        ``forward(memory, *arrays, **settings)`` returns the value, or a tuple of the value and of extra
        arrays for the rules. Large results are best made with ``memory.empty(shape, dtype)``.
    vjps
        One rule per input, or None where the function does not depend smoothly on it (a condition, an
        index). An operation on any number of inputs of one kind has a single rule, `is_variadic`, which
        is also given ``index``, the number of its input.
    has_second_order
        Whether the rules are made of differentiable operations alone. Extra results are constants to
        them, so an operation whose rules use floating-point extras has no second order.
    """

    name: str
    forward: Callable[..., Any]
    vjps: tuple[Vjp | None, ...]
    is_variadic: bool = False
    has_second_order: bool = True

    def vjp(self, index: int) -> Vjp | None:
        """Return the rule of input number `index`."""
        return self.vjps[0] if self.is_variadic else self.vjps[index]
