"""Normalisations: mean 0 and variance 1, then a trained scale and bias.

The first derivatives are fused; those of the gradients are put together from elementary operations, so that
second derivatives exist and only their price is higher.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rapidity.autodiff.operation import Operation, Vjp, extra
from rapidity.autodiff.operations.channels import sum_to_channels
from rapidity.autodiff.operations.elementwise import add, divide, multiply, sqrt, subtract
from rapidity.autodiff.operations.normalizations import over_events, over_features
from rapidity.autodiff.operations.normalizations.statistics import Statistics
from rapidity.autodiff.operations.reductions import mean as mean_over
from rapidity.autodiff.tape import apply
from rapidity.autodiff.tensor import Operand, Tensor
from rapidity.autodiff.workspace import PLAIN
from rapidity.core.errors import GraphError

if TYPE_CHECKING:
    from rapidity.autodiff.workspace import Array, Memory

Over = Literal["events", "features"]
"""All axes but the last, or the last."""

VARIANTS = {"events": over_events, "features": over_features}


def batch_statistics(x: Operand) -> Statistics:
    """Return mean and variance of each channel over all axes but the last, each ``(n_channels,)``.

    They are plain arrays in the type of `x`; the variance is divided by n. For running statistics, and for
    `batch_norm`, which then need not take them again.

    Examples
    --------
    >>> batch_statistics(np.array([[1.0, 5.0], [3.0, 5.0]]))
    Statistics(mean=array([2., 5.]), variance=array([1., 0.]))
    """
    memory, array = (x.workspace.memory, x.array) if isinstance(x, Tensor) else (PLAIN, np.asarray(x))
    return over_events.find_statistics(memory, array)


def batch_norm(
    x: Operand,
    scale: Operand,
    bias: Operand,
    mean: Operand | None = None,
    variance: Operand | None = None,
    *,
    epsilon: float = 1e-5,
    of_batch: bool = False,
) -> Tensor:
    """Return ``(x - mean) / sqrt(variance + epsilon) * scale + bias`` for each channel (last axis).

    Parameters
    ----------
    x
        ``(..., n_channels)``.
    scale, bias
        ``(n_channels,)``.
    mean, variance
        Left out (training), those of the batch are used and gradients flow through them. Given (evaluation),
        they are numbers of their own, each ``(n_channels,)``; arrays are taken in the type of `x`.
    epsilon
        Added to the variance.
    of_batch
        The given mean and variance are ``batch_statistics(x)``: as if left out, but not computed again.

    Returns
    -------
    Tensor
        In the shape of `x`. A NaN spreads to its whole channel unless mean and variance are given.

    Raises
    ------
    GraphError
        If shapes do not fit together, or only one of mean and variance is given.

    Notes
    -----
    Source: Ioffe and Szegedy, arXiv:1502.03167.

    Examples
    --------
    >>> x = np.array([[1.0], [3.0]])
    >>> batch_norm(x, np.ones(1), np.zeros(1), epsilon=0.0).numpy().ravel()
    array([-1.,  1.])
    >>> batch_norm(x, np.ones(1), np.zeros(1), np.zeros(1), np.ones(1), epsilon=0.0).numpy().ravel()
    array([1., 3.])
    """
    _check_shapes("batch_norm", x, scale=scale, bias=bias, mean=mean, variance=variance)
    if (mean is None) != (variance is None) or (of_batch and mean is None):
        message = (
            "batch_norm: give both mean and variance, or neither for those of the batch"
            f" (found mean {_said(mean)}, variance {_said(variance)}, of_batch={of_batch})."
        )
        raise GraphError(message)
    if mean is None or of_batch:
        statistics = None if mean is None else Statistics(_array(mean), _array(variance))
        return apply(NORMALIZE, x, scale, bias, over="events", epsilon=epsilon, statistics=statistics)
    shift, spread = (_in_type_of(x, value) for value in (mean, variance))
    return add(multiply(subtract(x, shift), divide(scale, sqrt(add(spread, epsilon)))), bias)


def layer_norm(x: Operand, scale: Operand, bias: Operand, *, epsilon: float = 1e-5) -> Tensor:
    """Return each event's features with mean 0 and variance 1, times a scale, plus a bias.

    Parameters
    ----------
    x
        ``(..., n_features)``; mean and variance are taken over the last axis.
    scale, bias
        ``(n_features,)``.
    epsilon
        Added to the variance.

    Returns
    -------
    Tensor
        In the shape of `x`. A NaN spreads to all features of its event.

    Raises
    ------
    GraphError
        If shapes do not fit together.

    Notes
    -----
    Source: Ba, Kiros and Hinton, arXiv:1607.06450.

    Examples
    --------
    >>> layer_norm(np.array([[2.0, 4.0]]), np.ones(2), np.zeros(2), epsilon=0.0).numpy()
    array([[-1.,  1.]])
    """
    _check_shapes("layer_norm", x, scale=scale, bias=bias)
    return apply(NORMALIZE, x, scale, bias, over="features", epsilon=epsilon, statistics=None)


def _shape(value: Operand) -> tuple[int, ...]:
    return value.shape if isinstance(value, Tensor) else np.shape(value)


def _array(value: Operand) -> Array:
    return value.array if isinstance(value, Tensor) else np.asarray(value)


def _in_type_of(x: Operand, value: Operand) -> Operand:
    return value if isinstance(value, Tensor) else np.asarray(value, _array(x).dtype)


def _said(value: Operand | None) -> str:
    return "left out" if value is None else "given"


def _check_shapes(name: str, x: Operand, **vectors: Operand | None) -> None:
    expected = _shape(x)[-1:]
    for vector_name, vector in vectors.items():
        if vector is not None and (_shape(vector) != expected or not expected):
            message = (
                f"{name}: {vector_name} has shape {_shape(vector)}, but x {_shape(x)} needs one number for"
                f" each value of its last axis: expected {expected}."
            )
            raise GraphError(message)
    if 0 in _shape(x):
        message = f"{name}: x has shape {_shape(x)}: there is no mean of nothing. Leave empty batches out."
        raise GraphError(message)


def _normalize(
    memory: Memory,
    x: Array,
    scale: Array,
    bias: Array,
    *,
    over: Over,
    epsilon: float,
    statistics: Statistics | None,
) -> tuple[Array, Array, Array]:
    found = VARIANTS[over].find_statistics(memory, x) if statistics is None else statistics
    inverse = 1.0 / np.sqrt(found.variance + epsilon)
    return VARIANTS[over].standardize(memory, x, scale, bias, found.mean, inverse), found.mean, inverse


def _input_gradient(memory: Memory, *arrays: Array, over: Over, epsilon: float) -> Array:
    result: Array = VARIANTS[over].input_gradient(memory, *arrays)
    return result


def _scale_gradient(memory: Memory, *arrays: Array, over: Over, epsilon: float) -> Array:
    result: Array = VARIANTS[over].scale_gradient(memory, *arrays)
    return result


def _of_input(g: Tensor, x: Tensor, scale: Operand, mean: Tensor, inverse: Tensor, **settings: Any) -> Tensor:
    return apply(NORMALIZE_INPUT_GRADIENT, g, x, scale, mean, inverse, **_kept(settings))


def _of_scale(g: Tensor, x: Tensor, mean: Tensor, inverse: Tensor, **settings: Any) -> Tensor:
    return apply(NORMALIZE_SCALE_GRADIENT, g, x, mean, inverse, **_kept(settings))


def _kept(settings: dict[str, Any]) -> dict[str, Any]:
    return {"over": settings["over"], "epsilon": settings["epsilon"]}


def _ones_like(scale: Operand) -> Array:
    return np.ones(_shape(scale), _array(scale).dtype)


# The rules below are those of the gradients: they run where second derivatives are asked for. With
# P(u) = inverse * D(u), D(u) = u - <u> - h <u h>, h = (x - mean) * inverse, the gradient of the input is
# P(g * scale). P is its own adjoint.


def _of_input_gradient_by_gradient(
    upper: Tensor, x: Tensor, scale: Tensor, mean: Tensor, inverse: Tensor, **settings: Any
) -> Tensor:
    return scale * _of_input(upper, x, _ones_like(scale), mean, inverse, **settings)


def _of_input_gradient_by_scale(
    upper: Tensor, g: Tensor, x: Tensor, scale: Tensor, mean: Tensor, inverse: Tensor, **settings: Any
) -> Tensor:
    return sum_to_channels(g * _of_input(upper, x, _ones_like(scale), mean, inverse, **settings))


def _of_input_gradient_by_input(
    upper: Tensor, g: Tensor, x: Tensor, scale: Tensor, over: Over, epsilon: float
) -> Tensor:
    """Return ``-inverse**2 * (h c + D(upper) <u h> + D(u) <upper h>)``, where u = g * scale.

    c is ``<upper u> - <upper><u> - <upper h><u h>``: what `inverse` itself and h in both factors depend on.
    """
    axes = tuple(range(x.ndim - 1)) if over == "events" else (x.ndim - 1,)

    def average(value: Tensor) -> Tensor:
        return mean_over(value, axes, keepdims=True)

    shifted = x - average(x)
    inverse = (average(shifted * shifted) + epsilon) ** -0.5
    h, u = shifted * inverse, g * scale
    upper_h, u_h = average(upper * h), average(u * h)
    rest = average(upper * u) - average(upper) * average(u) - upper_h * u_h
    upper_left = upper - average(upper) - h * upper_h
    u_left = u - average(u) - h * u_h
    return -(inverse**2) * (h * rest + upper_left * u_h + u_left * upper_h)


def _of_scale_gradient_by_gradient(upper: Tensor, x: Tensor, over: Over, epsilon: float) -> Tensor:
    zeros = np.zeros(upper.shape, upper.dtype)
    return apply(NORMALIZE, x, upper, zeros, over=over, epsilon=epsilon, statistics=None)


def _of_scale_gradient_by_input(
    upper: Tensor, g: Tensor, x: Tensor, mean: Tensor, inverse: Tensor, **settings: Any
) -> Tensor:
    return _of_input(g, x, upper, mean, inverse, **settings)


NORMALIZE = Operation(
    "normalize",
    _normalize,
    (
        Vjp(_of_input, needs=(0, 1, extra(0), extra(1))),
        Vjp(_of_scale, needs=(0, extra(0), extra(1))),
        Vjp(lambda g, **settings: sum_to_channels(g)),
    ),
)
NORMALIZE_INPUT_GRADIENT = Operation(
    "normalize_input_gradient",
    _input_gradient,
    (
        Vjp(_of_input_gradient_by_gradient, needs=(1, 2, 3, 4)),
        Vjp(_of_input_gradient_by_input, needs=(0, 1, 2)),
        Vjp(_of_input_gradient_by_scale, needs=(0, 1, 2, 3, 4)),
        None,
        None,
    ),
)
NORMALIZE_SCALE_GRADIENT = Operation(
    "normalize_scale_gradient",
    _scale_gradient,
    (
        Vjp(_of_scale_gradient_by_gradient, needs=(1,)),
        Vjp(_of_scale_gradient_by_input, needs=(0, 1, 2, 3)),
        None,
        None,
    ),
)
