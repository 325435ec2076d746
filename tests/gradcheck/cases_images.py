"""Operations on images: convolution, pooling, upsampling; and the normalisations."""

from __future__ import annotations

import numpy as np
from gradcheck.case import Case, numbers, positive

import rapidity.autodiff as ad
from rapidity.autodiff.operations import channels, convolution, elementwise, normalization, pooling

PADDING = ((1, 0), (2, 1))
WINDOWS = {
    "plain": {},
    "strided": {"stride": (2, 3)},
    "padded": {"padding": PADDING},
    "dilated": {"dilation": (2, 1), "padding": ((2, 2), (0, 1))},
    "all at once": {"stride": (2, 1), "padding": PADDING, "dilation": (1, 2)},
    "more padding than kernel": {"padding": ((3, 0), (0, 3))},
}
KERNELS = {1: (2, 3, 2, 3), 2: (2, 2, 1, 4)}
"""By number of groups, for images of two channels; as many groups as channels is depthwise."""


def convolve(window, groups):
    """Return a convolution of images with a kernel and a bias."""
    return lambda x, kernel, bias: ad.conv2d(x, kernel, bias, groups=groups, **window)


CONVOLUTIONS = [
    Case(
        convolution.CONV2D,
        convolve(window, groups),
        {"x": numbers(2, 5, 6, 2), "kernel": numbers(*shape, seed=1), "bias": numbers(shape[-1], seed=2)},
        label=f"{name} {groups}",
    )
    for name, window in WINDOWS.items()
    for groups, shape in KERNELS.items()
] + [
    Case(
        convolution.CONV2D,
        lambda x, kernel: ad.conv2d(x, kernel, groups=2),
        {"x": numbers(2, 3, 3, 4), "kernel": numbers(2, 2, 2, 6, seed=1)},
        label="two groups of two",
    ),
    Case(
        convolution.CONV2D,
        ad.conv2d,
        {"x": numbers(2, 3, 4, 3), "kernel": numbers(1, 1, 3, 2, seed=1)},
        label="pixel by pixel",
    ),
    Case(
        convolution.CONV2D_INPUT_GRADIENT,
        lambda x, kernel: ad.conv2d(x**2, kernel),
        {"x": numbers(2, 4, 4, 1), "kernel": numbers(3, 3, 1, 2, seed=1)},
    ),
    Case(
        convolution.CONV2D_KERNEL_GRADIENT,
        lambda x, kernel: ad.conv2d(x, kernel**2),
        {"x": numbers(2, 4, 4, 1), "kernel": numbers(3, 3, 1, 2, seed=1)},
    ),
]
POOLS = [
    Case(operation, pool, {"x": numbers(2, 5, 4, 2)}, label=label)
    for operations, function in (
        ((pooling.MAX_POOL2D, pooling.SPREAD, pooling.PICK), ad.max_pool2d),
        ((pooling.SUM_WINDOWS, pooling.HAND_OUT), ad.average_pool2d),
    )
    for operation in operations
    for label, pool in {
        "plain": lambda x, function=function: function(x, (2, 2)) ** 2,
        "overlapping": lambda x, function=function: function(x, (3, 2), stride=(1, 1)) ** 2,
        "padded": lambda x, function=function: (
            function(x, (3, 2), stride=(2, 3), padding=((1, 2), (1, 0))) ** 2
        ),
    }.items()
]
WHOLE_IMAGES = [
    Case(pooling.MAX_POOL2D, ad.global_max_pool2d, {"x": numbers(2, 5, 4, 2)}, label="global"),
    Case(pooling.SUM_WINDOWS, ad.global_average_pool2d, {"x": numbers(2, 5, 4, 2)}, label="global"),
    Case(pooling.HAND_OUT, lambda x: ad.upsample2d(x, (2, 3)), {"x": numbers(2, 2, 3, 2)}, label="upsample"),
]
VECTORS = {"scale": numbers(3, seed=1), "bias": numbers(3, seed=2)}
GIVEN = (np.array([0.1, -0.2, 0.3]), np.array([0.5, 1.0, 2.0]))
NORMALIZATIONS = [
    Case(operation, function, {"x": numbers(*shape), **VECTORS}, label=label)
    for operation in (
        normalization.NORMALIZE,
        normalization.NORMALIZE_INPUT_GRADIENT,
        normalization.NORMALIZE_SCALE_GRADIENT,
    )
    for label, function in {"batch": ad.batch_norm, "layer": ad.layer_norm}.items()
    for shape in ((4, 3), (2, 2, 3, 3))
]
GIVEN_STATISTICS = [
    Case(
        elementwise.MULTIPLY,
        lambda x, scale, bias: ad.batch_norm(x, scale, bias, *GIVEN),
        {"x": numbers(4, 3), **VECTORS},
        label="batch_norm with given statistics",
    ),
    Case(
        elementwise.MULTIPLY,
        ad.batch_norm,
        {"x": numbers(4, 3), **VECTORS, "mean": numbers(3, seed=3), "variance": positive(3)},
        label="batch_norm with trained statistics",
    ),
]
CASES = [
    *CONVOLUTIONS,
    *POOLS,
    *WHOLE_IMAGES,
    *NORMALIZATIONS,
    *GIVEN_STATISTICS,
    Case(
        channels.SUM_TO_CHANNELS,
        lambda x: channels.sum_to_channels(x**2),
        {"x": numbers(2, 3, 2)},
    ),
]
