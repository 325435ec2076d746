"""Events with collections, as this package and as awkward and vector see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
import pytest
import vector

from rapidity.core.jagged import Jagged
from rapidity.expressions import parse_expression

vector.register_awkward()

JETS = {"pt": "jet_pt", "eta": "jet_eta", "phi": "jet_phi", "mass": "jet_m"}
LEPTONS = {"pt": "lep_pt", "eta": "lep_eta", "phi": "lep_phi", "mass": "lep_m"}
OBJECTS = {
    "jets": JETS,
    "leptons": LEPTONS,
    "missing": {"pt": "met", "phi": "met_phi"},
    "photon": {"pt": "ph_pt", "eta": "ph_eta", "phi": "ph_phi", "mass": "0"},
    "tagged": {name: f"{column}[jet_tag > 0]" for name, column in JETS.items()},
}
COLLECTIONS = {
    **dict.fromkeys([*JETS.values(), "jet_tag"], "jets"),
    **dict.fromkeys(LEPTONS.values(), "leptons"),
}


@dataclass
class Events:
    """Some events.

    Attributes
    ----------
    columns
        Column -> `Jagged` or array.
    jets, leptons, photon
        The same as momenta of awkward and vector.
    """

    columns: dict[str, Any]

    @property
    def jets(self) -> Any:
        """Return the jets, with `tag`."""
        tag = _as_awkward(self.columns["jet_tag"])
        return ak.with_field(self._momenta(JETS), tag, "tag")

    @property
    def leptons(self) -> Any:
        """Return the leptons."""
        return self._momenta(LEPTONS)

    @property
    def photon(self) -> Any:
        """Return the one photon of each event."""
        pt, eta, phi = (self.columns[f"ph_{name}"] for name in ("pt", "eta", "phi"))
        return ak.zip({"pt": pt, "eta": eta, "phi": phi, "mass": np.zeros(len(pt))}, with_name="Momentum4D")

    def evaluate(self, text: str) -> Any:
        """Return the value of an expression."""
        return parse_expression(text, OBJECTS, COLLECTIONS).evaluate(self.columns)

    def _momenta(self, components: dict[str, str]) -> Any:
        arrays = {name: _as_awkward(self.columns[column]) for name, column in components.items()}
        return ak.zip(arrays, with_name="Momentum4D")


def _as_awkward(column: Jagged) -> Any:
    return ak.values_astype(ak.unflatten(ak.Array(np.asarray(column.content)), column.counts), np.float64)


def make_events(n_jets: list[int], n_leptons: list[int], seed: int = 0) -> Events:
    """Return events with these numbers of jets and leptons."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {}
    for prefix, counts in (("jet", n_jets), ("lep", n_leptons)):
        n_objects = sum(counts)
        values = {
            "pt": rng.exponential(40.0, n_objects).astype(np.float32) + np.float32(1.0),
            "eta": rng.normal(0.0, 1.5, n_objects).astype(np.float32),
            "phi": rng.uniform(-3.1, 3.1, n_objects).astype(np.float32),
            "m": rng.exponential(5.0, n_objects) + 0.1,
            "tag": rng.integers(0, 2, n_objects),
        }
        columns |= {
            f"{prefix}_{name}": Jagged.from_counts(array, np.array(counts, np.int64))
            for name, array in values.items()
            if (prefix, name) != ("lep", "tag")
        }
    n_events = len(n_jets)
    columns |= {
        "met": rng.exponential(30.0, n_events), "met_phi": rng.uniform(-3.1, 3.1, n_events),
        "ph_pt": rng.exponential(30.0, n_events) + 1.0, "ph_eta": rng.normal(0.0, 1.5, n_events),
        "ph_phi": rng.uniform(-3.1, 3.1, n_events),
    }  # fmt: skip
    return Events(columns)


@pytest.fixture(scope="session")
def events() -> Events:
    """Return 300 events, some without jets, leptons or both."""
    rng = np.random.default_rng(6)
    return make_events(rng.poisson(2.5, 300).tolist(), rng.poisson(0.8, 300).tolist(), seed=9)
