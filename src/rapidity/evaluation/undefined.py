"""What is said of numbers that event weights of both signs leave without a value."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rapidity.metrics import Estimate


def note_undefined(
    name: str,
    numbers: Mapping[str, Estimate],
    unweighted: Mapping[str, float],
    resolutions: Sequence[float],
) -> tuple[str, ...]:
    """Return sentences about numbers of a regression that events have, but not with their weights.

    Parameters
    ----------
    name
        Of the output.
    numbers, unweighted
        The numbers with the weights of the events, and with weights of 1; NaN is not defined.
    resolutions
        Those in the intervals of the truth that have events.
    """
    notes = []
    lost = [key for key, one in numbers.items() if math.isnan(one.value) and not math.isnan(unweighted[key])]
    if lost:
        notes.append(
            f"Output '{name}' has no {', '.join(lost)}: negative event weights make the variance negative, "
            "or zero. half_width needs none, and `unweighted` has all numbers with weights of 1."
        )
    n_lost = sum(map(math.isnan, resolutions))
    if n_lost:
        notes.append(
            f"Output '{name}' has no resolution in {n_lost} of {len(resolutions)} intervals of the truth: "
            "the event weights there sum to nothing or less, or make the variance negative."
        )
    return tuple(notes)
