"""The material between the collision and the crystals, in radiation lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Thickness against |eta|: from 0.4 in the middle to 1.8 at 1.4, as in JINST 3 (2008) S08004, section 3.1.
# Those between are chosen, after the shape of its figure.
ETA_NODES = (0.0, 0.4, 0.8, 1.0, 1.2, 1.4)
THICKNESS_X0 = (0.40, 0.48, 0.72, 1.00, 1.40, 1.80)

BEAM_PIPE_M, SCREEN_M = (0.03,), (1.18,)
PIXELS_M = (0.044, 0.073, 0.102)
INNER_STRIPS_M = (0.255, 0.339, 0.4185, 0.498)
OUTER_STRIPS_M = (0.608, 0.692, 0.78, 0.868, 0.965, 1.08)
RADII_M = (*BEAM_PIPE_M, *PIXELS_M, *INNER_STRIPS_M, *OUTER_STRIPS_M, *SCREEN_M)
"""Of the layers (section 3 there); the last one stands for cables and the thermal screen."""
# Relative thickness of one layer of each kind: chosen so that pixels, inner and outer strips have a fifth, a
# third and a third of the whole, about the parts in the figures.
SHARES = np.array([0.02, *[0.06] * 3, *[0.085] * 4, *[0.055] * 6, 0.13])
SHARES = SHARES / SHARES.sum()


def thickness_x0(eta: Floats) -> Floats:
    """Return the material in front of the crystals in radiation lengths, along the line of flight.

    Examples
    --------
    >>> thickness_x0(np.array([0.0, -0.8, 1.4]))
    array([0.4 , 0.72, 1.8 ])
    """
    return np.interp(np.abs(eta), ETA_NODES, THICKNESS_X0)
