"""The names inside a `State`: one vocabulary, so that one engine goes on where another stopped.

Arrays: ``parameter/<name>`` and ``moment/<moment>/<name>``, in canonical layouts. Numbers: ``step``, the
steps taken (what the schedule of the rate counts), and ``optimizer_step``, the updates that the optimiser
has counted (what Adam corrects its bias with).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rapidity.config import training
from rapidity.core.errors import EngineError, shorten
from rapidity.core.records import State

if TYPE_CHECKING:
    from collections.abc import Mapping

PARAMETER = "parameter/"
MOMENT = "moment/"
STEP = "step"
OPTIMIZER_STEP = "optimizer_step"

MOMENTS: Mapping[type[Any], tuple[str, ...]] = {
    training.Sgd: ("momentum",),
    training.Adagrad: ("square_sum",),
    training.RmsProp: ("mean_square", "momentum"),
    training.Adam: ("mean", "mean_square"),
    training.AdamW: ("mean", "mean_square"),
}
"""Moments of each optimiser, by the type of its configuration; SGD without momentum keeps none."""


def separate_parameters(state: State) -> tuple[dict[str, Any], State]:
    """Return the parameters by their canonical names, and the rest of the state."""
    parameters = {
        name.removeprefix(PARAMETER): array
        for name, array in state.arrays.items()
        if name.startswith(PARAMETER)
    }
    rest = {name: array for name, array in state.arrays.items() if not name.startswith(PARAMETER)}
    return parameters, State(rest, dict(state.numbers))


def check_optimizer(engine: str, config: object) -> None:
    """Raise an EngineError unless `config` is the configuration of an optimiser that engines know."""
    if type(config) not in MOMENTS:
        known = shorten(variant.__name__ for variant in MOMENTS)
        message = (
            f"engine '{engine}' has no optimiser for {config!r}; it needs the configuration of one of {known}"
        )
        raise EngineError(message)


def check_moments(state: State, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise an EngineError unless all arrays are moments of parameters of these shapes."""
    misfits = [
        name
        for name, array in state.arrays.items()
        if shapes.get(name.removeprefix(MOMENT).partition("/")[2]) != array.shape
    ]
    if misfits:
        message = (
            f"these arrays of the state are not moments of this model's parameters: {shorten(misfits)}."
            " Load a state that the same network made."
        )
        raise EngineError(message)


def group_moments(state: State, config: object) -> dict[str, dict[str, Any]]:
    """Return parameter -> moment -> array.

    Raises
    ------
    EngineError
        If the state holds moments that the optimiser of `config` does not have.
    """
    grouped: dict[str, dict[str, Any]] = {}
    for name, array in state.arrays.items():
        moment, _, parameter = name.removeprefix(MOMENT).partition("/")
        grouped.setdefault(parameter, {})[moment] = array
    known = MOMENTS[type(config)]
    unknown = sorted({moment for moments in grouped.values() for moment in moments} - set(known))
    if unknown:
        message = (
            f"the state holds moments {shorten(unknown)}, which {type(config).__name__} does not have"
            f" ({shorten(known) or 'none'}). Go on with the optimiser that made the state."
        )
        raise EngineError(message)
    return grouped
