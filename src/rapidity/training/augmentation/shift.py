"""Images moved by some pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rapidity.core.records import FloatArray


class Shifting:
    """Moves the images of each event by whole pixels, all images of an event by as many.

    Padding by `pixels` and cutting out the old size at random is the same (as in He et al., arXiv:1512.03385,
    section 4.2). Content that does not leave the image stays as it is.

    Parameters
    ----------
    images
        Names of the inputs.
    pixels
        Rows and columns are moved by up to so many pixels, to either side.
    empty
        Name of each input -> what a pixel of zero as stored becomes through the preparation: an array
        ``(height, width, channels)`` or one that broadcasts to it. It fills what comes in at the border.
    """

    def __init__(self, images: Sequence[str], pixels: int, empty: Mapping[str, FloatArray]) -> None:
        self._images = images
        self._pixels = pixels
        self._empty = empty

    def apply(self, inputs: dict[str, FloatArray], rng: np.random.Generator) -> None:
        """Replace images by moved ones."""
        n_events = len(inputs[self._images[0]])
        moves = rng.integers(-self._pixels, self._pixels, (n_events, 2), endpoint=True)
        distinct, group = np.unique(moves, axis=0, return_inverse=True)
        rows = np.argsort(group.reshape(-1), kind="stable")
        edges = np.searchsorted(group.reshape(-1)[rows], np.arange(len(distinct) + 1))
        for name in self._images:
            images = inputs[name]
            moved = np.empty_like(images)
            moved[...] = self._empty[name]
            for number, (down, right) in enumerate(distinct.tolist()):
                chosen = rows[edges[number] : edges[number + 1]]
                source_rows, target_rows = _overlap(down, images.shape[1])
                source_columns, target_columns = _overlap(right, images.shape[2])
                moved[chosen, target_rows, target_columns] = images[chosen, source_rows, source_columns]
            inputs[name] = moved


def _overlap(move: int, length: int) -> tuple[slice, slice]:
    """Return which part of an axis stays inside, where it was and where it goes.

    Examples
    --------
    >>> _overlap(2, 10), _overlap(-12, 10)
    ((slice(0, 8, None), slice(2, 10, None)), (slice(10, 10, None), slice(0, 0, None)))
    """
    n_kept = max(length - abs(move), 0)
    if move >= 0:
        return slice(0, n_kept), slice(length - n_kept, length)
    return slice(length - n_kept, length), slice(0, n_kept)
