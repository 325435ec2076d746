"""Calorimeters and tracker around the collision, as far as jets see them.

The granularity of the images is that of Andrews et al., arXiv:1902.08276: pixels of one crystal of the
barrel, and towers of the hadron calorimeter of 5 x 5 crystals. Here it is the same everywhere, also where
the end caps of CMS are divided in another way. Other sizes: *The CMS experiment at the CERN LHC*, JINST 3
(2008) S08004.
"""

from __future__ import annotations

import math

from rapidity.samples.ecal.geometry import CRYSTAL_ANGLE, MOLIERE_RADIUS_CM, RADIUS_M

CRYSTALS_OF_TOWER = 5
TOWER_ANGLE = CRYSTALS_OF_TOWER * CRYSTAL_ANGLE
SIZE = 125
"""Pixels of an image, along each side."""
N_TOWERS = SIZE // CRYSTALS_OF_TOWER
HALF_WINDOW = 0.5 * SIZE * CRYSTAL_ANGLE
"""Of an image, in pseudorapidity and azimuth."""

END_CAP_M = 3.154
"""Front of the end caps along the beam (section 4)."""
CALORIMETER_MAX_ETA = 3.0
TRACKER_MAX_ETA = 2.5

CRYSTAL_CM = 100.0 * CRYSTAL_ANGLE * RADIUS_M
TOWER_CM = 100.0 * TOWER_ANGLE * 1.77
"""At the inner radius of the hadron calorimeter, 1.77 m (section 5)."""

# Of hadron showers 95 % lies within one interaction length of their axis (PDG, *Particle detectors*,
# section on calorimeters). With the form 2 r R**2 / (r**2 + R**2)**2 that makes R = length / sqrt(19).
_WIDTHS_OF_LENGTH = math.sqrt(0.95 / 0.05)
CRYSTAL_INTERACTION_CM, BRASS_INTERACTION_CM = 20.3, 16.4
"""Nuclear interaction lengths of lead tungstate and of brass (PDG; JINST 3 (2008) S08004, section 5)."""
HADRON_RADIUS_CRYSTALS = CRYSTAL_INTERACTION_CM / _WIDTHS_OF_LENGTH / CRYSTAL_CM
HADRON_RADIUS_TOWERS = BRASS_INTERACTION_CM / _WIDTHS_OF_LENGTH / TOWER_CM
MOLIERE_CRYSTALS = MOLIERE_RADIUS_CM / CRYSTAL_CM
"""All three radii in units of the cells in the barrel."""
