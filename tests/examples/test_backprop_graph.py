"""The lab's class of `examples/backprop_graph`: its own tests run here, and its drawing script."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "backprop_graph"
pytestmark = pytest.mark.torch


def run(name: str) -> dict[str, object]:
    """Return what a module of the example defines."""
    sys.path.insert(0, str(EXAMPLE))
    try:
        return runpy.run_path(str(EXAMPLE / name))
    finally:
        sys.path.remove(str(EXAMPLE))
        sys.modules.pop("graph", None)


_defined = run("test_graph.py")
globals().update({name: each for name, each in _defined.items() if name == "inputs" or name[:5] == "test_"})


def test_example_has_tests():
    assert sum(name.startswith("test_") for name in _defined) >= 3


def test_drawing_script(tmp_path):
    written = run("draw.py")["draw"](tmp_path)
    assert [path.name for path in written] == ["graph.svg", "graph.png", "graph.onnx"]
    assert (tmp_path / "graph.png").stat().st_size < 60_000
    # The picture in the README is what the script makes.
    assert (EXAMPLE / "graph.png").is_file()
