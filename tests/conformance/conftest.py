"""The harness: every layer and every network of the catalogue, for every engine, from the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from rapidity.core.records import Batch
from rapidity.engines import ENGINES
from rapidity.network import CATALOGUE, LAYERS, LayerList, Network, build_network
from rapidity.network.layers.activation import ACTIVATIONS

Shapes = Mapping[str, tuple[int, ...]]
ROW, CLOUD = (6,), (4, 6)

INSTALLED_ENGINES = [name for name, entry in ENGINES.items() if entry.is_installed]


@dataclass(frozen=True)
class Case:
    """One network to try.

    Attributes
    ----------
    layer
        Kind of the layer that the case is about, or None for one of the catalogue.
    """

    title: str
    config: Any
    inputs: Shapes
    layer: str | None = None
    n_logits: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)

    def build(self) -> Network:
        return build_network(self.config, self.inputs, {"class": self.n_logits})

    def make_events(self, n_events: int, seed: int = 5) -> Batch:
        rng = np.random.default_rng(seed)
        inputs = {
            name: rng.standard_normal((n_events, *shape)).astype(np.float32)
            for name, shape in self.inputs.items()
        }
        first = next(iter(inputs.values())).reshape(n_events, -1)
        return Batch(inputs, {"class": (first[:, 0] > 0).astype(np.int64)})


SETTINGS: Mapping[str, list[dict[str, Any]]] = {
    "dense": [{"units": 3}, {"units": 3, "bias": False, "initializer": "glorot_normal"}],
    "activation": [
        *({"function": function} for function in ACTIVATIONS),
        {"function": "leaky_relu", "slope": 0.3},
        {"function": "elu", "alpha": 0.7},
    ],
    "dropout": [{"rate": 0.4}],
    "batch_norm": [{}, {"momentum": 0.4, "epsilon": 0.1}],
    "layer_norm": [{}, {"epsilon": 0.1}],
}
"""What to try of each kind; kinds that are not here are tried with their defaults."""

NETWORK_SETTINGS: Mapping[str, list[dict[str, Any]]] = {
    "mlp": [
        {},
        {"hidden": (), "activation": "relu"},
        *(
            {"hidden": (8, 4), "activation": "selu", "dropout": 0.2, "normalization": kind}
            for kind in ("none", "batch", "layer")
        ),
    ],
    "residual_mlp": [
        {},
        {"width": 8, "blocks": 1, "expansion": 0.5, "dropout": 0.0, "normalization": "layer"},
        {"width": 8, "blocks": 3, "residual_dropout": 0.2, "normalization": "none", "activation": "gelu"},
    ],
}


def layer_cases() -> list[Case]:
    """Return the cases of every registered layer, on rows and on clouds; with two inputs if it must."""
    cases = []
    for kind in LAYERS:
        takes_several = kind in {"concatenate", "add"}
        for settings in SETTINGS.get(kind, [{}]):
            for shape in (ROW, CLOUD):
                inputs = {"a": shape, "b": shape} if takes_several else {"a": shape}
                layer = {"type": kind, "name": "tried", **settings}
                rest = [] if shape == ROW or kind == "flatten" else [{"type": "flatten"}]
                config = LayerList.model_validate({"layers": [layer, *rest]})
                title = " ".join([kind, *map(str, settings.values()), "cloud" if shape == CLOUD else "row"])
                cases.append(Case(title, config, inputs, kind, settings=settings))
    return cases


def network_cases() -> list[Case]:
    """Return the cases of every network of the catalogue, and a graph with branches."""
    cases = []
    for name, variant in CATALOGUE.items():
        for settings in NETWORK_SETTINGS.get(name, [{}]):
            config = variant.model_validate({"type": name, **settings})
            title = " ".join([name, *map(str, settings.values())])
            cases.append(Case(title, config, {"a": ROW}))
            cases.append(
                Case(f"{title}, two inputs, three classes", config, {"a": ROW, "b": (2,)}, n_logits=3)
            )
    branches = [
        {"type": "flatten", "name": "flat", "inputs": "cloud"},
        {"type": "dense", "name": "left", "inputs": "flat", "units": 6},
        "tanh",
        {"type": "add", "name": "sum", "inputs": ["row", "tanh_1"]},
        {"type": "concatenate", "inputs": ["sum", "flat"]},
        "batch_norm",
    ]
    config = LayerList.model_validate({"layers": branches})
    return [*cases, Case("branches", config, {"row": ROW, "cloud": CLOUD})]


def pytest_generate_tests(metafunc: Any) -> None:
    """Give each test of this folder its engine and its case."""
    if "engine_name" in metafunc.fixturenames:
        engines = [pytest.param(name, marks=getattr(pytest.mark, name)) for name in INSTALLED_ENGINES]
        metafunc.parametrize("engine_name", engines)
    layers, networks = layer_cases(), network_cases()
    fixtures = {
        "case": [*layers, *networks],
        "layer_case": layers,
        "batch_norm_case": [case for case in layers if case.layer == "batch_norm"],
        "network_case": networks,
    }
    for name in set(fixtures) & set(metafunc.fixturenames):
        metafunc.parametrize(name, fixtures[name], ids=[case.title for case in fixtures[name]])
