"""Learning-rate schedules: pure functions from the step to the rate, warm-up included.

Rates that depend on the course of the training (reduce on plateau) are a factor on top, kept by
`plateau.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rapidity.config.training import AdamW
from rapidity.core.errors import ConfigError
from rapidity.core.registry import Registry

if TYPE_CHECKING:
    from rapidity.config.training import (
        Constant,
        Cosine,
        CosLog,
        OneCycle,
        Optimizer,
        ReduceOnPlateau,
        Schedule,
        Step,
        Training,
    )

Curve = Callable[[int], float]
"""Step, counted from the end of the warm-up -> rate over full rate."""


@dataclass(frozen=True)
class Span:
    """How many steps a training takes."""

    n_epochs: int
    steps_per_epoch: int

    @property
    def n_steps(self) -> int:
        """Number of optimiser steps of the whole training."""
        return self.n_epochs * self.steps_per_epoch


@dataclass(frozen=True)
class WarmedUp:
    """A schedule that grows linearly to its first rate, then follows a curve.

    Step ``s`` of ``warm_up_steps`` has ``(s + 1) / warm_up_steps`` of the first rate of the curve: no
    step is wasted on a rate of zero, and the last step of the warm-up has the whole rate.
    """

    full_rate: float
    curve: Curve
    warm_up_steps: int = 0

    def __call__(self, step: int) -> float:
        """Return the rate of optimiser step `step`, counted from 0 over all epochs."""
        if step < self.warm_up_steps:
            return self.full_rate * self.curve(0) * (step + 1) / self.warm_up_steps
        return self.full_rate * self.curve(step - self.warm_up_steps)


@dataclass(frozen=True)
class Scaled:
    """A schedule times a factor."""

    schedule: Callable[[int], float]
    factor: float

    def __call__(self, step: int) -> float:
        """Return the rate of optimiser step `step`, counted from 0 over all epochs."""
        return self.factor * self.schedule(step)


@dataclass(frozen=True)
class FlatCosine:
    """1 in the first half of a training, then half a cosine down to 0.

    Source: ``flat_cos`` of Holzmueller, Grinsztajn and Steinwart, arXiv:2407.04491, section 3.

    Examples
    --------
    >>> strength = FlatCosine(n_steps=6)
    >>> [round(strength(step), 3) for step in range(6)]
    [1.0, 1.0, 1.0, 0.933, 0.5, 0.067]
    """

    n_steps: int

    def __call__(self, step: int) -> float:
        """Return the value in the middle of step `step`."""
        return _half_cosine(1.0, 0.0, max(0.0, 2 * (step + 0.5) / self.n_steps - 1))


def make_decay_schedule(config: Optimizer, span: Span) -> FlatCosine | None:
    """Return the part of the weight decay that each step takes; None: all of it, always."""
    is_falling = isinstance(config, AdamW) and config.decay_schedule == "flat_cosine"
    return FlatCosine(span.n_steps) if is_falling else None


def make_dropout_schedule(config: Training, span: Span) -> FlatCosine | None:
    """Return the part of every dropout rate that each step takes; None: all of it, always."""
    return FlatCosine(span.n_steps) if config.dropout_schedule == "flat_cosine" else None


def make_schedule(config: Schedule, learning_rate: float, span: Span) -> WarmedUp:
    """Return the rate of every step of a training.

    Parameters
    ----------
    config
        The ``training.schedule`` block.
    learning_rate
        Full rate, ``training.optimizer.learning_rate``.

    Raises
    ------
    ConfigError
        If the warm-up takes the whole training.

    Examples
    --------
    >>> from rapidity.config.training import Cosine
    >>> rate = make_schedule(Cosine(type="cosine", warm_up=1), 0.1, Span(n_epochs=3, steps_per_epoch=2))
    >>> [round(rate(step), 4) for step in range(6)]
    [0.05, 0.1, 0.1, 0.0854, 0.05, 0.0146]
    """
    warm_up_steps = round(config.warm_up * span.steps_per_epoch)
    if warm_up_steps >= span.n_steps:
        message = (
            f"training.schedule.warm_up: {config.warm_up:g} epochs leave nothing of training.epochs = "
            f"{span.n_epochs}. Expected fewer. Shorten the warm-up, or train for more epochs."
        )
        raise ConfigError(message)
    curve = CURVES.get_variant(config.type)(config, span.n_steps - warm_up_steps, span.steps_per_epoch)
    return WarmedUp(learning_rate, curve, warm_up_steps)


def _constant(config: Constant | ReduceOnPlateau, n_steps: int, steps_per_epoch: int) -> Curve:
    return lambda step: 1.0


def _step(config: Step, n_steps: int, steps_per_epoch: int) -> Curve:
    return lambda step: config.factor ** (step // (config.every * steps_per_epoch))


def _cosine(config: Cosine, n_steps: int, steps_per_epoch: int) -> Curve:
    # As torch's CosineAnnealingLR with T_max = n_steps: the step after the last would have the final
    # rate, so that no step is taken at rate zero.
    return lambda step: _half_cosine(1.0, config.final, step / n_steps)


def _one_cycle(config: OneCycle, n_steps: int, steps_per_epoch: int) -> Curve:
    # As torch's OneCycleLR with cosine annealing: the peak lies at rise * n_steps - 1, which need not
    # be a whole number, and the last step has the final rate.
    peak = max(config.rise * n_steps - 1, 0.0)
    fall = max(n_steps - 1 - peak, 1.0)

    def curve(step: int) -> float:
        if step < peak:
            return _half_cosine(config.start, 1.0, step / peak)
        return _half_cosine(1.0, config.final, min((step - peak) / fall, 1.0))

    return curve


def _cos_log(config: CosLog, n_steps: int, steps_per_epoch: int) -> Curve:
    # The middle of each step: at both ends of the training the rate is zero, and no step is taken at that.
    def curve(step: int) -> float:
        cycle = math.log2(1 + (2**config.cycles - 1) * (step + 0.5) / n_steps)
        return (1 - math.cos(2 * math.pi * cycle)) / 2

    return curve


def _half_cosine(first: float, last: float, part: float) -> float:
    return last + (first - last) * (1 + math.cos(math.pi * part)) / 2


_CURVES: Mapping[str, Callable[[Any, int, int], Curve]] = {
    "constant": _constant,
    "step": _step,
    "cosine": _cosine,
    "one_cycle": _one_cycle,
    "cos_log": _cos_log,
    "reduce_on_plateau": _constant,
}
CURVES: Registry[Callable[[Any, int, int], Curve]] = Registry("schedule", _CURVES)
"""Schedule type -> function that makes its curve from (block, number of steps, steps per epoch)."""
