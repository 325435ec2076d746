"""Flavour of jets: what they truly hold, and how much they look like b jets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.particles import delta_r, pairs_within_events

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.samples.particles import FourVectors, Record

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

LIGHT, CHARM, BOTTOM = 0, 4, 5
HADRON_MIN_PT_GEV = 5.0
HADRON_RADIUS = 0.3

WORKING_POINTS = (0.85, 0.77, 0.70, 0.60)
"""Efficiencies for b jets."""
REJECTIONS = {CHARM: (2.6, 4.9, 9.4, 27.0), LIGHT: (29.0, 130.0, 390.0, 1300.0)}
"""Flavour -> one over the efficiency at each of the working points."""
REFERENCE_PT_GEV = 60.0
"""The tables hold for jets of this transverse momentum, a usual one in events with top quarks."""


def find_flavours(jets: FourVectors, record: Record) -> Integers:
    """Return 5 for jets with a b hadron, 4 for others with a c hadron, 0 for the rest ``(n_jets,)``.

    The hadrons have 5 GeV or more and lie within 0.3 of the axis of the jet, as ATLAS labels jets:
    Eur. Phys. J. C 79 (2019) 970, arXiv:1907.05120. Here a hadron may count for two jets.
    """
    flavours = np.full(len(jets), LIGHT, dtype=np.int64)
    for quark in (CHARM, BOTTOM):
        hadrons = record.take(is_heavy_hadron(record.pdg_id, quark) & (record.pt > HADRON_MIN_PT_GEV))
        left, right = pairs_within_events(jets, hadrons)
        flavours[left[delta_r(jets, left, hadrons, right) < HADRON_RADIUS]] = quark
    return flavours


def is_heavy_hadron(pdg_id: Integers, quark: int) -> NDArray[np.bool_]:
    """Return which PDG codes are hadrons whose heaviest quark is `quark`.

    Examples
    --------
    >>> is_heavy_hadron(np.array([511, -5122, 411, 5, 2212, 553]), BOTTOM).tolist()
    [True, True, False, False, False, True]
    """
    code = np.abs(pdg_id)
    # The thousands and hundreds are the heaviest quarks of baryons and of mesons; diquarks have no tens.
    heaviest = np.where(code // 1000 % 10 > 0, code // 1000 % 10, code // 100 % 10)
    result: NDArray[np.bool_] = (heaviest == quark) & (code // 10 % 10 > 0)
    return result


def efficiency_at_70(flavour: Integers, pt_gev: Floats) -> Floats:
    """Return the efficiency of the working point of 70 % for jets of a flavour (0, 4, 5).

    Source: the ATLAS card of Delphes (``delphes_card_ATLAS.tcl``; arXiv:1307.6346), after
    ATL-PHYS-PUB-2015-022. Only the dependence on the transverse momentum is taken from it.

    Examples
    --------
    >>> efficiency_at_70(np.array([5, 5, 4, 0]), np.array([25.0, 100.0, 100.0, 100.0])).round(4)
    array([0.5704, 0.7283, 0.1439, 0.0027])
    """
    bottom = 0.80 * np.tanh(0.003 * pt_gev) * 30 / (1 + 0.086 * pt_gev)
    charm = 0.20 * np.tanh(0.02 * pt_gev) / (1 + 0.0034 * pt_gev)
    return np.select([flavour == BOTTOM, flavour == CHARM], [bottom, charm], 0.002 + 7.3e-6 * pt_gev)


def draw_scores(flavour: Integers, pt_gev: Floats, rng: np.random.Generator) -> Floats:
    """Return a continuous b-tagging score in [0, 1) for each jet, one random number each.

    A cut at ``1 - efficiency`` keeps that part of the b jets of 60 GeV: 0.23 is the working point of 77 %.
    Between the working points, and beyond them, the efficiency for a flavour is a power of that for b
    jets. Source of the rejections at the four points: the algorithm DL1 of ATLAS, Eur. Phys. J. C 79
    (2019) 970, arXiv:1907.05120. The odds of passing go with the momentum as `efficiency_at_70` does.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> scores = draw_scores(np.full(200_000, BOTTOM), np.full(200_000, 60.0), rng)
    >>> round(float(np.mean(scores > 0.23)), 2)
    0.77
    """
    passing = _quantile_at_reference(flavour, pt_gev, rng.random(len(flavour)))
    logarithm = np.log(np.maximum(passing, np.finfo(np.float64).tiny))
    result = np.empty(len(flavour))
    for each in (LIGHT, CHARM, BOTTOM):
        rows = flavour == each
        result[rows] = -np.expm1(_log_b_efficiency(each, logarithm[rows]))
    return result


def pass_working_points(score: Floats) -> Integers:
    """Return how many of the working points of 85, 77, 70 and 60 % a score passes, 0 to 4.

    Examples
    --------
    >>> pass_working_points(np.array([0.1, 0.2, 0.25, 0.35, 0.9])).tolist()
    [0, 1, 2, 3, 4]
    """
    return np.searchsorted([1 - point for point in WORKING_POINTS], score, side="left").astype(np.int64)


def _quantile_at_reference(flavour: Integers, pt_gev: Floats, quantile: Floats) -> Floats:
    """Return the part of jets of 60 GeV that passes a cut which `quantile` of those of `pt_gev` pass."""
    here = efficiency_at_70(flavour, pt_gev)
    reference = efficiency_at_70(flavour, np.full_like(pt_gev, REFERENCE_PT_GEV))
    ratio = here / (1 - here) * (1 - reference) / reference
    return quantile / (quantile + ratio * (1 - quantile))


def _log_b_efficiency(flavour: int, log_efficiency: Floats) -> Floats:
    """Return the logarithm of the efficiency for b jets where that for a flavour has `log_efficiency`."""
    if flavour == BOTTOM:
        return log_efficiency
    bottom = np.log([1.0, *WORKING_POINTS])[::-1]
    other = -np.log([1.0, *REJECTIONS[flavour]])[::-1]
    slope = (bottom[1] - bottom[0]) / (other[1] - other[0])
    beyond = bottom[0] + slope * (log_efficiency - other[0])
    return np.where(log_efficiency < other[0], beyond, np.interp(log_efficiency, other, bottom))
