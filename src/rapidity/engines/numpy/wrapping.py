"""A user's own module: refused, with the ways that there are instead.

A function of tensors says what it computes but not of which layers it is made, so no writer could turn it
into the one file that a run delivers. Whoever wants a loop of their own has `rapidity.autodiff`.
"""

from __future__ import annotations

from typing import NoReturn

from rapidity.core.errors import EngineError


def refuse_module(module: object) -> NoReturn:
    """Raise the EngineError that says what to do with `module`."""
    name = module.__name__ if isinstance(module, type) else type(module).__name__
    message = (
        f"engine 'numpy' builds declared networks, but was given a module of your own ({name}), which it"
        " could not write as ONNX. Declare the network in the configuration (network: {layers: [...]}), set"
        " engine: torch for an nn.Module, or train a function of tensors in a loop of your own with"
        " rapidity.autodiff."
    )
    raise EngineError(message)
