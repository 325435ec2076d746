"""Log-likelihood differences of the calorimeters, from reference histograms.

As LHCb does it (Int. J. Mod. Phys. A 30 (2015) 1530022, arXiv:1412.6352): reference particles of
each species fill histograms of the response in bins of momentum, and the difference is the logarithm
of a ratio of two bins. Here the references are drawn once, from the same responses as everything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.random import make_generator
from rapidity.samples.lhcb.calorimeter import deposit_energy
from rapidity.samples.lhcb.species import ELECTRON, MUON, PION, Particles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.samples.lhcb.calorimeter import Deposits

    Floats = NDArray[np.float64]

N_REFERENCE = 80_000
REFERENCE_SEED = 1
P_EDGES_GEV = np.geomspace(1.5, 150.0, 15)
# Of energies over the momentum; the first bin holds what gave nothing. Finer where electrons are.
RATIO_EDGES = np.concatenate([[1e-9], np.linspace(0.03, 0.6, 11), np.linspace(0.7, 1.3, 13), [1.5, 2.0, 3.0]])
PRESHOWER_EDGES_MEV = np.concatenate([[1e-9], np.geomspace(1.5, 400.0, 21)])
SMALLEST_COUNT = 20.0
"""Added to each bin, so that an empty one says little instead of everything."""


@dataclass(frozen=True)
class References:
    """Logarithms of the densities of each response, ``(n_momenta, n_bins)``, by species."""

    ecal: dict[int, Floats]
    hcal: dict[int, Floats]
    preshower: dict[int, Floats]


@lru_cache(maxsize=1)
def reference_histograms() -> References:
    """Return the histograms of electrons, muons and pions (half a second, once a process)."""
    ecal, hcal, preshower = {}, {}, {}
    for kind in (ELECTRON, MUON, PION):
        rng = make_generator(REFERENCE_SEED, "lhcb_pid", "reference", kind)
        p_gev = np.exp(rng.uniform(np.log(P_EDGES_GEV[0]), np.log(P_EDGES_GEV[-1]), N_REFERENCE))
        sine = np.sin(np.exp(rng.uniform(np.log(0.03), np.log(0.25), N_REFERENCE)))
        occupancy = rng.standard_gamma(4.0, N_REFERENCE) / 4.0
        particles = Particles(np.full(N_REFERENCE, kind), p_gev)
        deposits = deposit_energy(particles, sine, occupancy, rng)
        ecal[kind] = _log_density(p_gev, deposits.ecal_gev / p_gev, RATIO_EDGES)
        hcal[kind] = _log_density(p_gev, deposits.hcal_gev / p_gev, RATIO_EDGES)
        preshower[kind] = _log_density(p_gev, deposits.preshower_mev, PRESHOWER_EDGES_MEV)
    return References(ecal, hcal, preshower)


def likelihood_differences(deposits: Deposits, p_gev: Floats) -> dict[str, Floats]:
    """Return the columns ``PrsDLLbeElectron`` and so on, for every track.

    Parameters
    ----------
    p_gev
        Measured momenta.
    """
    references = reference_histograms()
    momentum = np.clip(np.searchsorted(P_EDGES_GEV, p_gev) - 1, 0, len(P_EDGES_GEV) - 2)
    ecal = np.searchsorted(RATIO_EDGES, deposits.ecal_gev / p_gev)
    hcal = np.searchsorted(RATIO_EDGES, deposits.hcal_gev / p_gev)
    preshower = np.searchsorted(PRESHOWER_EDGES_MEV, deposits.preshower_mev)

    def ratio(table: dict[int, Floats], kind: int, bins: NDArray[np.int64]) -> Floats:
        difference: Floats = (table[kind] - table[PION])[momentum, bins]
        return difference

    return {
        "PrsDLLbeElectron": ratio(references.preshower, ELECTRON, preshower),
        "EcalDLLbeElectron": ratio(references.ecal, ELECTRON, ecal),
        "HcalDLLbeElectron": ratio(references.hcal, ELECTRON, hcal),
        "EcalDLLbeMuon": ratio(references.ecal, MUON, ecal),
        "HcalDLLbeMuon": ratio(references.hcal, MUON, hcal),
    }


def _log_density(p_gev: Floats, values: Floats, edges: Floats) -> Floats:
    """Return the logarithm of the fraction in each bin, by momentum ``(n_momenta, len(edges) + 1)``."""
    momentum = np.clip(np.searchsorted(P_EDGES_GEV, p_gev) - 1, 0, len(P_EDGES_GEV) - 2)
    bins = np.searchsorted(edges, values)
    shape = (len(P_EDGES_GEV) - 1, len(edges) + 1)
    counts = np.bincount(momentum * shape[1] + bins, minlength=shape[0] * shape[1]).reshape(shape)
    filled = counts + SMALLEST_COUNT
    logarithm: Floats = np.log(filled / filled.sum(axis=1, keepdims=True))
    return logarithm
