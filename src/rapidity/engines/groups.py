"""Parameters that an optimiser treats alike: with one learning rate and one weight decay.

A layer declares both, as factors of those of the optimiser, with each of its parameters (`ParameterSpec`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from rapidity.network.layer import ParameterSpec


class ParameterGroup(NamedTuple):
    """How an optimiser treats some parameters.

    Examples
    --------
    >>> from rapidity.config.training import AdamW
    >>> ParameterGroup(rate_factor=0.1, decay_factor=0.0).configure(AdamW(type="adamw")).weight_decay
    0.0
    """

    rate_factor: float = 1.0
    decay_factor: float = 1.0

    def configure(self, config: Any) -> Any:
        """Return the configuration of the optimiser with the weight decay of the group."""
        if self.decay_factor == 1:
            return config
        return config.model_copy(update={"weight_decay": config.weight_decay * self.decay_factor})


ORDINARY = ParameterGroup()
"""Treated as the optimiser says."""


def group_of(spec: ParameterSpec) -> ParameterGroup:
    """Return the group that a declared parameter belongs to."""
    return ParameterGroup(spec.rate_factor, spec.decay_factor)
