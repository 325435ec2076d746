"""Jets and leptons in raw columns, and what expressions make of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rapidity.core.jagged import Jagged
from rapidity.expressions import parse_expression
from rapidity.training.augmentation.momenta import MomentumAugmentation, choose_objects

if TYPE_CHECKING:
    from collections.abc import Callable

N_EVENTS = 200
OBJECTS = {
    "jets": {"pt": "jet_pt", "eta": "jet_eta", "phi": "jet_phi", "mass": "jet_m"},
    "lepton": {"px": "lep_px", "py": "lep_py", "pz": "lep_pz", "energy": "lep_e"},
    "photon": {"pt": "ph_pt", "eta": "ph_eta", "phi": "ph_phi"},
    "met": {"pt": "met", "phi": "met_phi"},
}
COLLECTIONS = dict.fromkeys(("jet_pt", "jet_eta", "jet_phi", "jet_m"), "jets")


def make_events(n_events: int = N_EVENTS, seed: int = 1) -> dict[str, Any]:
    """Return events of 2 to 5 jets, a lepton by its cartesian components, a photon, missing momentum."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(2, 6, n_events)
    total = int(counts.sum())
    lepton = rng.normal(0.0, 40.0, (3, n_events))
    columns: dict[str, Any] = {
        "lep_px": lepton[0],
        "lep_py": lepton[1],
        "lep_pz": lepton[2],
        "lep_e": np.sqrt((lepton**2).sum(axis=0) + 1.7**2),
        "ph_pt": rng.exponential(30.0, n_events) + 5.0,
        "ph_eta": rng.normal(0.0, 1.0, n_events),
        "ph_phi": rng.uniform(-np.pi, np.pi, n_events),
        "met": rng.exponential(30.0, n_events),
        "met_phi": rng.uniform(-np.pi, np.pi, n_events),
    }
    contents = {
        "jet_pt": rng.exponential(40.0, total) + 20.0,
        "jet_eta": rng.normal(0.0, 1.5, total),
        "jet_phi": rng.uniform(-np.pi, np.pi, total),
        "jet_m": rng.exponential(8.0, total),
    }
    first = Jagged.from_counts(contents["jet_pt"], counts)
    return columns | {name: Jagged(content, first.offsets) for name, content in contents.items()}


@pytest.fixture
def events() -> dict[str, Any]:
    """Return events, float64."""
    return make_events()


@pytest.fixture
def change() -> Callable[..., dict[str, Any]]:
    """Return a function that applies a change of momenta to some objects (all), with a seed."""

    def run(how: Any, columns: dict[str, Any], *, names: Any = None, seed: int = 3, **more: Any) -> Any:
        chosen = choose_objects("training.augmentation[0]", how, more.pop("objects", OBJECTS), names)
        changed = dict(columns)
        sentinels = more.pop("sentinels", {})
        collections = {name: found for name, found in COLLECTIONS.items() if name in columns}
        MomentumAugmentation(how, chosen, collections, sentinels, **more).apply(
            changed, np.random.default_rng(seed)
        )
        return changed

    return run


@pytest.fixture
def compute() -> Callable[[str, dict[str, Any]], np.ndarray]:
    """Return a function from an expression and columns to a value for each event, or object."""

    def run(text: str, columns: dict[str, Any]) -> np.ndarray:
        expression = parse_expression(text, OBJECTS, COLLECTIONS)
        found = expression.evaluate({name: columns[name] for name in expression.columns})
        return found.content if isinstance(found, Jagged) else np.asarray(found)

    return run
