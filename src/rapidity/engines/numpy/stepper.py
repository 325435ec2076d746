"""One optimiser step, and the state of the optimiser."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

import rapidity.autodiff as ad
from rapidity.core.errors import EngineError
from rapidity.core.records import State
from rapidity.engines.groups import group_of
from rapidity.engines.numpy.module import as_tensors, split_flat
from rapidity.engines.numpy.optimizers import Optimizer
from rapidity.engines.state import MOMENT, OPTIMIZER_STEP, STEP, check_moments, group_moments

if TYPE_CHECKING:
    from rapidity.autodiff import Tensor, Workspace
    from rapidity.core.records import FloatArray, Objective, RateSchedule
    from rapidity.engines.losses import BatchLoss
    from rapidity.engines.numpy.lowering import Mode
    from rapidity.engines.numpy.module import GraphModule
    from rapidity.engines.numpy.tensors import EventArrays

NORM_EPSILON = 1e-6
"""Added to the norm of a gradient before it is divided by, as in torch.nn.utils.clip_grad_norm_."""


class Stepper:
    """Takes steps with one optimiser, which is made when training first asks for it."""

    def __init__(self, module: GraphModule) -> None:
        self._module = module
        self._shapes = {name: tensor.shape for name, tensor in module.parameters.items()}
        self._gradient = np.empty(module.flat_parameters.size, np.float32)
        self._views = split_flat(self._gradient, self._shapes)
        self._optimizer: Optimizer | None = None
        self._pending: State | None = None
        self._step = 0

    def prepare(self, config: Any) -> None:
        """Have the optimiser of `config` ready; a loaded state goes into it."""
        if self._optimizer is not None and config == self._optimizer.config:
            return
        specs = [spec for spec in self._module.network.parameter_specs().values() if spec.is_trained]
        runs = [(group_of(spec), math.prod(spec.shape)) for spec in specs]
        optimizer = Optimizer(config, self._gradient.size, runs)
        if self._pending is not None:
            self._fill(optimizer, self._pending)
        # Only now: an optimiser that the state does not fit is refused again the next time.
        self._optimizer, self._pending = optimizer, None

    def take_step(
        self, events: EventArrays, loss: BatchLoss, rate: RateSchedule, mode: Mode, workspace: Workspace
    ) -> float:
        """Update the parameters once; return the loss before."""
        optimizer = self._optimizer
        if optimizer is None:
            message = "an optimiser is needed before the first step"
            raise EngineError(message)
        learning_rate, decay_strength = rate(self._step), loss.objective.decay_at(self._step)
        mode = replace(mode, dropout_strength=loss.objective.dropout_at(self._step))
        self._step += 1
        value = self.compute_loss(events, loss, mode, workspace)
        self.differentiate(value, self._views)
        if loss.objective.clip_norm is not None:
            clip_norm(self._gradient, loss.objective.clip_norm)
        optimizer.update(self._module.flat_parameters, self._gradient, learning_rate, decay_strength)
        return value.item()

    def compute_loss(self, events: EventArrays, loss: BatchLoss, mode: Mode, workspace: Workspace) -> Tensor:
        """Return the loss of some events, penalties included, ready to go back from."""
        logits = self._module.compute(as_tensors(events.inputs, workspace), mode)
        return self._add_penalties(loss(logits, events.targets), loss.objective)

    def _add_penalties(self, value: Tensor, objective: Objective) -> Tensor:
        """Return the loss plus the L1 and L2 penalties of the kernels."""
        for kernel in self._module.kernels if objective.l1 > 0 else ():
            value = value + ad.abs(kernel).sum() * objective.l1
        for kernel in self._module.kernels if objective.l2 > 0 else ():
            value = value + (kernel * kernel).sum() * (0.5 * objective.l2)
        return value

    def differentiate(self, value: Tensor, views: dict[str, FloatArray]) -> None:
        """Write the gradient of `value` by each parameter into its array; without any way to it, zero."""
        tensors = self._module.parameters
        for tensor in tensors.values():
            # An interrupted step may have left one.
            tensor.gradient = None
        value.backward()
        for name, tensor in tensors.items():
            if tensor.gradient is None:
                views[name].fill(0)
            else:
                views[name][...] = tensor.gradient.array
                tensor.gradient = None

    def state(self) -> State:
        """Return a copy of the moments and the counts."""
        if self._pending is not None:
            return State(dict(self._pending.arrays), dict(self._pending.numbers))
        numbers: dict[str, int | float] = {STEP: self._step}
        arrays = {}
        if self._optimizer is not None:
            numbers[OPTIMIZER_STEP] = self._optimizer.step
            for moment, values in self._optimizer.moments.items():
                for name, view in split_flat(values, self._shapes).items():
                    arrays[f"{MOMENT}{moment}/{name}"] = view.copy()
        return State(arrays, numbers)

    def load_state(self, state: State) -> None:
        """Go on from these moments and counts; without them, with a fresh optimiser."""
        check_moments(state, self._shapes)
        self._step = int(state.numbers.get(STEP, 0))
        self._optimizer = None
        self._pending = State(
            {name: array.copy() for name, array in state.arrays.items()}, dict(state.numbers)
        )

    def _fill(self, optimizer: Optimizer, state: State) -> None:
        optimizer.step = int(state.numbers.get(OPTIMIZER_STEP, 0))
        views = {moment: split_flat(values, self._shapes) for moment, values in optimizer.moments.items()}
        for name, moments in group_moments(state, optimizer.config).items():
            for moment, array in moments.items():
                if moment in views:
                    views[moment][name][...] = array


def clip_norm(gradient: FloatArray, largest: float) -> None:
    """Scale a gradient down, in place, to a Euclidean norm of at most about `largest`.

    By ``largest / (norm + 1e-6)`` where that is below 1 (torch.nn.utils.clip_grad_norm_); a norm that is
    not finite leaves NaN or zeros behind, as there.

    Examples
    --------
    >>> gradient = np.array([3.0, 4.0], dtype=np.float32)
    >>> clip_norm(gradient, 1.0)
    >>> gradient.round(5)
    array([0.6, 0.8], dtype=float32)
    """
    factor = largest / (math.sqrt(float(np.dot(gradient, gradient))) + NORM_EPSILON)
    if not factor >= 1:
        gradient *= factor
