"""Convolution of images, with gradients that are convolutions again.

Each gradient is an operation with rules of its own, so that derivatives of any order exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.autodiff.operation import Operation, Vjp
from rapidity.autodiff.operations.channels import sum_to_channels
from rapidity.autodiff.operations.images import depthwise, tiles
from rapidity.autodiff.operations.images.sweep import NO_PADDING, Padding, Pair, Sweep
from rapidity.autodiff.tape import apply
from rapidity.autodiff.tensor import Operand, Tensor
from rapidity.core.errors import GraphError

if TYPE_CHECKING:
    from rapidity.autodiff.workspace import Array, Memory


def conv2d(
    x: Operand,
    kernel: Operand,
    bias: Operand | None = None,
    *,
    stride: Pair = (1, 1),
    padding: Padding = NO_PADDING,
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Tensor:
    """Return the convolution of images with kernels, in the sense of deep learning: kernels are not flipped.

    Parameters
    ----------
    x
        Images ``(n_events, height, width, n_in)``.
    kernel
        ``(kernel_height, kernel_width, n_in / groups, n_out)``.
    bias
        ``(n_out,)``, added to each pixel.
    stride
        Pixels from one stop of the window to the next, (down, across).
    padding
        Zeros around the image, ((top, bottom), (left, right)).
    dilation
        Pixels from one value of a kernel to the next, (down, across).
    groups
        Number of groups of channels that see nothing of each other; filters of a group lie side by side.

    Returns
    -------
    Tensor
        ``(n_events, n_places_down, n_places_across, n_out)``. NaN spreads to every pixel whose window sees
        it, and perhaps to its neighbours in the row: several stops are computed together.

    Raises
    ------
    GraphError
        If shapes do not fit together, or the window does not fit on the image.

    Examples
    --------
    >>> edges = conv2d(np.array([[[[0.0], [0.0], [5.0], [5.0]]]]), np.array([[[[-1.0]], [[1.0]]]]))
    >>> edges.numpy().ravel()
    array([0., 5., 0.])
    """
    sweep = _sweep_over(x, kernel, stride, padding, dilation, groups)
    inputs = (x, kernel) if bias is None else (x, kernel, bias)
    if bias is not None and _shape(bias) != _shape(kernel)[-1:]:
        message = (
            f"conv2d: the bias has shape {_shape(bias)}, but the kernel {_shape(kernel)} gives"
            f" {_shape(kernel)[-1]} channels: expected ({_shape(kernel)[-1]},)."
        )
        raise GraphError(message)
    return apply(CONV2D, *inputs, sweep=sweep, groups=groups)


def _shape(value: Operand) -> tuple[int, ...]:
    return value.shape if isinstance(value, Tensor) else np.shape(value)


def _sweep_over(
    x: Operand, kernel: Operand, stride: Pair, padding: Padding, dilation: Pair, groups: int
) -> Sweep:
    """Return the sweep of a kernel over images, once their shapes are known to fit."""
    images, kernels = _shape(x), _shape(kernel)
    if len(images) != 4 or len(kernels) != 4:
        message = (
            f"conv2d: found images of shape {images} and a kernel of shape {kernels}; expected"
            " (n_events, height, width, n_in) and (kernel_height, kernel_width, n_in / groups, n_out)."
        )
        raise GraphError(message)
    n_in, n_out = images[-1], kernels[-1]
    if groups < 1 or n_in % groups or n_out % groups or kernels[2] != n_in // groups:
        message = (
            f"conv2d: a kernel of shape {kernels} in {groups} groups does not fit images of {n_in} channels:"
            " its third axis must be the channels divided by the groups, and the groups must divide both"
            " the channels and the filters."
        )
        raise GraphError(message)
    return Sweep((images[1], images[2]), (kernels[0], kernels[1]), stride, padding, dilation)


def _convolve(
    memory: Memory, x: Array, kernel: Array, bias: Array | None = None, *, sweep: Sweep, groups: int
) -> Array:
    if groups == 1:
        return tiles.convolve(memory, x, kernel, bias, sweep)
    if groups == x.shape[-1]:
        return depthwise.convolve(memory, x, kernel, bias, sweep)
    shape = (len(x), *sweep.n_places, kernel.shape[-1])
    result = memory.empty(shape, np.result_type(x, kernel))
    for seen, made in _parts(groups, x.shape[-1], kernel.shape[-1]):
        added = None if bias is None else bias[made]
        result[..., made] = tiles.convolve(memory, x[..., seen], kernel[..., made], added, sweep)
    return result


def _kernel_gradient(memory: Memory, x: Array, gradient: Array, *, sweep: Sweep, groups: int) -> Array:
    if groups == 1:
        return tiles.kernel_gradient(memory, x, gradient, sweep)
    if groups == x.shape[-1]:
        return depthwise.kernel_gradient(memory, x, gradient, sweep)
    shape = (*sweep.kernel_size, x.shape[-1] // groups, gradient.shape[-1])
    result = memory.empty(shape, np.result_type(x, gradient))
    for seen, made in _parts(groups, x.shape[-1], gradient.shape[-1]):
        result[..., made] = tiles.kernel_gradient(memory, x[..., seen], gradient[..., made], sweep)
    return result


def _input_gradient(memory: Memory, gradient: Array, kernel: Array, *, sweep: Sweep, groups: int) -> Array:
    if groups == 1:
        return tiles.input_gradient(memory, gradient, kernel, sweep)
    n_in = groups * kernel.shape[2]
    if kernel.shape[2] == 1:
        return depthwise.input_gradient(memory, gradient, kernel, n_in, sweep)
    result = memory.empty((len(gradient), *sweep.image_size, n_in), np.result_type(gradient, kernel))
    for seen, made in _parts(groups, n_in, kernel.shape[-1]):
        result[..., seen] = tiles.input_gradient(memory, gradient[..., made], kernel[..., made], sweep)
    return result


def _parts(groups: int, n_in: int, n_out: int) -> list[tuple[slice, slice]]:
    """Return for each group the channels that it sees and those that it makes."""
    seen, made = n_in // groups, n_out // groups
    return [
        (slice(number * seen, (number + 1) * seen), slice(number * made, (number + 1) * made))
        for number in range(groups)
    ]


def _of_input(g: Tensor, kernel: Tensor, sweep: Sweep, groups: int) -> Tensor:
    return apply(CONV2D_INPUT_GRADIENT, g, kernel, sweep=sweep, groups=groups)


def _of_kernel(g: Tensor, x: Tensor, sweep: Sweep, groups: int) -> Tensor:
    return apply(CONV2D_KERNEL_GRADIENT, x, g, sweep=sweep, groups=groups)


def _again(x: Tensor, kernel: Tensor, sweep: Sweep, groups: int) -> Tensor:
    return apply(CONV2D, x, kernel, sweep=sweep, groups=groups)


# All three are linear in both of their inputs, and each is a gradient of the other two.
CONV2D = Operation(
    "conv2d",
    _convolve,
    (
        Vjp(_of_input, needs=(1,)),
        Vjp(_of_kernel, needs=(0,)),
        Vjp(lambda g, sweep, groups: sum_to_channels(g)),
    ),
)
CONV2D_INPUT_GRADIENT = Operation(
    "conv2d_input_gradient",
    _input_gradient,
    (Vjp(_again, needs=(1,)), Vjp(lambda g, y, sweep, groups: _of_kernel(y, g, sweep, groups), needs=(0,))),
)
CONV2D_KERNEL_GRADIENT = Operation(
    "conv2d_kernel_gradient",
    _kernel_gradient,
    (
        Vjp(lambda g, y, sweep, groups: _of_input(y, g, sweep, groups), needs=(1,)),
        Vjp(lambda g, x, sweep, groups: _again(x, g, sweep, groups), needs=(0,)),
    ),
)
