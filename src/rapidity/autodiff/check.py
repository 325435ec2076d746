"""Checking gradient rules against central differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.autodiff.backward_pass import gradients
from rapidity.autodiff.tape import Node, find_source
from rapidity.autodiff.tensor import Tensor, tensor
from rapidity.core.errors import GradientError, shorten

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Values = dict[str, Any]
Function = Callable[..., Tensor]
NEGLIGIBLE = 1e-3
"""Of the size of the function: a derivative below it is compared with this, not with itself."""


@dataclass(frozen=True)
class Comparison:
    """One directional derivative, found in two ways.

    Attributes
    ----------
    input_name
        The input that was moved.
    order
        1, or 2 for the derivative of a gradient.
    direction
        Number of the random direction.
    by_rules, by_differences
        The derivative along it.
    deviation
        Their difference relative to the larger one (and to the size of such a derivative in general).
    """

    input_name: str
    order: int
    direction: int
    by_rules: float
    by_differences: float
    deviation: float


@dataclass(frozen=True)
class GradientReport:
    """All comparisons of a check."""

    comparisons: tuple[Comparison, ...]

    @property
    def worst(self) -> Comparison:
        """The comparison that deviates most."""
        return max(self.comparisons, key=lambda each: each.deviation)

    def summary(self) -> str:
        """Return a line for each input and order, with the largest relative deviation."""
        largest: dict[tuple[str, int], float] = {}
        for each in self.comparisons:
            key = (each.input_name, each.order)
            largest[key] = max(each.deviation, largest.get(key, 0.0))
        return "\n".join(
            f"input {name}, order {order}: {deviation:.1e}" for (name, order), deviation in largest.items()
        )


def check_gradients(
    function: Function,
    inputs: Sequence[ArrayLike] | Mapping[str, ArrayLike],
    *,
    order: int = 1,
    n_directions: int = 3,
    rng: np.random.Generator | None = None,
    step: float = 1e-3,
    tolerance: float = 1e-6,
) -> GradientReport:
    """Compare the gradients of a function with central differences in float64.

    One input after the other is moved along random directions. The value is projected onto random numbers,
    so that all of its components count. Each difference is taken over four points, which makes its
    error of order ``step ** 4``.

    Parameters
    ----------
    function
        Takes tensors (by position, or by name for a mapping of inputs) and returns a tensor.
    inputs
        Floating-point arrays are differentiated by; all others are handed on as they are. Keep them at least
        ``10 * step`` away from kinks, where the two sides differ.
    order
        2 checks second derivatives as well: the derivative of the gradient.
    rng
        Of the directions; left out, always the same ones.
    tolerance
        Largest relative deviation that passes.

    Raises
    ------
    GradientError
        If a derivative deviates by more, with the input, the direction and both values; also if the function
        depends on no floating-point input.
    ValueError
        If `order` is neither 1 nor 2.

    Examples
    --------
    >>> import rapidity.autodiff as ad
    >>> report = check_gradients(lambda x, y: ad.sin(x) * y, {"x": [0.3, 1.2], "y": [2.0, -1.0]}, order=2)
    >>> report.worst.deviation < 1e-9
    True
    """
    if order not in (1, 2):
        message = f"order must be 1 or 2, found {order}: derivatives of higher order are not checked."
        raise ValueError(message)
    rng = np.random.default_rng(20240501) if rng is None else rng
    values = _double(inputs)
    call = function if isinstance(inputs, Mapping) else lambda **named: function(*named.values())
    probe = _Probe(call, values, rng)
    comparisons: list[Comparison] = []
    for current in range(1, order + 1):
        for name in probe.names:
            for direction in range(n_directions):
                found = _compare(probe, name, current, direction, rng, step)
                if not found.deviation <= tolerance:
                    raise GradientError(_failure(found, tolerance, probe))
                comparisons.append(found)
    return GradientReport(tuple(comparisons))


def _double(inputs: Sequence[ArrayLike] | Mapping[str, ArrayLike]) -> Values:
    items = inputs.items() if isinstance(inputs, Mapping) else ((str(i), x) for i, x in enumerate(inputs))
    values: Values = {}
    for name, value in items:
        array = np.asarray(value)
        values[name] = array.astype(np.float64) if array.dtype.kind == "f" else value
    return values


class _Probe:
    """A function of arrays made of one of tensors: its projected value, and gradients of that."""

    def __init__(self, call: Function, values: Values, rng: np.random.Generator) -> None:
        self.call, self.values = call, values
        self.names = [name for name, x in values.items() if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
        value, _ = self._evaluate(values)
        self.operations = _operation_names(value)
        self._projection = rng.normal(size=value.shape)
        self.size = float(np.sum(np.abs(self._projection * value.array)))
        self._inner = {name: rng.normal(size=values[name].shape) for name in self.names}

    def _evaluate(self, values: Values) -> tuple[Tensor, list[Tensor]]:
        leaves = {name: tensor(values[name], requires_gradient=True) for name in self.names}
        return self.call(**{**values, **leaves}), list(leaves.values())

    def value(self, values: Values, order: int) -> float:
        """Return the projected value; for order 2 the derivative of it along fixed directions."""
        if order == 1:
            return float(np.sum(self._projection * self._evaluate(values)[0].array))
        return self._slope(values, create_graph=False)[0].item()

    def gradient(self, name: str, order: int) -> NDArray[np.float64]:
        """Return the derivative of `value` by an input, by the rules."""
        if order == 1:
            value, leaves = self._evaluate(self.values)
            found = gradients(value, leaves, self._projection)
        else:
            slope, leaves = self._slope(self.values, create_graph=True)
            if find_source(slope) is None:
                return np.zeros(self.values[name].shape)
            found = gradients(slope, leaves)
        result: NDArray[np.float64] = found[self.names.index(name)].array
        return result

    def _slope(self, values: Values, *, create_graph: bool) -> tuple[Tensor, list[Tensor]]:
        value, leaves = self._evaluate(values)
        # Not linear, so that what arrives at the last rule depends on the inputs too.
        total = (self._projection * value * (1.0 + 0.5 * value)).sum()
        found = gradients(total, leaves, create_graph=create_graph)
        terms = [(self._inner[name] * each).sum() for name, each in zip(self.names, found, strict=True)]
        slope = terms[0]
        for term in terms[1:]:
            slope = slope + term
        return slope, leaves


def _compare(
    probe: _Probe, name: str, order: int, direction: int, rng: np.random.Generator, step: float
) -> Comparison:
    start = probe.values[name]
    along = rng.normal(size=start.shape)
    gradient = probe.gradient(name, order)

    def at(distance: float) -> float:
        return probe.value({**probe.values, name: start + distance * along}, order)

    by_rules = float(np.sum(gradient * along))
    by_differences = (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step)
    # Along some direction a derivative is small by chance; it need not be exact to more digits then.
    usual = float(np.linalg.norm(gradient) * np.linalg.norm(along)) / max(1.0, np.sqrt(start.size))
    scale = max(abs(by_rules), abs(by_differences), usual, NEGLIGIBLE * probe.size, np.finfo(float).tiny)
    return Comparison(
        name, order, direction, by_rules, by_differences, float(abs(by_rules - by_differences) / scale)
    )


def _operation_names(value: Tensor) -> list[str]:
    """Return the operations behind a value, the last one first."""
    start = find_source(value)
    stack = [start] if isinstance(start, Node) else []
    seen: dict[Node, None] = {}
    while stack:
        node = stack.pop()
        if node not in seen:
            seen[node] = None
            stack += [source for source in node.sources if isinstance(source, Node)]
    return list(dict.fromkeys(node.operation.name for node in seen))


def _failure(found: Comparison, tolerance: float, probe: _Probe) -> str:
    return (
        f"the gradient (order {found.order}) for input '{found.input_name}' along random direction"
        f" {found.direction} is {found.by_rules:.8g} by the rules, but {found.by_differences:.8g} by central"
        f" differences: a relative deviation of {found.deviation:.1e}, allowed {tolerance:.1e}. Operations:"
        f" {shorten(probe.operations)}. Correct their rules, or move the input away from a kink."
    )
