"""Jets as clouds of their constituents, and the features that trees and people use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.physics.kinematics import delta_phi
from rapidity.samples.dijets.response import (
    CHARGED_HADRON,
    ELECTRON_CANDIDATE,
    MUON_CANDIDATE,
    NEUTRAL_HADRON,
    PHOTON_CANDIDATE,
)
from rapidity.samples.particles import as_floats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rapidity.samples.dijets.clustering import Jets
    from rapidity.samples.dijets.response import Candidates

    Floats = NDArray[np.float64]

FLAGS = {
    "is_charged_hadron": CHARGED_HADRON,
    "is_neutral_hadron": NEUTRAL_HADRON,
    "is_photon": PHOTON_CANDIDATE,
    "is_electron": ELECTRON_CANDIDATE,
    "is_muon": MUON_CANDIDATE,
}
OBJECT_UNITS: Mapping[str, str] = {
    **{
        f"constituent_{name}": unit
        for name, unit in (("pt", "GeV"), ("eta", ""), ("phi", "rad"), ("energy", "GeV"))
    },
    "constituent_d_eta": "",
    "constituent_d_phi": "rad",
    "constituent_charge": "e",
    **dict.fromkeys((f"constituent_{name}" for name in FLAGS), ""),
}
JET_UNITS: Mapping[str, str] = {
    "jet_pt": "GeV",
    "jet_eta": "",
    "jet_phi": "rad",
    "jet_mass": "GeV",
    "multiplicity": "",
    "charged_multiplicity": "",
    "girth": "",
    "width": "",
    "pt_d": "",
    "leading_fraction": "",
    "second_fraction": "",
    "third_fraction": "",
    "charged_fraction": "",
    "photon_fraction": "",
}


def describe_constituents(
    jets: Jets, candidates: Candidates
) -> tuple[dict[str, Floats], dict[str, Floats], NDArray[np.int64]]:
    """Return columns of jets, columns of constituents (largest pT first), and how many each jet has.

    Angles of constituents are relative in ``constituent_d_eta`` and ``constituent_d_phi`` (minus the jet's).
    """
    jet = np.repeat(np.arange(len(jets.n_constituents)), jets.n_constituents)
    chosen = candidates.take(jets.candidate)
    order = np.lexsort((-chosen.pt, jet))
    chosen = chosen.take(order)
    d_eta = chosen.eta - jets.vectors.eta[jet]
    d_phi = as_floats(delta_phi(chosen.phi, jets.vectors.phi[jet]))
    values = (
        chosen.pt,
        chosen.eta,
        chosen.phi,
        chosen.energy,
        d_eta,
        d_phi,
        chosen.charge.astype(np.float64),
    )
    columns = dict(zip(OBJECT_UNITS, values, strict=False))
    columns |= {
        f"constituent_{name}": (chosen.kind == kind).astype(np.float64) for name, kind in FLAGS.items()
    }
    of_jets = {
        "jet_pt": jets.vectors.pt,
        "jet_eta": jets.vectors.eta,
        "jet_phi": jets.vectors.phi,
        "jet_mass": jets.vectors.mass,
        **summarise(jet, chosen, np.hypot(d_eta, d_phi), jets.n_constituents),
    }
    return of_jets, columns, jets.n_constituents


def summarise(
    jet: NDArray[np.int64], constituents: Candidates, distance: Floats, counts: NDArray[np.int64]
) -> dict[str, Floats]:
    r"""Return features of jets whose constituents stand in falling order of pT.

    With ``p_i`` the transverse momenta and ``r_i`` the distances from the axis: girth ``sum p r / sum p``
    (Gallicchio and Schwartz, arXiv:1211.7038), width ``sqrt(sum p**2 r**2 / sum p**2)`` and
    ``pt_d = sqrt(sum p**2) / sum p`` (CMS, JME-13-002). Fractions are parts of the sum of p.
    """
    pt = constituents.pt

    def add_up(values: Floats) -> Floats:
        return as_floats(np.bincount(jet, values, minlength=len(counts)))

    total, squared = add_up(pt), add_up(pt**2)
    starts = np.cumsum(counts) - counts

    def fraction(position: int) -> Floats:
        has = counts > position
        return np.where(has, pt[np.where(has, starts + position, 0)], 0.0) / total

    return {
        "multiplicity": counts.astype(np.float64),
        "charged_multiplicity": add_up((constituents.charge != 0).astype(np.float64)),
        "girth": add_up(pt * distance) / total,
        "width": np.sqrt(add_up((pt * distance) ** 2) / squared),
        "pt_d": np.sqrt(squared) / total,
        "leading_fraction": fraction(0),
        "second_fraction": fraction(1),
        "third_fraction": fraction(2),
        "charged_fraction": add_up(np.where(constituents.charge != 0, pt, 0.0)) / total,
        "photon_fraction": add_up(np.where(constituents.kind == PHOTON_CANDIDATE, pt, 0.0)) / total,
    }
