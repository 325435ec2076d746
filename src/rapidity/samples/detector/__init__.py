"""A parametrised detector: what it finds of the particles, one kind of object a file.

Each parametrisation names its source. The responses are those of CMS and ATLAS as far as a few
formulas can hold them; there is no pile-up, no trigger, no misidentified charge and no fake lepton
other than real ones from hadron decays.
"""

from __future__ import annotations

__all__: list[str] = []
