"""The mean value in each window."""

from __future__ import annotations

from typing import Literal

from rapidity.network.layers.pooling import Pooling


class AveragePool2d(Pooling):
    """Takes the mean of each channel in every window, over the pixels of the image alone.

    Padding does not count, neither in the sum nor in the number of pixels (`count_include_pad=False` of
    PyTorch, whose own default is to count it).
    """

    type: Literal["average_pool2d"]
