"""One optimiser step, and the state of the optimiser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from rapidity.core.errors import EngineError
from rapidity.core.records import State
from rapidity.engines.state import MOMENT, OPTIMIZER_STEP, STEP, check_moments, group_moments
from rapidity.engines.torch import optimizers

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.optim import Optimizer

    from rapidity.core.records import Objective, RateSchedule
    from rapidity.engines.engine import Precision
    from rapidity.engines.losses import BatchLoss
    from rapidity.engines.torch.module import NativeNetwork
    from rapidity.engines.torch.tensors import EventTensors

SCALER_SCALE = "scaler_scale"
SCALER_TRACKER = "scaler_growth_tracker"


class Stepper:
    """Takes steps with one optimiser, which is made when training first asks for it."""

    def __init__(self, network: NativeNetwork, device: torch.device, precision: Precision) -> None:
        self._network = network
        self._device = device
        self._slots = [slot for slot in network.slots if slot.is_trained]
        self._trained = [slot.tensor for slot in self._slots]
        self._kernels = [slot.tensor for slot in self._slots if slot.is_kernel]
        self._scaler = torch.amp.GradScaler(device.type) if precision == "mixed" else None
        self._config: Any = None
        self._optimizer: Optimizer | None = None
        self._pending: State | None = None
        self._step = 0

    def prepare(self, config: object) -> None:
        """Have the optimiser of `config` ready; a loaded state goes into it."""
        if self._optimizer is not None and config == self._config:
            return
        variant = optimizers.find_variant(config)
        parameters = [
            (slot.tensor, slot.group) for slot in self._slots if isinstance(slot.tensor, nn.Parameter)
        ]
        optimizer = variant.make(config, optimizers.make_groups(config, parameters))
        if self._pending is not None:
            self._fill(optimizer, variant, config, self._pending)
        # Only now: an optimiser that the state does not fit is refused again the next time.
        self._optimizer, self._config, self._pending = optimizer, config, None

    def take_step(
        self,
        events: EventTensors,
        loss: BatchLoss,
        rate: RateSchedule,
        set_dropout: Callable[[int], None],
    ) -> Tensor:
        """Update the parameters once; return the loss before, on the device."""
        optimizer = self._optimizer
        if optimizer is None:
            message = "an optimiser is needed before the first step"
            raise EngineError(message)
        optimizers.set_rate(optimizer, rate(self._step), loss.objective.decay_at(self._step))
        set_dropout(self._step)
        self._step += 1
        if self._scaler is None:
            value = loss(self._network.forward(*events.inputs), events.targets)
        else:
            with torch.autocast(self._device.type, dtype=torch.float16):
                logits = self._network.forward(*events.inputs)
            value = loss(logits, events.targets)
        value = self.add_penalties(value, loss.objective)
        # The optimiser's own zero_grad does the same under a profiler's hook, at twice the cost.
        self.forget_gradients()
        self._descend(optimizer, value, loss.objective.clip_norm)
        return value.detach()

    def _descend(self, optimizer: Optimizer, value: Tensor, clip_norm: float | None) -> None:
        scaler = self._scaler
        torch.autograd.backward(value if scaler is None else scaler.scale(value))
        if clip_norm is not None:
            if scaler is not None:
                scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(self._trained, clip_norm)
        if scaler is None:
            optimizer.step()
        else:
            scaler.step(optimizer)
            scaler.update()

    def add_penalties(self, value: Tensor, objective: Objective) -> Tensor:
        """Return the loss plus the L1 and L2 penalties of the kernels."""
        for kernel in self._kernels if objective.l1 > 0 else ():
            value = value + objective.l1 * kernel.abs().sum()
        for kernel in self._kernels if objective.l2 > 0 else ():
            value = value + 0.5 * objective.l2 * kernel.square().sum()
        return value

    def forget_gradients(self) -> None:
        """Free the gradients of the last step."""
        for tensor in self._trained:
            tensor.grad = None

    def state(self) -> State:
        """Return a copy of the moments and the counts."""
        if self._pending is not None:
            return State(dict(self._pending.arrays), dict(self._pending.numbers))
        numbers: dict[str, int | float] = {STEP: self._step}
        if self._scaler is not None:
            numbers[SCALER_SCALE] = float(self._scaler.get_scale())
            numbers[SCALER_TRACKER] = int(self._scaler.state_dict()["_growth_tracker"])
        arrays = {}
        if self._optimizer is not None:
            variant = optimizers.find_variant(self._config)
            steps = [optimizers.read_step(self._optimizer, slot.tensor) for slot in self._slots]
            numbers[OPTIMIZER_STEP] = max(steps, default=0)
            for slot, step in zip(self._slots, steps, strict=True):
                for name, tensor in optimizers.read_moments(self._optimizer, variant, slot.tensor).items():
                    arrays[f"{MOMENT}{name}/{slot.name}"] = slot.read(tensor)
                if step != numbers[OPTIMIZER_STEP]:
                    # Of a user's module a parameter may have taken no part in some steps.
                    numbers[f"{OPTIMIZER_STEP}/{slot.name}"] = step
        return State(arrays, numbers)

    def load_state(self, state: State) -> None:
        """Go on from these moments and counts; without them, with a fresh optimiser."""
        check_moments(state, {slot.name: slot.shape for slot in self._slots})
        self._step = int(state.numbers.get(STEP, 0))
        if self._scaler is not None and SCALER_SCALE in state.numbers:
            scaler = self._scaler.state_dict()
            scaler["scale"] = float(state.numbers[SCALER_SCALE])
            scaler["_growth_tracker"] = int(state.numbers[SCALER_TRACKER])
            self._scaler.load_state_dict(scaler)
        self._optimizer = None
        self._pending = State(
            {name: array.copy() for name, array in state.arrays.items()}, dict(state.numbers)
        )

    def _fill(
        self, optimizer: Optimizer, variant: optimizers.OptimizerVariant, config: object, state: State
    ) -> None:
        step = int(state.numbers.get(OPTIMIZER_STEP, 0))
        grouped = group_moments(state, config)
        for slot in self._slots:
            moments = {}
            for name, array in grouped.get(slot.name, {}).items():
                moments[name] = torch.empty_like(slot.tensor.detach())
                slot.write(array, moments[name])
            own_step = int(state.numbers.get(f"{OPTIMIZER_STEP}/{slot.name}", step))
            optimizers.write_moments(optimizer, variant, slot.tensor, moments, own_step)
