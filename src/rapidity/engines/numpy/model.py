"""A network that trains, predicts and differentiates with NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.autodiff import BufferPool, Workspace
from rapidity.core.records import EpochRecord, Parameters, State
from rapidity.engines.engine import check_layer_names, check_shapes
from rapidity.engines.events import EventCache, take_inputs
from rapidity.engines.numpy.losses import make_batch_loss
from rapidity.engines.numpy.lowering import Mode
from rapidity.engines.numpy.module import as_tensors
from rapidity.engines.numpy.stepper import Stepper
from rapidity.engines.numpy.tensors import EventArrays, iterate_arrays
from rapidity.engines.results import ResultArrays
from rapidity.engines.state import PARAMETER, separate_parameters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rapidity.core.records import Batch, Batches, FloatArray, Objective, RateSchedule
    from rapidity.engines.losses import BatchLoss
    from rapidity.engines.numpy.module import GraphModule

EVENTS_PREDICTED_AT_ONCE = 512
"""Events of a larger batch follow one another: their values stay in the cache, and memory stays small."""


class NumpyModel:
    """A native module with what training it needs (`core.records.Model`).

    Attributes
    ----------
    native
        The module; it can be used without the rest of Rapidity.
    workspace
        Where the tensors of training and prediction live; one with a journal shows their lives.
    """

    def __init__(self, module: GraphModule) -> None:
        self.native = module
        self._cache = EventCache()
        self._stepper = Stepper(module)
        self._pool = BufferPool()
        self.workspace = Workspace(self._pool)
        self._n_events = 0

    @property
    def n_buffer_bytes(self) -> int:
        """Bytes of all buffers that are handed out again from step to step."""
        return self._pool.n_bytes

    def train_epoch(
        self,
        batches: Batches,
        objective: Objective,
        optimizer: Any,
        rate: RateSchedule,
        rng: np.random.Generator,
    ) -> EpochRecord:
        """Take one optimiser step a batch; `rng` drives dropout and nothing else."""
        loss = make_batch_loss(objective, self.native.outputs)
        self._stepper.prepare(optimizer)
        mode = Mode(is_training=True, rng=rng)
        losses = []
        # A loss that is not finite is reported with its step, by the loop above.
        with np.errstate(all="ignore"):
            for events in self._iterate(batches, loss):
                self._make_room(events.n_events)
                losses.append(self._stepper.take_step(events, loss, rate, mode, self.workspace))
        return EpochRecord(np.array(losses, dtype=np.float64))

    def predict(self, batches: Batches, names: Sequence[str] = ()) -> dict[str, FloatArray]:
        """Return the logits of each output, or the results of the named nodes, in evaluation mode."""
        check_layer_names(names, self.native.nodes)
        results = ResultArrays(batches.n_events)
        with np.errstate(all="ignore"):
            for events in self._iterate(batches, None):
                for start in range(0, events.n_events, EVENTS_PREDICTED_AT_ONCE):
                    part = events.slice(start, min(start + EVENTS_PREDICTED_AT_ONCE, events.n_events))
                    results.append(self._evaluate(part, names))
        return results.arrays if names else results.finish_logits(self.native.outputs)

    def _evaluate(self, events: EventArrays, names: Sequence[str]) -> dict[str, Any]:
        self._make_room(events.n_events)
        recorded: dict[str, Any] = dict.fromkeys(names)
        inputs = as_tensors(events.inputs, self.workspace)
        logits = self.native.compute(inputs, is_recorded=False, results=recorded)
        if names:
            return recorded
        return {name: tensor.array for name, tensor in zip(self.native.outputs, logits, strict=True)}

    def gradients(self, batch: Batch, objective: Objective) -> Parameters:
        """Return the gradient of the batch's loss for every trained parameter (training mode, no dropout).

        Penalties count, the clipping does not; running statistics stay as they are.
        """
        loss = make_batch_loss(objective, self.native.outputs)
        mode = Mode(is_training=True, keeps_statistics=True)
        shapes = {name: tensor.shape for name, tensor in self.native.parameters.items()}
        found = {name: np.empty(shape, np.float32) for name, shape in shapes.items()}
        with np.errstate(all="ignore"):
            value = self._stepper.compute_loss(self._make_arrays(batch, loss), loss, mode, Workspace())
            self._stepper.differentiate(value, found)
        return found

    def parameters(self) -> Parameters:
        """Return a copy of the canonical parameters, running statistics included."""
        return {name: tensor.array.copy() for name, tensor in self.native.tensors.items()}

    def state(self) -> State:
        """Return a copy of all that resuming needs."""
        arrays = {PARAMETER + name: array for name, array in self.parameters().items()}
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
        expected = {name: tensor.shape for name, tensor in self.native.tensors.items()}
        check_shapes("this model", expected, {name: array.shape for name, array in parameters.items()})
        for name, tensor in self.native.tensors.items():
            tensor.array[...] = parameters[name]

    def _make_room(self, n_events: int) -> None:
        """Let go of the buffers of another batch size: they would lie beside those of this one."""
        if n_events != self._n_events:
            self._pool.release()
            self._n_events = n_events

    def _iterate(self, batches: Batches, loss: BatchLoss | None) -> Iterator[EventArrays]:
        def make(batch: Batch) -> EventArrays:
            return self._make_arrays(batch, loss)

        def resident(events: Batch) -> EventArrays:
            inputs = self._cache.get(events, "inputs", lambda: take_inputs(events, self.native.inputs))
            if loss is None:
                return EventArrays(inputs)
            targets = self._cache.get(events, loss.objective, lambda: loss.prepare(events))
            return EventArrays(inputs, targets)

        return iterate_arrays(batches, make, resident, self._pool)

    def _make_arrays(self, batch: Batch, loss: BatchLoss | None) -> EventArrays:
        inputs = take_inputs(batch, self.native.inputs)
        return EventArrays(inputs, () if loss is None else loss.prepare(batch))
