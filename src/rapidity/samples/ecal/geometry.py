"""The barrel: lead tungstate crystals around a tracker in a solenoid.

Sizes are those of CMS: *The CMS experiment at the CERN LHC*, JINST 3 (2008) S08004, section 4; the field is
that of section 2.
"""

from __future__ import annotations

import math

FIELD_T = 3.8
RADIUS_M = 1.29
"""Of the front faces."""
CRYSTAL_ANGLE = 0.0174
"""Of a crystal, in pseudorapidity and in azimuth (radians): a front face of 2.2 x 2.2 cm."""
PITCH_M = CRYSTAL_ANGLE * RADIUS_M
"""From the middle of one front face to that of the next, across the line of flight."""
TILT = math.tan(math.radians(3.0))
"""Slope between the axes of the crystals and lines from the collision point, in both directions, so that
nothing flies along a gap. Both change sign with eta: the modules of one half of the barrel are those of the
other, turned round."""

RADIATION_LENGTH_CM = 0.89
MOLIERE_RADIUS_CM = 2.19
DEPTH_X0 = 25.8
EFFECTIVE_Z, EFFECTIVE_A = 68.36, 170.87
"""Of PbWO4: the elements weighted by their part of the mass."""
DENSITY = 8.28
"""In g/cm3."""
CRITICAL_ENERGY_GEV = 2.66e-3 * (RADIATION_LENGTH_CM * DENSITY * EFFECTIVE_Z / EFFECTIVE_A) ** 1.1
"""8.7 MeV; the formula that the shower parametrisation was made with: Grindhammer and Peters, hep-ex/0001020,
section 2."""

SPEED_OF_LIGHT = 0.299792458
"""In metres per nanosecond; also GeV per tesla and metre of curvature."""

SIZE = 32
"""Crystals of an image, along each side."""
CENTRE = 16
"""Row and column of the most energetic crystal."""
MAX_ETA = (85 - SIZE // 2) * CRYSTAL_ANGLE
"""An image may not reach over the end of the barrel, which has 85 crystals on either side."""
