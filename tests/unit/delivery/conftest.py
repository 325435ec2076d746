"""Small real models, and events in files for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rapidity.artefact import build_model, write_folds, write_model
from rapidity.core.classes import ClassSet
from rapidity.data.features import Feature
from rapidity.data.fitted_feature import FittedFeature
from rapidity.data.fitted_table import FittedTable
from rapidity.data.preparation import FittedPreparation
from rapidity.data.transforms.standard import FittedStandard
from rapidity.data.writers import open_writer
from rapidity.data.writers.root import open_root_writer
from rapidity.expressions import parse_expression
from rapidity.network import Mlp, build_network

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONFIGURATION = """
name: tiny
data:
  selection: "trigger == 1 and pt > 20"
preparation: {missing: {sentinels: [-999]}}
"""
CLASSES = ClassSet(("background", "signal"))
N_FOLDS = 3


def _preparation(collections: dict[str, str] | None = None) -> FittedPreparation:
    texts = ["pt", "eta", "n_jets", "pt * cosh(eta)"]
    texts += ["sum(jet_pt)"] if collections else []
    features = tuple(
        FittedFeature(
            Feature(text, parse_expression(text, {}, collections or {})),
            transforms=(FittedStandard(10.0, 20.0),),
        )
        for text in texts
    )
    dtypes = {"pt": "float32", "eta": "float64", "n_jets": "int64"}
    dtypes |= {"jet_pt": "float32"} if collections else {}
    ranges = {"pt": (0.0, 100.0), "eta": (-2.5, 2.5)}
    return FittedPreparation(
        {"features": FittedTable(features)},
        dtypes,
        ranges,
        units={"pt": "GeV"},
        **({"collections": collections} if collections else {}),
    )


def _parts(seed: int, collections: dict[str, str] | None = None) -> dict[str, Any]:
    preparation = _preparation(collections)
    network = build_network(
        Mlp(type="mlp", hidden=(8,)), preparation.input_shapes(), {"class": CLASSES.n_logits}
    )
    return {
        "preparation": preparation,
        "classes": CLASSES,
        "network": network,
        "parameters": network.initial_parameters(np.random.default_rng(seed)),
    }


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> Path:
    """Return a folder of models: plain, other (other parameters), jumping, jagged, folded."""
    folder: Path = tmp_path_factory.mktemp("models")
    metadata = {"configuration": CONFIGURATION}
    write_model(folder / "plain.onnx", **_parts(1), metadata=metadata)
    write_model(folder / "other.onnx", **_parts(2), metadata=metadata)
    # Of this one is said that it jumps, as a network with a search for neighbours does.
    write_model(folder / "jumping.onnx", **_parts(1), metadata={**metadata, "is_continuous": "false"})
    write_model(folder / "free.onnx", **_parts(1), metadata={"configuration": "name: free"})
    write_model(folder / "jagged.onnx", **_parts(3, {"jet_pt": "jet"}), metadata=metadata)
    networks = [build_model(**_parts(seed), metadata={}) for seed in range(N_FOLDS)]
    write_folds(folder / "folded.onnx", networks, "event", metadata)
    return folder


@pytest.fixture
def model(models) -> Path:
    """Return a model of `pt`, `eta`, `n_jets` with a selection that needs `trigger`."""
    return models / "plain.onnx"


@pytest.fixture(scope="session")
def make_events() -> Callable[..., dict[str, np.ndarray]]:
    """Return a builder of events."""

    def build(n_events: int = 20, seed: int = 1) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(seed)
        return {
            "pt": rng.normal(35.0, 15.0, n_events).astype(np.float32),
            "eta": rng.normal(0.0, 1.5, n_events),
            "n_jets": rng.integers(0, 5, n_events),
            "trigger": rng.integers(0, 2, n_events),
            "event": rng.permutation(n_events) + 2**40,
        }

    return build


@pytest.fixture(scope="session")
def write_events() -> Callable[..., Path]:
    """Return a writer of events: by suffix, ROOT files as a tree `nominal` (or `layout="rntuple"`)."""

    def write(path: Path, events: dict[str, np.ndarray], layout: Any = "tree") -> Path:
        columns = {name: values.dtype for name, values in events.items()}
        writer = (
            open_root_writer(path, columns=columns, table="nominal", layout=layout)
            if path.suffix == ".root"
            else open_writer(path, columns=columns)
        )
        with writer:
            writer.write(events)
        return path

    return write
