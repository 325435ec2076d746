"""Masses in GeV and a few more numbers of nature.

Source: Particle Data Group, S. Navas et al., Phys. Rev. D 110 (2024) 030001, summary tables.
"""

from __future__ import annotations

ELECTRON_MASS_GEV = 0.51099895e-3
MUON_MASS_GEV = 105.6583755e-3
TAU_MASS_GEV = 1.77693
CHARGED_PION_MASS_GEV = 139.57039e-3
CHARGED_KAON_MASS_GEV = 493.677e-3
PROTON_MASS_GEV = 938.27208816e-3
W_MASS_GEV = 80.3692
Z_MASS_GEV = 91.1880
HIGGS_MASS_GEV = 125.20
TOP_MASS_GEV = 172.57

SPEED_OF_LIGHT_M_PER_S = 299_792_458.0
"""Exact by the definition of the metre."""
