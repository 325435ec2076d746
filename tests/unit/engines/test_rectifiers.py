"""Rectifiers that may write over their input."""

from __future__ import annotations

from typing import Any

import pytest
from conformance.training import make_network

from rapidity.engines.rectifiers import find_overwriting


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (({"type": "dense", "units": 3}, "relu"), {"relu_1"}),
        (({"type": "dense", "units": 3}, "tanh"), set()),
        (({"type": "dense", "units": 3}, "tanh", "relu"), set()),
        (("relu",), set()),
        (({"type": "dense", "units": 3}, "batch_norm", "relu", "relu"), {"relu_1"}),
        (
            (
                {"type": "dense", "units": 3, "name": "both"},
                "relu",
                {"type": "add", "inputs": ["relu_1", "both"]},
            ),
            set(),
        ),
    ],
)
def test_a_rectifier_overwrites_only_what_nobody_else_needs(layers: Any, expected: set[str]) -> None:
    assert find_overwriting(make_network(*layers), lambda _: True) == expected


def test_an_engine_may_keep_results_of_its_own() -> None:
    network = make_network({"type": "dense", "units": 3}, "relu", {"type": "dense", "units": 2}, "relu")
    assert find_overwriting(network, lambda node: node.name != "dense_1") == {"relu_2"}
