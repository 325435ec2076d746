"""From particle-physics ntuples to a trained, checked neural network in one ONNX file.

The Python interface mirrors the verbs of the command line. Importing this package loads no heavy
library and changes nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rapidity.artefact import OnnxModel
    from rapidity.config import load_config
    from rapidity.core.errors import RapidityError
    from rapidity.data.inspection import inspect_file as inspect
    from rapidity.samples import generate
    from rapidity.workflow import Run, check, demo, train

_WHERE = {
    "OnnxModel": ("rapidity.artefact", "OnnxModel"),
    "RapidityError": ("rapidity.core.errors", "RapidityError"),
    "Run": ("rapidity.workflow", "Run"),
    "check": ("rapidity.workflow", "check"),
    "demo": ("rapidity.workflow", "demo"),
    "generate": ("rapidity.samples", "generate"),
    "inspect": ("rapidity.data.inspection", "inspect_file"),
    "load_config": ("rapidity.config", "load_config"),
    "train": ("rapidity.workflow", "train"),
}

__all__ = [
    "OnnxModel",
    "RapidityError",
    "Run",
    "__version__",
    "check",
    "demo",
    "generate",
    "inspect",
    "load_config",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("rapidity")
    if name not in _WHERE:
        message = f"module 'rapidity' has no attribute '{name}'. Public names: {', '.join(__all__)}"
        raise AttributeError(message)
    module, attribute = _WHERE[name]
    return getattr(importlib.import_module(module), attribute)
