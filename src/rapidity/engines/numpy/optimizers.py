"""The optimisers: PyTorch's formulas, in place, on flat arrays.

Each rule sees one block of the parameters, of their gradient and of the moments: a block is so small that
it stays in the processor's cache while the rule goes over it some ten times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.config import training
from rapidity.engines.groups import ORDINARY, ParameterGroup
from rapidity.engines.state import MOMENTS, check_optimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rapidity.core.records import FloatArray

VALUES_IN_A_BLOCK = 16_384
"""64 KiB of float32; parameters, gradient, two moments and the scratch together fill a third of a cache."""


@dataclass(frozen=True)
class Block:
    """Consecutive values of the parameters, and what belongs to them, all of one length.

    Attributes
    ----------
    gradient
        A rule may write over it.
    scratch
        Room for what a rule has to keep in between.
    """

    parameter: FloatArray
    gradient: FloatArray
    moments: Mapping[str, FloatArray]
    scratch: FloatArray

    def add_weight_decay(self, factor: float) -> None:
        """Add the gradient of ``factor / 2 * parameter ** 2``."""
        if factor:
            np.multiply(self.parameter, factor, out=self.scratch)
            self.gradient[:] += self.scratch


def descend_sgd(config: training.Sgd, block: Block, rate: float, step: int) -> None:
    """Stochastic gradient descent (torch.optim.SGD); the first momentum is the first gradient."""
    block.add_weight_decay(config.weight_decay)
    direction = block.gradient
    if config.momentum:
        velocity = block.moments["momentum"]
        velocity *= config.momentum
        velocity += block.gradient
        direction = velocity
        if config.nesterov:
            np.multiply(velocity, config.momentum, out=block.scratch)
            direction = np.add(block.gradient, block.scratch, out=block.gradient)
    np.multiply(direction, rate, out=block.scratch)
    block.parameter[:] -= block.scratch


def descend_adagrad(config: training.Adagrad, block: Block, rate: float, step: int) -> None:
    """Adagrad (torch.optim.Adagrad)."""
    block.add_weight_decay(config.weight_decay)
    scratch, square_sum = block.scratch, block.moments["square_sum"]
    square_sum += np.square(block.gradient, out=scratch)
    np.sqrt(square_sum, out=scratch)
    scratch += config.epsilon
    np.divide(block.gradient, scratch, out=scratch)
    scratch *= rate
    block.parameter[:] -= scratch


def descend_rmsprop(config: training.RmsProp, block: Block, rate: float, step: int) -> None:
    """RMSprop (torch.optim.RMSprop); epsilon is added to the root, not below it."""
    block.add_weight_decay(config.weight_decay)
    scratch, mean_square = block.scratch, block.moments["mean_square"]
    mean_square *= config.decay
    np.square(block.gradient, out=scratch)
    scratch *= 1 - config.decay
    mean_square += scratch
    np.sqrt(mean_square, out=scratch)
    scratch += config.epsilon
    np.divide(block.gradient, scratch, out=scratch)
    if config.momentum:
        velocity = block.moments["momentum"]
        velocity *= config.momentum
        velocity += scratch
        np.multiply(velocity, rate, out=scratch)
    else:
        scratch *= rate
    block.parameter[:] -= scratch


def descend_adam(config: training.Adam | training.AdamW, block: Block, rate: float, step: int) -> None:
    """Adam or AdamW (torch.optim.Adam, torch.optim.AdamW); `step` counts from 1."""
    if isinstance(config, training.AdamW):
        block.parameter[:] *= 1 - rate * config.weight_decay
    else:
        block.add_weight_decay(config.weight_decay)
    gradient, scratch = block.gradient, block.scratch
    mean, mean_square = block.moments["mean"], block.moments["mean_square"]
    first, second = config.betas
    np.subtract(gradient, mean, out=scratch)
    scratch *= 1 - first
    mean += scratch
    np.square(gradient, out=gradient)
    gradient *= 1 - second
    mean_square *= second
    mean_square += gradient
    np.sqrt(mean_square, out=scratch)
    scratch /= math.sqrt(1 - second**step)
    scratch += config.epsilon
    np.divide(mean, scratch, out=scratch)
    scratch *= rate / (1 - first**step)
    block.parameter[:] -= scratch


OPTIMIZERS: Mapping[type[Any], Callable[[Any, Block, float, int], None]] = {
    training.Sgd: descend_sgd,
    training.Adagrad: descend_adagrad,
    training.RmsProp: descend_rmsprop,
    training.Adam: descend_adam,
    training.AdamW: descend_adam,
}


class Optimizer:
    """One optimiser with its moments.

    Attributes
    ----------
    config
        The block of the configuration that asked for it.
    moments
        Name -> values, one after another as those of the parameters.
    step
        Updates so far.

    Parameters
    ----------
    runs
        Groups of parameters, in their order, each with its number of values; left out, all are treated alike.
    """

    def __init__(
        self, config: Any, n_values: int, runs: Sequence[tuple[ParameterGroup, int]] | None = None
    ) -> None:
        check_optimizer("numpy", config)
        self.config = config
        self.moments = {name: np.zeros(n_values, np.float32) for name in moment_names(config)}
        self.step = 0
        self._descend = OPTIMIZERS[type(config)]
        self._parts = _split_runs(config, runs or [(ORDINARY, n_values)])
        self._scratch = np.empty(min(n_values, VALUES_IN_A_BLOCK), np.float32)

    def update(
        self, parameters: FloatArray, gradient: FloatArray, rate: float, decay_strength: float = 1.0
    ) -> None:
        """Take one step along the gradient ``(n_values,)``, which is written over.

        Of the weight decay the step takes the part `decay_strength`.
        """
        self.step += 1
        strength = ParameterGroup(decay_factor=decay_strength)
        for config, rate_factor, part in self._parts:
            moments = {name: values[part] for name, values in self.moments.items()}
            here = parameters[part]
            block = Block(here, gradient[part], moments, self._scratch[: len(here)])
            self._descend(strength.configure(config), block, rate * rate_factor, self.step)


def _split_runs(
    config: Any, runs: Sequence[tuple[ParameterGroup, int]]
) -> tuple[tuple[Any, float, slice], ...]:
    """Return the blocks, each of one group: its configuration, the factor of its rate, and where it lies."""
    parts: list[tuple[Any, float, slice]] = []
    start = 0
    for group, found in groupby(runs, key=itemgetter(0)):
        own, stop = group.configure(config), start + sum(n_values for _, n_values in found)
        parts += [
            (own, group.rate_factor, slice(first, min(first + VALUES_IN_A_BLOCK, stop)))
            for first in range(start, stop, VALUES_IN_A_BLOCK)
        ]
        start = stop
    return tuple(parts)


def moment_names(config: Any) -> tuple[str, ...]:
    """Return the moments that an optimiser really keeps: none called momentum where that is zero."""
    names = MOMENTS[type(config)]
    return tuple(name for name in names if name != "momentum" or config.momentum)
