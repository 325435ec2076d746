"""Reverse-mode differentiation on NumPy, usable by itself: ``import rapidity.autodiff as ad``.

>>> import rapidity.autodiff as ad
>>> w = ad.tensor([0.5, 2.0], requires_gradient=True)
>>> loss = (w * [1.0, 3.0]).sum() ** 2
>>> loss.backward()
>>> w.gradient
Tensor([13., 39.])
"""

from __future__ import annotations

from rapidity.autodiff import operators as _operators
from rapidity.autodiff.backward_pass import backward, gradients
from rapidity.autodiff.check import GradientReport, check_gradients
from rapidity.autodiff.journal import Journal
from rapidity.autodiff.operations.activations import (
    elu,
    gelu,
    hard_sigmoid,
    leaky_relu,
    log_sigmoid,
    mish,
    relu,
    selu,
    sigmoid,
    silu,
    softplus,
    softsign,
    tanh,
)
from rapidity.autodiff.operations.circular import (
    arccos,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    cos,
    cosh,
    hypot,
    sin,
    sinh,
    tan,
)
from rapidity.autodiff.operations.conditions import (
    equal,
    greater,
    greater_equal,
    isfinite,
    isinf,
    isnan,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    not_equal,
    where,
)
from rapidity.autodiff.operations.convolution import conv2d
from rapidity.autodiff.operations.elementwise import (
    absolute,
    add,
    astype,
    ceil,
    clip,
    divide,
    exp,
    expm1,
    floor,
    floor_divide,
    log,
    log1p,
    log10,
    maximum,
    minimum,
    multiply,
    negative,
    power,
    reciprocal,
    remainder,
    sign,
    sqrt,
    square,
    subtract,
)
from rapidity.autodiff.operations.elementwise import absolute as abs  # noqa: A004 - NumPy's name
from rapidity.autodiff.operations.error_function import erf
from rapidity.autodiff.operations.gathering import gather_objects
from rapidity.autodiff.operations.indexing import getitem, scatter, take_along_axis
from rapidity.autodiff.operations.joining import concatenate, split, stack
from rapidity.autodiff.operations.linear_algebra import einsum, linear, matmul
from rapidity.autodiff.operations.losses import binary_cross_entropy, softmax_cross_entropy
from rapidity.autodiff.operations.normalization import batch_norm, batch_statistics, layer_norm
from rapidity.autodiff.operations.pooling import (
    average_pool2d,
    global_average_pool2d,
    global_max_pool2d,
    max_pool2d,
)
from rapidity.autodiff.operations.reductions import (
    max,  # noqa: A004 - NumPy's name
    mean,
    min,  # noqa: A004 - NumPy's name
    sum,  # noqa: A004 - NumPy's name
    variance,
)
from rapidity.autodiff.operations.resampling import upsample2d
from rapidity.autodiff.operations.shapes import (
    broadcast_to,
    expand_dims,
    flip,
    pad,
    reshape,
    squeeze,
    transpose,
)
from rapidity.autodiff.operations.softmax import log_softmax, log_sum_exp, softmax
from rapidity.autodiff.tensor import Tensor, tensor
from rapidity.autodiff.workspace import BufferPool, Workspace

__all__ = [
    "BufferPool",
    "GradientReport",
    "Journal",
    "Tensor",
    "Workspace",
    "abs",
    "absolute",
    "add",
    "arccos",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "astype",
    "average_pool2d",
    "backward",
    "batch_norm",
    "batch_statistics",
    "binary_cross_entropy",
    "broadcast_to",
    "ceil",
    "check_gradients",
    "clip",
    "concatenate",
    "conv2d",
    "cos",
    "cosh",
    "divide",
    "einsum",
    "elu",
    "equal",
    "erf",
    "exp",
    "expand_dims",
    "expm1",
    "flip",
    "floor",
    "floor_divide",
    "gather_objects",
    "gelu",
    "getitem",
    "global_average_pool2d",
    "global_max_pool2d",
    "gradients",
    "greater",
    "greater_equal",
    "hard_sigmoid",
    "hypot",
    "isfinite",
    "isinf",
    "isnan",
    "layer_norm",
    "leaky_relu",
    "less",
    "less_equal",
    "linear",
    "log",
    "log1p",
    "log10",
    "log_sigmoid",
    "log_softmax",
    "log_sum_exp",
    "logical_and",
    "logical_not",
    "logical_or",
    "matmul",
    "max",
    "max_pool2d",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mish",
    "multiply",
    "negative",
    "not_equal",
    "pad",
    "power",
    "reciprocal",
    "relu",
    "remainder",
    "reshape",
    "scatter",
    "selu",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinh",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "softsign",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "subtract",
    "sum",
    "take_along_axis",
    "tan",
    "tanh",
    "tensor",
    "transpose",
    "upsample2d",
    "variance",
    "where",
]
del _operators
