"""Choosing the device, and the seeds of dropout."""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from rapidity.core.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rapidity.engines.engine import DeviceName, Precision

SEED_STATE = "seed_generator_state"


def choose_device(device: DeviceName, precision: Precision) -> str:
    """Return TensorFlow's name of the device.

    Raises
    ------
    EngineError
        If a GPU is asked for and there is none, or 16 bits are asked for.
    """
    if precision == "mixed":
        message = (
            "training.precision is 'mixed', but engine 'tensorflow' computes in 32 bits only."
            " Set precision: float32, or engine: torch."
        )
        raise EngineError(message)
    has_gpu = bool(tf.config.list_physical_devices("GPU"))
    if device == "gpu" and not has_gpu:
        message = (
            "training.device is 'gpu', but TensorFlow finds no GPU here."
            " Set device: auto or cpu, or install TensorFlow with its CUDA libraries."
        )
        raise EngineError(message)
    return "/GPU:0" if has_gpu and device != "cpu" else "/CPU:0"


def find_seeds(variables: Sequence[Any]) -> list[Any]:
    """Return the variables that hold the state of Keras' random layers, in the order of the layers."""
    return [variable for variable in variables if variable.path.rpartition("/")[2] == SEED_STATE]


def seed_dropout(seeds: Sequence[Any], rng: np.random.Generator) -> None:
    """Start the random numbers of every layer anew, from `rng`: they depend on no epoch before."""
    for seed in seeds:
        seed.assign(rng.integers(2**31, size=2).astype(np.int64))


@contextmanager
def seeded(rng: np.random.Generator | None) -> Iterator[None]:
    """Seed the generator that Keras takes the seeds of initialisers from, and put it back as it was."""
    before = random.getstate()
    try:
        if rng is not None:
            random.seed(int(rng.integers(2**63)))
        yield
    finally:
        random.setstate(before)
