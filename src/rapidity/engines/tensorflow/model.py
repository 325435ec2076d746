"""A network that trains, predicts and differentiates with TensorFlow."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from rapidity.core.records import EpochRecord, Parameters, State
from rapidity.engines.engine import check_layer_names
from rapidity.engines.events import EventCache
from rapidity.engines.results import ResultArrays
from rapidity.engines.slots import read_parameters, write_parameters
from rapidity.engines.state import PARAMETER, separate_parameters
from rapidity.engines.tensorflow.device import find_seeds, seed_dropout
from rapidity.engines.tensorflow.dropout import check_rates_are_found
from rapidity.engines.tensorflow.losses import make_batch_loss
from rapidity.engines.tensorflow.stepper import Stepper
from rapidity.engines.tensorflow.tensors import (
    EventTensors,
    compile_function,
    input_tensors,
    iterate_inputs,
    iterate_passes,
)
from rapidity.engines.tensorflow.wrapping import check_logits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rapidity.core.records import Batch, Batches, FloatArray, Objective, RateSchedule
    from rapidity.engines.losses import BatchLoss
    from rapidity.engines.tensorflow.module import NativeNetwork

KEPT_PROGRAMS = 4
NOISE: Mapping[str, tuple[str, ...]] = {
    "rate": ("Dropout", "SpatialDropout", "GaussianDropout", "AlphaDropout"),
    "stddev": ("GaussianNoise",),
}
"""Attribute that holds the strength of the noise -> beginnings of the names of the layers that have it."""


class TensorflowModel:
    """A Keras model with what training it needs (`core.records.Model`).

    Parameters
    ----------
    network
        The model, its variables already on the device, and what is known of it.
    device
        TensorFlow's name of the device.
    """

    def __init__(self, network: NativeNetwork, device: str) -> None:
        self.network = network
        self.device = device
        self._cache = EventCache()
        self._stepper = Stepper(network)
        self._seeds = find_seeds(network.graph.variables)
        self._programs: dict[tuple[str, ...], Callable[..., Any]] = {}
        self._is_checked = False
        self._is_dropout_checked = False

    @property
    def native(self) -> Any:
        """The `keras.Model`; it can be used, saved and loaded without Rapidity."""
        return self.network.model

    def train_epoch(
        self,
        batches: Batches,
        objective: Objective,
        optimizer: Any,
        rate: RateSchedule,
        rng: np.random.Generator,
    ) -> EpochRecord:
        """Take one optimiser step a batch; `rng` drives dropout and nothing else."""
        loss = make_batch_loss(objective, self.network.outputs)
        with tf.device(self.device):
            self._check_dropout(objective)
            self._stepper.prepare(optimizer)
            seed_dropout(self._seeds, rng)
            found = [
                self._stepper.take_steps(steps, loss, rate)
                for steps in iterate_passes(batches, self._maker(loss), self._resident(loss))
            ]
        if self.network.is_foreign and not self._is_checked:
            self._check_logits(batches, objective)
        return EpochRecord(np.concatenate([np.empty(0), *found]))

    def predict(self, batches: Batches, names: Sequence[str] = ()) -> dict[str, FloatArray]:
        """Return the logits of each output, or the results of the named nodes, in evaluation mode."""
        titles = tuple(names) or tuple(self.network.outputs)
        program = self._program(tuple(names))
        results = ResultArrays(batches.n_events)
        with tf.device(self.device):
            for inputs in iterate_inputs(batches, self._maker(None), self._resident(None)):
                found = zip(titles, program(*inputs), strict=True)
                results.append({name: tensor.numpy() for name, tensor in found})
        return results.arrays if names else results.finish_logits(self.network.outputs)

    def gradients(self, batch: Batch, objective: Objective) -> Parameters:
        """Return the gradient of the batch's loss for every trained parameter (training mode, no dropout).

        Penalties count, the clipping does not; running statistics stay as they are.
        """
        loss = make_batch_loss(objective, self.network.outputs)
        slots = [slot for slot in self.network.slots if slot.is_trained]
        kept = [(slot, slot.read()) for slot in self.network.slots if not slot.is_trained]
        with tf.device(self.device), _without_noise(self.network.graph):
            _, found = self._stepper.differentiate(loss, self._maker(loss)(batch))
        for slot, before in kept:
            slot.write(before)
        return {
            slot.name: np.zeros(slot.shape, np.float32) if gradient is None else slot.read(gradient)
            for slot, gradient in zip(slots, found, strict=True)
        }

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
        """Copy canonical parameters into the model."""
        write_parameters(self.network.slots, parameters)

    def _program(self, names: tuple[str, ...]) -> Callable[..., Any]:
        """Return the compiled evaluation of the logits, or of the named nodes, for any number of events."""
        if names in self._programs:
            return self._programs[names]
        network = self.network
        if names:
            check_layer_names(names, network.nodes)
            part = keras.Model(network.graph.inputs, [network.nodes[name] for name in names])

            def run(*inputs: Any) -> Any:
                found = part(list(inputs), training=False)
                return [tf.cast(values, tf.float32) for values in (found if len(names) > 1 else [found])]
        else:

            def run(*inputs: Any) -> Any:
                return network.logits(inputs, training=False)

        signature = [tf.TensorSpec((None, *shape), tf.float32) for shape in network.inputs.values()]
        program = compile_function(run, signature)
        if len(self._programs) == KEPT_PROGRAMS:
            self._programs.pop(next(iter(self._programs)))
        self._programs[names] = program
        return program

    def _check_dropout(self, objective: Objective) -> None:
        """Refuse, before the first step, a user's own model whose dropout rates cannot be set."""
        if (
            self.network.is_foreign
            and objective.dropout_strength is not None
            and not self._is_dropout_checked
        ):
            check_rates_are_found(self.network)
            self._is_dropout_checked = True

    def _check_logits(self, batches: Batches, objective: Objective) -> None:
        """Warn, once, if a user's own model gives probabilities for the first batch."""
        self._is_checked = True
        with tf.device(self.device):
            inputs = next(iterate_inputs(batches, self._maker(None), self._resident(None)), None)
            if inputs is None:
                return
            for name, values in zip(self.network.outputs, self._program(())(*inputs), strict=True):
                if objective.outputs[name].task != "regression":
                    check_logits(self.native.name, name, values.numpy())

    def _maker(self, loss: BatchLoss | None) -> Callable[[Batch], EventTensors]:
        """Return what makes tensors of a streamed batch."""

        def make(batch: Batch) -> EventTensors:
            inputs = input_tensors(batch, self.network.inputs)
            return EventTensors(inputs, () if loss is None else loss.prepare(batch))

        return make

    def _resident(self, loss: BatchLoss | None) -> Callable[[Batch], EventTensors]:
        """Return what makes tensors of events that stay, or finds those made before."""

        def make(events: Batch) -> EventTensors:
            inputs = self._cache.get(events, "inputs", lambda: input_tensors(events, self.network.inputs))
            if loss is None:
                return EventTensors(inputs)
            return EventTensors(inputs, self._cache.get(events, loss.objective, lambda: loss.prepare(events)))

        return make


@contextmanager
def _without_noise(graph: Any) -> Iterator[None]:
    """Switch dropout and noise off inside the block; only what is not compiled yet heeds it."""
    before = []
    for layer in graph._flatten_layers():
        for attribute, kinds in NOISE.items():
            if type(layer).__name__.startswith(kinds):
                before.append((layer, attribute, getattr(layer, attribute)))
                setattr(layer, attribute, 0.0)
    try:
        yield
    finally:
        for layer, attribute, strength in before:
            setattr(layer, attribute, strength)
