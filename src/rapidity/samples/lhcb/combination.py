"""Combined log-likelihood differences: the sums of what the sub-detectors have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PARTS = {
    "DLLelectron": (
        "RICH_DLLbeElectron",
        "PrsDLLbeElectron",
        "EcalDLLbeElectron",
        "HcalDLLbeElectron",
        "BremDLLbeElectron",
    ),
    "DLLmuon": ("RICH_DLLbeMuon", "EcalDLLbeMuon", "HcalDLLbeMuon"),
    "DLLkaon": ("RICH_DLLbeKaon",),
    "DLLproton": ("RICH_DLLbeProton",),
}
"""Independent detectors multiply their likelihoods (LHCb, arXiv:1412.6352)."""


def combine(columns: Mapping[str, NDArray[np.generic]]) -> dict[str, Floats]:
    """Return the combined differences; a part that is NaN adds nothing, and of nothing but NaN comes NaN.

    Examples
    --------
    >>> nan = np.array([np.nan])
    >>> parts = {name: nan for names in PARTS.values() for name in names}
    >>> parts |= {"MuonLLbeMuon": nan, "MuonLLbeBCK": nan, "EcalDLLbeMuon": np.array([1.5])}
    >>> {name: float(values[0]) for name, values in combine(parts).items()}
    {'DLLelectron': nan, 'DLLmuon': 1.5, 'DLLkaon': nan, 'DLLproton': nan}
    """
    values = {name: np.asarray(columns[name], dtype=np.float64) for names in PARTS.values() for name in names}
    values["stations"] = np.asarray(columns["MuonLLbeMuon"]) - np.asarray(columns["MuonLLbeBCK"])
    combined = {}
    for total, names in PARTS.items():
        parts = [values[name] for name in names] + ([values["stations"]] if total == "DLLmuon" else [])
        table = np.stack(parts)
        is_nothing = np.isnan(table).all(axis=0)
        combined[total] = np.where(is_nothing, np.nan, np.nansum(table, axis=0))
    return combined
