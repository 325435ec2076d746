r"""How the first values of parameters are drawn, one function per initialiser.

NumPy draws them for every engine, so that one seed gives all engines the same start. Notation:
``fan_in`` and ``fan_out`` are the numbers of connections into and out of one unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from rapidity.core.records import FloatArray
    from rapidity.network.layer import ParameterSpec, Shape

Initializer = Literal[
    "he_uniform", "he_normal", "glorot_uniform", "glorot_normal", "lecun_normal", "fan_in_uniform",
    "small_normal", "unit_normal", "unit_uniform", "zeros", "ones",
]  # fmt: skip

SMALL_DEVIATION = 0.02

Draw = Callable[[np.random.Generator, "ParameterSpec"], "FloatArray"]


def _uniform(rng: np.random.Generator, shape: Shape, limit: float) -> FloatArray:
    return (rng.random(shape, dtype=np.float32) * 2 - 1) * np.float32(limit)


def _normal(rng: np.random.Generator, shape: Shape, deviation: float) -> FloatArray:
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(deviation)


def draw_he_uniform(rng: np.random.Generator, spec: ParameterSpec) -> FloatArray:
    """Return values in +-sqrt(6 / fan_in), for relu and its kin (He et al., arXiv:1502.01852, eq. 10)."""
    return _uniform(rng, spec.shape, np.sqrt(6.0 / max(spec.fan_in, 1)))


def draw_he_normal(rng: np.random.Generator, spec: ParameterSpec) -> FloatArray:
    """Return values of variance 2 / fan_in, for relu and its kin (He et al., arXiv:1502.01852, eq. 10)."""
    return _normal(rng, spec.shape, np.sqrt(2.0 / max(spec.fan_in, 1)))


def draw_glorot_uniform(rng: np.random.Generator, spec: ParameterSpec) -> FloatArray:
    """Return values in +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, AISTATS 2010, eq. 16)."""
    return _uniform(rng, spec.shape, np.sqrt(6.0 / max(spec.fan_in + spec.fan_out, 1)))


def draw_glorot_normal(rng: np.random.Generator, spec: ParameterSpec) -> FloatArray:
    """Return values of variance 2 / (fan_in + fan_out) (Glorot and Bengio, AISTATS 2010, eq. 12)."""
    return _normal(rng, spec.shape, np.sqrt(2.0 / max(spec.fan_in + spec.fan_out, 1)))


def draw_lecun_normal(rng: np.random.Generator, spec: ParameterSpec) -> FloatArray:
    """Return values of variance 1 / fan_in, for selu and heads (LeCun et al., Efficient BackProp, 1998)."""
    return _normal(rng, spec.shape, np.sqrt(1.0 / max(spec.fan_in, 1)))


def draw_fan_in_uniform(rng: np.random.Generator, spec: ParameterSpec) -> FloatArray:
    """Return values in +-1 / sqrt(fan_in), what `torch.nn.Linear` does when left alone."""
    return _uniform(rng, spec.shape, 1.0 / np.sqrt(max(spec.fan_in, 1)))


def draw_small_normal(rng: np.random.Generator, spec: ParameterSpec) -> FloatArray:
    """Return values of standard deviation 0.02, for tokens (Dosovitskiy et al., arXiv:2010.11929)."""
    return _normal(rng, spec.shape, SMALL_DEVIATION)


def draw_unit_normal(rng: np.random.Generator, spec: ParameterSpec) -> FloatArray:
    """Return values of standard deviation 1."""
    return _normal(rng, spec.shape, 1.0)


def draw_unit_uniform(rng: np.random.Generator, spec: ParameterSpec) -> FloatArray:
    """Return values in +-1."""
    return _uniform(rng, spec.shape, 1.0)


def draw_zeros(rng: np.random.Generator, spec: ParameterSpec) -> FloatArray:
    """Return zeros."""
    return np.zeros(spec.shape, dtype=np.float32)


def draw_ones(rng: np.random.Generator, spec: ParameterSpec) -> FloatArray:
    """Return ones."""
    return np.ones(spec.shape, dtype=np.float32)


INITIALIZERS: Mapping[Initializer, Draw] = {
    "he_uniform": draw_he_uniform,
    "he_normal": draw_he_normal,
    "glorot_uniform": draw_glorot_uniform,
    "glorot_normal": draw_glorot_normal,
    "lecun_normal": draw_lecun_normal,
    "fan_in_uniform": draw_fan_in_uniform,
    "small_normal": draw_small_normal,
    "unit_normal": draw_unit_normal,
    "unit_uniform": draw_unit_uniform,
    "zeros": draw_zeros,
    "ones": draw_ones,
}
