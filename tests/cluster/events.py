"""Small ROOT files for clusters to work on, and what is in the files that come out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import awkward as ak
import h5py
import numpy as np
import uproot

if TYPE_CHECKING:
    from pathlib import Path


def write_tree(path: Path, seed: int) -> None:
    """Write about a hundred events, of signal if the seed is odd, with a jagged branch."""
    rng = np.random.default_rng(seed)
    n_events = int(rng.integers(80, 120))
    counts = rng.integers(0, 5, n_events)
    signal = seed % 2
    with uproot.recreate(path) as file:
        columns = {
            "met": rng.exponential(30.0 + 20.0 * signal, n_events),
            "event": np.arange(n_events) + 1000 * seed,
            "weight": rng.choice([-1.0, 1.0, 1.0], n_events),
            "jet_pt": ak.unflatten(rng.exponential(40.0 + 30.0 * signal, counts.sum()), counts),
        }
        file.mktree("events", {"jet_pt": "var * float64", "met": "f8", "event": "i8", "weight": "f8"}).extend(
            columns
        )


def content(path: Path) -> dict[str, Any]:
    """Return all that an HDF5 file holds, attributes included, but what tells of the work itself."""
    found = {}

    def visit(name, item):
        found[name] = item[()].tolist() if isinstance(item, h5py.Dataset) else None
        for key, value in item.attrs.items():
            found[f"{name}@{key}"] = np.asarray(value).tolist()

    with h5py.File(path) as file:
        file.visititems(visit)
    return {name: value for name, value in found.items() if not name.endswith("@metadata")}
