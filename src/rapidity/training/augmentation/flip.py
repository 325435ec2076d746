"""Mirrored images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from rapidity.core.records import FloatArray

ROWS, COLUMNS = 1, 2
"""Axes of images ``(n_events, height, width, channels)``."""
AXES = {"horizontal": (COLUMNS,), "vertical": (ROWS,), "both": (ROWS, COLUMNS)}


class Flipping:
    """Mirrors the images of some events, all images of an event alike.

    Sums over pixels stay.

    Parameters
    ----------
    images
        Names of the inputs.
    axis
        See `config.augmentation.Flip`.
    probability
        Part of the events, for each axis.
    """

    def __init__(
        self, images: Sequence[str], axis: Literal["horizontal", "vertical", "both"], probability: float
    ) -> None:
        self._images = images
        self._axes = AXES[axis]
        self._probability = probability

    def apply(self, inputs: dict[str, FloatArray], rng: np.random.Generator) -> None:
        """Mirror images in place."""
        n_events = len(inputs[self._images[0]])
        for axis in self._axes:
            (chosen,) = (rng.random(n_events) < self._probability).nonzero()
            for name in self._images:
                picked = inputs[name][chosen]
                inputs[name][chosen] = picked[:, ::-1] if axis == ROWS else picked[:, :, ::-1]
