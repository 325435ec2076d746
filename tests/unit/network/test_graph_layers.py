"""Shapes of layers of neighbours, edges and pairs, and the messages when they do not fit."""

from __future__ import annotations

from typing import Any

import pytest

from rapidity.core.errors import GraphError
from rapidity.network import LayerList, Network, build_network

Shapes = dict[str, tuple[int, ...]]
INPUTS: Shapes = {
    "jets": (5, 6),
    "jets.mask": (5,),
    "jets.momenta": (5, 4),
    "tracks": (9, 6),
    "met": (4,),
    "image": (4, 4, 2),
    "short.mask": (4,),
    "numbers": (5, 3),
}


def build(layer: dict[str, Any], inputs: Shapes) -> Network:
    layers = LayerList.model_validate({"layers": [layer, "flatten"]})
    return build_network(layers, inputs, {"class": 1})


@pytest.mark.parametrize(
    ("kind", "inputs", "settings", "shape"),
    [
        ("neighbours", ["jets", "jets.mask"], {"k": 4}, (5, 4)),
        ("edges", ["jets", "jets"], {}, (5, 5, 6)),
        ("edges", ["jets", "jets", "numbers"], {}, (5, 3, 6)),
        ("pair_features", ["jets.momenta", "jets.mask"], {}, (10, 4)),
        ("pair_features", ["jets.momenta"], {"without_momentum": 2}, (21, 4)),
        ("pair_mask", ["jets.mask"], {}, (10,)),
        ("join_objects", ["jets", "tracks", "jets"], {}, (19, 6)),
        ("take_objects", ["tracks"], {"start": 2, "count": 7}, (7, 6)),
        ("to_token", ["met"], {}, (1, 4)),
        ("full_mask", ["jets"], {}, (5,)),
    ],
)
def test_shapes(kind: str, inputs: list[str], settings: dict[str, Any], shape: tuple[int, ...]) -> None:
    used = {name: INPUTS[name] for name in inputs}
    if "jets.momenta" in used:
        used["jets"] = INPUTS["jets"]
        layers = [
            {"type": kind, "name": "tried", "inputs": inputs, **settings},
            {"type": "flatten", "name": "flat"},
            {"type": "flatten", "name": "jet_row", "inputs": "jets"},
            {"type": "concatenate", "inputs": ["flat", "jet_row"]},
        ]
        network = build_network(LayerList.model_validate({"layers": layers}), used, {"class": 1})
    else:
        network = build({"type": kind, "name": "tried", "inputs": inputs, **settings}, used)
    assert network.node("tried").shape == shape
    assert network.node("tried").parameters == ()


@pytest.mark.parametrize(("shape", "expected"), [((10, 3), (5, 5, 3)), ((1,), (2, 2)), ((36,), (9, 9))])
def test_pairs_make_a_square(shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    network = build({"type": "square_pairs", "name": "tried", "inputs": "pairs"}, {"pairs": shape})
    assert network.node("tried").shape == expected


@pytest.mark.parametrize(
    ("kind", "inputs", "settings", "message"),
    [
        (
            "neighbours",
            ["jets", "jets.mask"],
            {"k": 5},
            r"needs more objects than its k = 5 neighbours, and gets 5\.\n  Set 'k' to 4 at most",
        ),
        ("neighbours", ["jets", "short.mask"], {"k": 2}, r"needs a mask \(n_events, 5\) of its objects"),
        ("neighbours", ["met"], {"k": 2}, r"needs objects or tokens \(n_events, n_objects, n_features\)"),
        ("edges", ["jets", "tracks"], {}, r"needs objects twice in one and the same shape"),
        (
            "edges",
            ["jets", "jets", "met"],
            {},
            r"numbers of neighbours \(n_events, 5, k\) as its third",
        ),
        ("pair_features", ["jets"], {}, r"needs momenta \(n_events, n_objects, 4\) .*\n  Name the input"),
        ("pair_mask", ["jets"], {}, r"needs the mask \(n_events, n_objects\) of two objects or more"),
        ("square_pairs", ["jets"], {}, r"one value for each pair of n objects, n \(n - 1\) / 2, which 5 is"),
        ("square_pairs", ["image"], {}, r"needs pairs \(n_events, n_pairs, n_features\) or their mask"),
        ("join_objects", ["jets", "jets.momenta"], {}, r"differ at most in the number of objects"),
        ("join_objects", ["jets", "met"], {}, r"a table needs 'to_token'"),
        ("take_objects", ["jets"], {"start": 3, "count": 3}, r"needs 6 objects .*\n  There are 5"),
        ("to_token", ["jets"], {}, r"needs a row \(n_events, n_features\)"),
        ("full_mask", ["jets", "jets.mask"], {}, r"needs one input"),
    ],
)
def test_what_does_not_fit_is_explained(
    kind: str, inputs: list[str], settings: dict[str, Any], message: str
) -> None:
    layer = {"type": kind, "name": "tried", "inputs": inputs, **settings}
    with pytest.raises(GraphError, match=rf"(?s)layer 'tried' \({kind}\) gets shapes? .*{message}"):
        build(layer, {name: INPUTS[name] for name in inputs})


def test_momenta_and_coordinates_may_stay_unused() -> None:
    inputs: Shapes = {"jets": (5, 6), "jets.momenta": (5, 4), "jets.coordinates": (5, 2)}
    assert build({"type": "flatten", "inputs": "jets"}, inputs).inputs == inputs


def test_momenta_of_no_cloud_must_be_used() -> None:
    with pytest.raises(GraphError, match=r"network input 'muons\.momenta' .* leads to no output"):
        build({"type": "flatten", "inputs": "jets"}, {"jets": (5, 6), "muons.momenta": (5, 4)})
