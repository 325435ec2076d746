"""The columns of the file in their order, the classes, and what stands for "not measured"."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CLASSES = ("Electron", "Ghost", "Kaon", "Muon", "Pion", "Proton")
LABEL = "Label"
MISSING = -999.0

# LHCb's public exercise has them in this order; `Label` stands where that file has it.
ORDER = (
    "TrackP", "TrackNDoFSubdetector2", "BremDLLbeElectron", "MuonLooseFlag", "FlagSpd", "SpdE",
    "EcalDLLbeElectron", "DLLmuon", "RICHpFlagElectron", "EcalDLLbeMuon", "TrackQualitySubdetector2",
    "FlagPrs", "DLLelectron", "DLLkaon", "EcalE", "TrackQualityPerNDoF", "DLLproton", "PrsDLLbeElectron",
    "FlagRICH1", "MuonLLbeBCK", "FlagHcal", "EcalShowerLongitudinalParameter", "Calo2dFitQuality",
    "TrackPt", "TrackDistanceToZ", "RICHpFlagPion", "HcalDLLbeElectron", "Calo3dFitQuality", "FlagEcal",
    "MuonLLbeMuon", "TrackNDoFSubdetector1", "RICHpFlagProton", "RICHpFlagKaon", "GhostProbability",
    "TrackQualitySubdetector1", "Label", "RICH_DLLbeBCK", "FlagRICH2", "FlagBrem", "HcalDLLbeMuon",
    "TrackNDoF", "RICHpFlagMuon", "RICH_DLLbeKaon", "RICH_DLLbeElectron", "HcalE", "MuonFlag", "FlagMuon",
    "PrsE", "RICH_DLLbeMuon", "RICH_DLLbeProton",
)  # fmt: skip

_UNITS = {
    **dict.fromkeys(("TrackP", "TrackPt", "SpdE", "PrsE", "EcalE", "HcalE"), "MeV"),
    **dict.fromkeys(("TrackDistanceToZ", "EcalShowerLongitudinalParameter"), "mm"),
}
COLUMNS: dict[str, str] = {name: _UNITS.get(name, "") for name in ORDER if name != LABEL}
"""Feature -> unit (empty for pure numbers), in the order of the file."""

DECIMALS = 6
"""The public file has six; more would only make the text longer."""


def finish_columns(values: Mapping[str, NDArray[np.generic]]) -> dict[str, Floats]:
    """Return the features in the order of the file: float64, six decimals, -999 where a value is NaN."""
    finished = {}
    for name in COLUMNS:
        column = np.asarray(values[name], dtype=np.float64)
        # Adding zero turns -0.0, which the rounding leaves behind, into 0.0.
        finished[name] = np.where(np.isnan(column), MISSING, np.round(column, DECIMALS) + 0.0)
    return finished
