"""The engine on NumPy: networks made of operations of `rapidity.autodiff`, and nothing to install."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rapidity.engines.numpy.engine import NumpyEngine


def make_engine() -> NumpyEngine:
    """Return the engine."""
    from rapidity.engines.numpy.engine import NumpyEngine

    return NumpyEngine()


__all__ = ["make_engine"]
