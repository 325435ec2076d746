"""Finding an engine, and the checks that engines share."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from rapidity.core.errors import EngineError
from rapidity.engines import ENGINES, get_engine
from rapidity.engines.engine import check_shapes


def test_an_unknown_engine_shows_the_near_names() -> None:
    with pytest.raises(EngineError, match=r"unknown engine 'trch'\. Did you mean 'torch'\? Known: torch"):
        get_engine("trch")


def test_a_missing_library_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(
        EngineError,
        match=r"'torch' needs PyTorch, which is not installed\. Run: pip install 'rapidity\[torch\]'$",
    ):
        get_engine("torch")


def test_importing_the_engines_imports_no_library() -> None:
    code = "import rapidity.engines, sys; raise SystemExit('torch' in sys.modules or 'onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", [name for name, entry in ENGINES.items() if entry.is_installed])
def test_an_engine_knows_its_name(name: str) -> None:
    assert get_engine(name).name == name


def test_parameters_of_another_network_are_listed() -> None:
    expected = {"a.kernel": (2, 3), "a.bias": (3,), "b.bias": (1,)}
    found = {"a.kernel": (3, 2), "a.bias": (3,), "c.bias": np.zeros(1).shape}
    message = (
        r"not those of the network: missing: b\.bias; not known: c\.bias;"
        r" wrong shape: a\.kernel \(3, 2\) instead of \(2, 3\)"
    )
    with pytest.raises(EngineError, match=message):
        check_shapes("the network", expected, found)
