"""The optimisers, and the names of their moments in a state.

Where PyTorch has one, the fused kernel is used: it updates all tensors in one call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from rapidity.config import training
from rapidity.engines.state import check_optimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch.optim import Optimizer

    from rapidity.engines.groups import ParameterGroup

STEP = "step"
RATE_FACTOR = "rate_factor"
"""Key of ours in a group of parameters: its learning rate over that of the step."""
FULL_DECAY = "full_decay"
"""Key of ours for the weight decay of a group, of which a step may take a part."""
Groups = list[dict[str, Any]]
"""What `torch.optim` takes: parameters that are treated alike, with what is theirs alone."""


def make_groups(config: Any, parameters: Iterable[tuple[nn.Parameter, ParameterGroup]]) -> Groups:
    """Return the parameters by their groups, in the order in which these first come up."""
    members: dict[ParameterGroup, list[nn.Parameter]] = {}
    for parameter, group in parameters:
        members.setdefault(group, []).append(parameter)
    return [
        {
            "params": found,
            FULL_DECAY: group.configure(config).weight_decay,
            RATE_FACTOR: group.rate_factor,
        }
        for group, found in members.items()
    ]


def set_rate(optimizer: Optimizer, learning_rate: float, decay_strength: float) -> None:
    """Set the learning rate of the next step, and the part of the weight decay that it takes."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group[RATE_FACTOR]
        group["weight_decay"] = group[FULL_DECAY] * decay_strength


def make_sgd(config: training.Sgd, groups: Groups) -> Optimizer:
    """Return stochastic gradient descent."""
    return torch.optim.SGD(
        groups,
        lr=config.learning_rate,
        momentum=config.momentum,
        nesterov=config.nesterov,
        weight_decay=config.weight_decay,
        fused=True,
    )


def make_adagrad(config: training.Adagrad, groups: Groups) -> Optimizer:
    """Return Adagrad; its fused kernel is for the CPU only."""
    on_cpu = all(parameter.device.type == "cpu" for group in groups for parameter in group["params"])
    return torch.optim.Adagrad(
        groups,
        lr=config.learning_rate,
        eps=config.epsilon,
        weight_decay=config.weight_decay,
        fused=True if on_cpu else None,
    )


def make_rmsprop(config: training.RmsProp, groups: Groups) -> Optimizer:
    """Return RMSprop."""
    return torch.optim.RMSprop(
        groups,
        lr=config.learning_rate,
        alpha=config.decay,
        eps=config.epsilon,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
        foreach=True,
    )


def make_adam(config: training.Adam | training.AdamW, groups: Groups) -> Optimizer:
    """Return Adam, or AdamW for its configuration."""
    variant = torch.optim.AdamW if isinstance(config, training.AdamW) else torch.optim.Adam
    return variant(
        groups,
        lr=config.learning_rate,
        betas=config.betas,
        eps=config.epsilon,
        weight_decay=config.weight_decay,
        fused=True,
    )


@dataclass(frozen=True)
class OptimizerVariant:
    """How an optimiser is made.

    Attributes
    ----------
    moments
        torch's name of a moment -> ours. The number of steps is kept apart.
    """

    make: Callable[[Any, Groups], Optimizer]
    moments: Mapping[str, str]


OPTIMIZERS: Mapping[type[Any], OptimizerVariant] = {
    training.Sgd: OptimizerVariant(make_sgd, {"momentum_buffer": "momentum"}),
    training.Adagrad: OptimizerVariant(make_adagrad, {"sum": "square_sum"}),
    training.RmsProp: OptimizerVariant(
        make_rmsprop, {"square_avg": "mean_square", "momentum_buffer": "momentum"}
    ),
    training.Adam: OptimizerVariant(make_adam, {"exp_avg": "mean", "exp_avg_sq": "mean_square"}),
    training.AdamW: OptimizerVariant(make_adam, {"exp_avg": "mean", "exp_avg_sq": "mean_square"}),
}


def find_variant(config: object) -> OptimizerVariant:
    """Return how to make the optimiser that `config` asks for."""
    check_optimizer("torch", config)
    return OPTIMIZERS[type(config)]


def read_moments(optimizer: Optimizer, variant: OptimizerVariant, parameter: Tensor) -> dict[str, Tensor]:
    """Return the moments of one parameter by our names; none before its first step."""
    entries = optimizer.state.get(parameter, {})
    return {
        name: entries[key] for key, name in variant.moments.items() if isinstance(entries.get(key), Tensor)
    }


def read_step(optimizer: Optimizer, parameter: Tensor) -> int:
    """Return the number of updates of one parameter that the optimiser has counted."""
    return int(optimizer.state.get(parameter, {}).get(STEP, 0))


def write_moments(
    optimizer: Optimizer,
    variant: OptimizerVariant,
    parameter: Tensor,
    moments: Mapping[str, Tensor],
    step: int,
) -> None:
    """Put the moments of one parameter, by our names and laid out like it, into the optimiser."""
    keys = {name: key for key, name in variant.moments.items()}
    if not moments:
        return
    entries: dict[str, Any] = {keys[name]: tensor for name, tensor in moments.items()}
    if not isinstance(optimizer, torch.optim.SGD):
        is_fused = bool(optimizer.param_groups[0].get("fused"))
        entries[STEP] = torch.tensor(
            float(step), dtype=torch.float32, device=parameter.device if is_fused else "cpu"
        )
    optimizer.state[parameter] = entries
