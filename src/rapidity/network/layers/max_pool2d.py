"""The largest value in each window."""

from __future__ import annotations

from typing import Literal

from rapidity.network.layers.pooling import Pooling


class MaxPool2d(Pooling):
    """Keeps the largest value of each channel in every window; makes images smaller."""

    type: Literal["max_pool2d"]
