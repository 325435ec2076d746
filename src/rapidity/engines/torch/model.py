"""A network that trains, predicts and differentiates with PyTorch."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from rapidity.core.records import EpochRecord, Parameters, State
from rapidity.engines.engine import check_layer_names
from rapidity.engines.events import EventCache
from rapidity.engines.results import ResultArrays
from rapidity.engines.slots import read_parameters, write_parameters
from rapidity.engines.state import PARAMETER, separate_parameters
from rapidity.engines.torch.device import seeded
from rapidity.engines.torch.dropout import check_rates_are_found, scheduled
from rapidity.engines.torch.losses import make_batch_loss
from rapidity.engines.torch.stepper import Stepper
from rapidity.engines.torch.tensors import EventTensors, input_tensors, iterate_tensors
from rapidity.engines.torch.wrapping import check_logits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rapidity.core.records import Batch, Batches, FloatArray, Objective, RateSchedule
    from rapidity.engines.engine import Precision
    from rapidity.engines.losses import BatchLoss
    from rapidity.engines.torch.module import NativeNetwork


class TorchModel:
    """A native module with what training it needs (`core.records.Model`).

    Parameters
    ----------
    network
        The module, already on the device, and what is known of it.
    """

    def __init__(self, network: NativeNetwork, device: torch.device, precision: Precision) -> None:
        self.network = network
        self.device = device
        self._cache = EventCache()
        self._stepper = Stepper(network, device, precision)
        self._is_checked = False
        self._is_dropout_checked = False

    @property
    def native(self) -> nn.Module:
        """The module; it can be used without Rapidity."""
        return self.network.module

    def train_epoch(
        self,
        batches: Batches,
        objective: Objective,
        optimizer: Any,
        rate: RateSchedule,
        rng: np.random.Generator,
    ) -> EpochRecord:
        """Take one optimiser step a batch; `rng` drives dropout and nothing else."""
        loss = make_batch_loss(objective, self.network.outputs, self.device)
        self._stepper.prepare(optimizer)
        if self.network.is_foreign and objective.dropout_strength is not None:
            self._check_dropout(batches)
        with (
            self._mode(is_training=True),
            seeded(rng, self.device),
            scheduled(self.native, objective) as set_dropout,
        ):
            step_losses = [
                self._stepper.take_step(events, loss, rate, set_dropout)
                for events in self._iterate(batches, loss)
            ]
        self._stepper.forget_gradients()
        if self.network.is_foreign and not self._is_checked:
            self._check_logits(batches, objective)
        if not step_losses:
            return EpochRecord(np.empty(0, dtype=np.float64))
        # One transfer an epoch: reading the loss of each step would wait for the device every time.
        return EpochRecord(torch.stack(step_losses).cpu().numpy().astype(np.float64))

    def predict(self, batches: Batches, names: Sequence[str] = ()) -> dict[str, FloatArray]:
        """Return the logits of each output, or the results of the named nodes, in evaluation mode."""
        results = ResultArrays(batches.n_events)
        with self._mode(is_training=False), self._recorded(names) as recorded:
            for events in self._iterate(batches, None):
                with torch.inference_mode():
                    logits = self.network.forward(*events.inputs)
                found = recorded if names else dict(zip(self.network.outputs, logits, strict=True))
                results.append({name: tensor.float().cpu().numpy() for name, tensor in found.items()})
        return results.arrays if names else results.finish_logits(self.network.outputs)

    def gradients(self, batch: Batch, objective: Objective) -> Parameters:
        """Return the gradient of the batch's loss for every trained parameter (training mode, no dropout).

        Penalties count, the clipping does not; running statistics stay as they are.
        """
        loss = make_batch_loss(objective, self.network.outputs, self.device)
        events = self._make_tensors(batch, loss)
        slots = [slot for slot in self.network.slots if slot.is_trained]
        with self._mode(is_training=True), self._kept_buffers():
            for module in self.native.modules():
                if isinstance(module, nn.modules.dropout._DropoutNd):
                    module.eval()
            value = loss(self.network.forward(*events.inputs), events.targets)
            value = self._stepper.add_penalties(value, objective)
            found = torch.autograd.grad(value, [slot.tensor for slot in slots], materialize_grads=True)
        return {slot.name: slot.read(gradient) for slot, gradient in zip(slots, found, strict=True)}

    def parameters(self) -> Parameters:
        """Return a copy of the canonical parameters, running statistics included."""
        return read_parameters(self.network.slots)

    def state(self) -> State:
        """Return a copy of all that resuming needs."""
        arrays = {PARAMETER + slot.name: slot.read() for slot in self.network.slots}
        training = self._stepper.state()
        return State({**arrays, **training.arrays}, training.numbers)

    def load_state(self, state: State) -> None:
        """Go on from `state`; names or shapes that do not fit are an EngineError.

        A state of parameters alone is fine: training from it starts with a fresh optimiser.
        """
        parameters, rest = separate_parameters(state)
        self.load_parameters(parameters)
        self._stepper.load_state(rest)

    def load_parameters(self, parameters: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Copy canonical parameters into the module."""
        write_parameters(self.network.slots, parameters)

    def _check_logits(self, batches: Batches, objective: Objective) -> None:
        """Warn, once, if a user's own module gives probabilities for the first batch."""
        self._is_checked = True
        with self._mode(is_training=False):
            for events in self._iterate(batches, None):
                with torch.inference_mode():
                    logits = self.network.forward(*events.inputs)
                for name, values in zip(self.network.outputs, logits, strict=True):
                    if objective.outputs[name].task != "regression":
                        check_logits(type(self.native).__name__, name, values)
                return

    def _check_dropout(self, batches: Batches) -> None:
        """Refuse, before the first step, a user's own module whose dropout rates cannot be set."""
        if self._is_dropout_checked:
            return
        for events in self._iterate(batches, None):
            forward = partial(self.network.forward, *events.inputs)
            untouched = seeded(np.random.default_rng(0), self.device)
            with self._mode(is_training=True), self._kept_buffers(), untouched, torch.no_grad():
                check_rates_are_found(self.native, forward, self.device)
            self._is_dropout_checked = True
            return

    @contextmanager
    def _kept_buffers(self) -> Iterator[None]:
        """Put running statistics, and other buffers, back as they were before the block."""
        buffers = [(buffer, buffer.clone()) for buffer in self.native.buffers()]
        try:
            yield
        finally:
            with torch.no_grad():
                for buffer, before in buffers:
                    buffer.copy_(before)

    def _iterate(self, batches: Batches, loss: BatchLoss | None) -> Iterator[EventTensors]:
        def make(batch: Batch) -> EventTensors:
            return self._make_tensors(batch, loss)

        def resident(events: Batch) -> EventTensors:
            inputs = self._cache.get(
                events, "inputs", lambda: input_tensors(events, self.network.inputs, self.device)
            )
            if loss is None:
                return EventTensors(inputs)
            targets = self._cache.get(events, loss.objective, lambda: loss.prepare(events))
            return EventTensors(inputs, targets)

        return iterate_tensors(batches, make, resident)

    def _make_tensors(self, batch: Batch, loss: BatchLoss | None) -> EventTensors:
        inputs = input_tensors(batch, self.network.inputs, self.device)
        return EventTensors(inputs, () if loss is None else loss.prepare(batch))

    @contextmanager
    def _mode(self, *, is_training: bool) -> Iterator[None]:
        """Train or evaluate inside the block; every module gets its own mode back."""
        before = [(module, module.training) for module in self.native.modules()]
        self.native.train(is_training)
        try:
            yield
        finally:
            for module, was_training in before:
                module.training = was_training

    def evaluating(self) -> AbstractContextManager[None]:
        """Return a context in which the module is in evaluation mode."""
        return self._mode(is_training=False)

    @contextmanager
    def _recorded(self, names: Sequence[str]) -> Iterator[dict[str, Tensor]]:
        """Give a dictionary that holds, after each call of the module, what the named nodes made."""
        results: dict[str, Tensor] = {}
        hooks = []
        nodes, further = self.network.nodes, self.network.further
        check_layer_names(names, [*nodes, *further])

        def record(name: str) -> Any:
            def hook(_module: nn.Module, inputs: Any, result: Tensor) -> None:
                # The layer after it may write over its result.
                results[name] = further[name][1](*inputs) if name in further else result.clone()

            return hook

        try:
            for name in names:
                results[name] = torch.empty(0)  # For the order of the names.
                node = further[name][0] if name in further else name
                hooks.append(nodes[node].register_forward_hook(record(name)))
            yield results
        finally:
            for hook in hooks:
                hook.remove()
