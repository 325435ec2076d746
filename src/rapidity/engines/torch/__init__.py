"""The engine on PyTorch; importing this package does not import torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rapidity.engines.torch.engine import TorchEngine


def make_engine() -> TorchEngine:
    """Return the engine; this imports torch."""
    from rapidity.engines.torch.engine import TorchEngine

    return TorchEngine()


__all__ = ["make_engine"]
