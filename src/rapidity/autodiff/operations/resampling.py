"""Images with more pixels."""

from __future__ import annotations

import numpy as np

from rapidity.autodiff.operations.images.sweep import Pair, Sweep
from rapidity.autodiff.operations.pooling import hand_out
from rapidity.autodiff.tensor import Operand, Tensor
from rapidity.core.errors import GraphError


def upsample2d(x: Operand, factor: Pair) -> Tensor:
    """Return images with each row and column of pixels repeated (nearest neighbour).

    Parameters
    ----------
    x
        Images ``(n_events, height, width, n_channels)``.
    factor
        How often each row and each column is repeated.

    Raises
    ------
    GraphError
        If `x` is no batch of images, or a factor is below 1.

    Examples
    --------
    >>> upsample2d(np.array([[[[1.0], [2.0]]]]), (2, 2)).numpy().reshape(2, 4)
    array([[1., 1., 2., 2.],
           [1., 1., 2., 2.]])
    """
    shape = x.shape if isinstance(x, Tensor) else np.shape(x)
    if len(shape) != 4 or min(factor) < 1:
        message = (
            f"upsample2d: found an array of shape {shape} and factors {factor}; expected images"
            " (n_events, height, width, n_channels) and whole numbers from 1 on."
        )
        raise GraphError(message)
    size = (shape[1] * factor[0], shape[2] * factor[1])
    return hand_out(x, Sweep(size, factor, stride=factor), is_average=False)
