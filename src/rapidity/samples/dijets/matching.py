"""Equal spectra of both classes: where one has more jets than the other, some of them go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.dijets.clustering import GLUON, MAX_ETA, MAX_PT_GEV, MIN_PT_GEV, QUARK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PT_EDGES_GEV = np.geomspace(MIN_PT_GEV, MAX_PT_GEV, 11)
ETA_EDGES = np.linspace(0.0, MAX_ETA, 3)
"""Of the absolute pseudorapidity: quarks carry more of the protons' momentum and fly further forward."""


def match_spectra(kind: NDArray[np.int64], pt_gev: Floats, eta: Floats) -> NDArray[np.int64]:
    """Return the jets to keep: in each interval of momentum and |eta| equally many of both classes.

    Of the class that has more there the first ones are kept, so nothing is drawn and no ratio of
    cross-sections has to be known.

    Parameters
    ----------
    kind
        Class of each jet; those with neither are dropped.

    Examples
    --------
    >>> match_spectra(np.array([0, 0, 1, 1, -1]), np.array([80.0, 81, 82, 300, 80]), np.zeros(5))
    array([0, 2])
    """
    row = np.digitize(pt_gev, PT_EDGES_GEV) * len(ETA_EDGES) + np.digitize(np.abs(eta), ETA_EDGES)
    n_cells = (len(PT_EDGES_GEV) + 1) * (len(ETA_EDGES) + 1)
    counts = [np.bincount(row[kind == value], minlength=n_cells) for value in (GLUON, QUARK)]
    allowed = np.minimum(*counts)
    kept = []
    for value in (GLUON, QUARK):
        jets = np.flatnonzero(kind == value)
        order = np.argsort(row[jets], kind="stable")
        cells = row[jets[order]]
        rank = np.arange(len(cells)) - np.searchsorted(cells, cells)
        kept.append(jets[order][rank < allowed[cells]])
    return np.sort(np.concatenate(kept))
