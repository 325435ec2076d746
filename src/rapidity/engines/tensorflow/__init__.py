"""The engine on TensorFlow, through Keras 3; importing this package imports neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rapidity.engines.tensorflow.engine import TensorflowEngine


def make_engine() -> TensorflowEngine:
    """Return the engine; this imports TensorFlow and Keras."""
    from rapidity.engines.tensorflow.loading import load_keras

    load_keras()
    from rapidity.engines.tensorflow.engine import TensorflowEngine

    return TensorflowEngine()


__all__ = ["make_engine"]
