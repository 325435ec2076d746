"""The optimisers with the formulas of PyTorch, and the names of their moments in a state.

Where TensorFlow's own kernel updates a parameter in one call by the same formula, it is used. What changes
from step to step (the rate, the corrections of a bias) is worked out beforehand in float64, a row a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from rapidity.config import training
from rapidity.engines.state import check_optimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Moments = Mapping[str, tf.Variable]


def update_sgd(config: training.Sgd, variable: Any, moments: Moments, gradient: Any, row: Any) -> None:
    """Update by stochastic gradient descent (`torch.optim.SGD` without dampening)."""
    gradient = _decayed(config, variable, gradient)
    if not config.momentum:
        tf.raw_ops.ResourceApplyGradientDescent(var=variable.handle, alpha=row[0], delta=gradient)
        return
    tf.raw_ops.ResourceApplyMomentum(
        var=variable.handle,
        accum=moments["momentum"].handle,
        lr=row[0],
        grad=gradient,
        momentum=config.momentum,
        use_nesterov=config.nesterov,
    )


def update_adagrad(
    config: training.Adagrad, variable: Any, moments: Moments, gradient: Any, row: Any
) -> None:
    """Update by Adagrad (`torch.optim.Adagrad`)."""
    tf.raw_ops.ResourceApplyAdagradV2(
        var=variable.handle,
        accum=moments["square_sum"].handle,
        lr=row[0],
        epsilon=config.epsilon,
        grad=_decayed(config, variable, gradient),
    )


def update_rmsprop(
    config: training.RmsProp, variable: Any, moments: Moments, gradient: Any, row: Any
) -> None:
    """Update by RMSprop (`torch.optim.RMSprop`): epsilon outside the root, rate outside the momentum.

    TensorFlow's kernel has both inside.
    """
    gradient = _decayed(config, variable, gradient)
    mean_square = moments["mean_square"]
    mean_square.assign(config.decay * mean_square + (1 - config.decay) * tf.square(gradient))
    change = gradient / (tf.sqrt(mean_square) + config.epsilon)
    if config.momentum:
        momentum = moments["momentum"]
        momentum.assign(config.momentum * momentum + change)
        change = tf.convert_to_tensor(momentum)
    variable.assign_sub(row[0] * change)


def update_adam(
    config: training.Adam | training.AdamW, variable: Any, moments: Moments, gradient: Any, row: Any
) -> None:
    """Update by Adam, or AdamW for its configuration (`torch.optim.Adam`, `AdamW`).

    PyTorch divides by ``sqrt(v / c2) + epsilon`` with the rate over ``c1``, where ``c = 1 - beta ** step``.
    That is TensorFlow's ``m / (sqrt(v) + epsilon')`` with the rate times ``sqrt(c2) / c1`` and ``epsilon'
    = epsilon sqrt(c2)``. The kernel's own corrections are switched off by powers of zero.
    """
    if isinstance(config, training.AdamW):
        if config.weight_decay:
            variable.assign(variable * row[2])
    else:
        gradient = _decayed(config, variable, gradient)
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=moments["mean"].handle,
        v=moments["mean_square"].handle,
        beta1_power=0.0,
        beta2_power=0.0,
        lr=row[0],
        beta1=config.betas[0],
        beta2=config.betas[1],
        epsilon=row[1],
        grad=gradient,
    )


def _decayed(config: Any, variable: Any, gradient: Any) -> Any:
    """Return the gradient with that of the weight decay."""
    return gradient + config.weight_decay * variable if config.weight_decay else gradient


def rate_rows(
    _config: object, rates: NDArray[np.float64], _strengths: NDArray[np.float64], _first: int
) -> NDArray[np.float64]:
    """Return the rate of each step as its row."""
    return rates[:, np.newaxis]


def adam_rows(
    config: training.Adam | training.AdamW,
    rates: NDArray[np.float64],
    strengths: NDArray[np.float64],
    first: int,
) -> NDArray[np.float64]:
    """Return the corrected rate, the corrected epsilon and the decay of each step."""
    steps = np.arange(first, first + len(rates)) + 1
    # The kernel holds the betas in float32; a correction must undo what those have done.
    corrections = [1 - float(np.float32(beta)) ** steps for beta in config.betas]
    root = np.sqrt(corrections[1])
    decays = 1 - rates * config.weight_decay * strengths
    return np.stack([rates * root / corrections[0], config.epsilon * root, decays], axis=1)


@dataclass(frozen=True)
class OptimizerVariant:
    """How an optimiser works.

    Attributes
    ----------
    update
        Takes the configuration, a variable, its moments, its gradient and the row of the step.
    rows
        Takes the configuration, the rates and the parts of the weight decay ``(n_steps,)``, and the number of
        updates before the first of them; returns ``(n_steps, n)``.
    moments
        Names of the moments that it keeps with this configuration.
    """

    update: Callable[[Any, Any, Moments, Any, Any], None]
    rows: Callable[[Any, NDArray[np.float64], NDArray[np.float64], int], NDArray[np.float64]]
    moments: Callable[[Any], Sequence[str]]


def _with_momentum(*others: str) -> Callable[[Any], Sequence[str]]:
    return lambda config: (*others, "momentum") if config.momentum else others


OPTIMIZERS: Mapping[type[Any], OptimizerVariant] = {
    training.Sgd: OptimizerVariant(update_sgd, rate_rows, _with_momentum()),
    training.Adagrad: OptimizerVariant(update_adagrad, rate_rows, lambda _: ("square_sum",)),
    training.RmsProp: OptimizerVariant(update_rmsprop, rate_rows, _with_momentum("mean_square")),
    training.Adam: OptimizerVariant(update_adam, adam_rows, lambda _: ("mean", "mean_square")),
    training.AdamW: OptimizerVariant(update_adam, adam_rows, lambda _: ("mean", "mean_square")),
}


def find_variant(config: object) -> OptimizerVariant:
    """Return how the optimiser of `config` works."""
    check_optimizer("tensorflow", config)
    return OPTIMIZERS[type(config)]
