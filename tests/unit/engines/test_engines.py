"""Finding an engine, and the checks that engines share."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from rapidity.core.errors import EngineError
from rapidity.engines import ENGINES, get_engine
from rapidity.engines.engine import check_shapes, find_lowering
from rapidity.network import LayerList, build_network


def test_an_unknown_engine_shows_the_near_names() -> None:
    with pytest.raises(EngineError, match=r"unknown engine 'trch'\. Did you mean 'torch'\? Known: torch"):
        get_engine("trch")


def test_a_missing_library_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(
        EngineError,
        match=r"'torch' needs PyTorch, which is not installed\. Run: pip install 'rapidity\[torch\]', or set"
        r" engine: numpy$",
    ):
        get_engine("torch")


def test_numpy_is_always_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert [name for name, entry in ENGINES.items() if entry.is_installed] == ["numpy"]
    assert get_engine("numpy").name == "numpy"


def test_importing_the_engines_imports_no_library() -> None:
    code = "import rapidity.engines, sys; raise SystemExit('torch' in sys.modules or 'onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", [name for name, entry in ENGINES.items() if entry.is_installed])
def test_an_engine_knows_its_name(name: str) -> None:
    assert get_engine(name).name == name


def test_a_layer_that_an_engine_lacks_is_named_with_the_engines_that_have_it() -> None:
    layers = LayerList.model_validate(
        {"layers": [{"type": "conv2d", "name": "edges", "filters": 3}, "flatten"]}
    )
    node = build_network(layers, {"image": (4, 4, 1)}, {"class": 1}).node("edges")
    assert find_lowering({"conv2d": 5}, "abacus", node) == 5
    having = " or ".join(name for name, entry in ENGINES.items() if entry.is_installed)
    cure = rf"Set engine: {having}, which can\." if having else r"No other installed engine can either\."
    message = rf"engine 'abacus' cannot build layer 'edges': it has no lowering of 'conv2d'\. {cure}"
    with pytest.raises(EngineError, match=message):
        find_lowering({"dense": 5}, "abacus", node)


def test_without_another_engine_the_message_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ENGINES, "_variants", {})
    layers = LayerList.model_validate({"layers": [{"type": "dense", "units": 3}]})
    node = build_network(layers, {"features": (4,)}, {"class": 1}).nodes[0]
    with pytest.raises(EngineError, match=r"no lowering of 'dense'\. No other installed engine can either\."):
        find_lowering({}, "abacus", node)


def test_parameters_of_another_network_are_listed() -> None:
    expected = {"a.kernel": (2, 3), "a.bias": (3,), "b.bias": (1,)}
    found = {"a.kernel": (3, 2), "a.bias": (3,), "c.bias": np.zeros(1).shape}
    message = (
        r"not those of the network: missing: b\.bias; not known: c\.bias;"
        r" wrong shape: a\.kernel \(3, 2\) instead of \(2, 3\)"
    )
    with pytest.raises(EngineError, match=message):
        check_shapes("the network", expected, found)
