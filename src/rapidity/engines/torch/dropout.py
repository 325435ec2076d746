"""Dropout that draws its random numbers four at a time where there is no GPU, and rates that fall.

A dropout module reads its rate anew in every call, so a schedule sets it before each step, and nothing else
in the step changes.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from torch import Tensor, nn

from rapidity.core.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rapidity.core.records import Objective

N_STEPS = 1 << 16
"""Rates are multiples of one over this: every value gets 16 random bits."""
RATES: tuple[tuple[type[nn.Module], str], ...] = (
    (nn.modules.dropout._DropoutNd, "p"),
    (nn.MultiheadAttention, "dropout"),
    (nn.RNNBase, "dropout"),
)
"""What has a dropout rate, and under which name."""


class QuickDropout(nn.Dropout):
    """Dropout with the semantics of `torch.nn.Dropout`, in half its time on a CPU.

    PyTorch's own draws a number in float64 for each value there, which takes up to a sixth of a step of a
    transformer.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name in torch
        """Return the values that stay, scaled by one over their part, and zeros for the others."""
        if not self.training or self.p == 0 or input.device.type != "cpu":
            return super().forward(input)
        return input * draw_kept(input, self.p)


def draw_kept(like: Tensor, rate: float) -> Tensor:
    """Return zeros for a part `rate` of the values of a tensor, and one over the other part for the rest."""
    n_dropped = round(rate * N_STEPS)
    words = torch.empty(-(-like.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
    kept = words.view(torch.int16)[: like.numel()].view(like.shape) >= n_dropped - N_STEPS // 2
    return kept.to(like.dtype).mul_(N_STEPS / max(N_STEPS - n_dropped, 1))


class DropoutRates:
    """The dropout rates of a module and of all in it: lowered together, and put back.

    Parameters
    ----------
    module
        The rates that it has now are the full ones.
    """

    def __init__(self, module: nn.Module) -> None:
        self._full: list[tuple[Any, str, float]] = [
            (part, name, getattr(part, name))
            for part in module.modules()
            for kind, name in RATES
            if isinstance(part, kind)
        ]

    def multiply(self, strength: float) -> None:
        """Set every rate to this part of the full one."""
        for part, name, rate in self._full:
            setattr(part, name, rate * strength)

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Put the full rates back at the end of the block."""
        try:
            yield
        finally:
            self.multiply(1.0)


@contextmanager
def scheduled(module: nn.Module, objective: Objective) -> Iterator[Callable[[int], None]]:
    """Give what sets the dropout rates of a module for a step; after the block they are as before."""
    if objective.dropout_strength is None:
        yield lambda step: None
        return
    rates = DropoutRates(module)
    with rates.restored():
        yield lambda step: rates.multiply(objective.dropout_at(step))


def check_rates_are_found(module: nn.Module, compute: Callable[[], object], device: torch.device) -> None:
    """Refuse a user's own module whose dropout rates a schedule cannot set.

    With the rates of its dropout modules at zero, the module must not draw anything at random.

    Parameters
    ----------
    compute
        Calls the module in training mode.

    Raises
    ------
    EngineError
        If torch's generators have moved on, or the module is compiled: every new rate would compile it anew.
    """
    if any(type(part).__name__ == "OptimizedModule" for part in module.modules()):
        _refuse(module, "is compiled (torch.compile), and would be compiled again for the rate of each step")
    rates, before = DropoutRates(module), _generator_states(device)
    with rates.restored():
        rates.multiply(0.0)
        compute()
    if not all(map(torch.equal, before, _generator_states(device))):
        _refuse(
            module,
            "still draws random numbers when the rates of its torch.nn.Dropout modules are 0, so it has"
            " dropout or noise whose strength cannot be set from outside",
        )


def _refuse(module: nn.Module, found: str) -> NoReturn:
    message = (
        f"training.dropout_schedule is flat_cosine, but module {type(module).__name__} {found}. Every rate"
        " must sit in a torch.nn.Dropout or a variant of it, or in `dropout` of torch.nn.MultiheadAttention,"
        " LSTM or GRU; functional.dropout hides it. Use such modules, or set dropout_schedule: constant."
    )
    raise EngineError(message)


def _generator_states(device: torch.device) -> list[Tensor]:
    states = [torch.get_rng_state()]
    return [*states, torch.cuda.get_rng_state(device)] if device.type == "cuda" else states
