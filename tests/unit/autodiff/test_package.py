"""The package by itself: quick to import, NumPy only, everything public documented."""

from __future__ import annotations

import subprocess
import sys

import rapidity.autodiff as ad

FOREIGN = "pydantic", "scipy", "torch", "tensorflow", "matplotlib", "onnx", "h5py", "yaml", "pandas"


def test_import_needs_numpy_only():
    code = "import sys, rapidity.autodiff; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "numpy" in loaded
    assert not {*FOREIGN} & {*loaded}


def test_public_names_are_there_and_documented():
    for name in ad.__all__:
        assert getattr(ad, name).__doc__, name
