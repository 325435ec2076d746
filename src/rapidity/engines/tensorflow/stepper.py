"""Optimiser steps, many in one compiled call, and the state of the optimiser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from rapidity.core.records import State
from rapidity.engines.groups import ORDINARY
from rapidity.engines.state import MOMENT, OPTIMIZER_STEP, STEP, check_moments, group_moments
from rapidity.engines.tensorflow import optimizers
from rapidity.engines.tensorflow.dropout import scaled
from rapidity.engines.tensorflow.tensors import EventTensors, compile_function

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from rapidity.core.records import Objective, RateSchedule
    from rapidity.engines.losses import BatchLoss
    from rapidity.engines.tensorflow.module import NativeNetwork
    from rapidity.engines.tensorflow.tensors import Pass

STEPS_IN_A_CALL = 100
"""Python hears of Ctrl-C between calls; a call costs as much as a small step."""
KEPT_PROGRAMS = 3
CLIP_EPSILON = 1e-6
"""Added to the norm by `torch.nn.utils.clip_grad_norm_`."""


class Stepper:
    """Takes steps with one optimiser, whose moments are made when training first asks for it."""

    def __init__(self, network: NativeNetwork) -> None:
        self._network = network
        self._slots = [slot for slot in network.slots if slot.is_trained]
        self._variables = [slot.variable.value for slot in self._slots]
        self._groups = list(dict.fromkeys(slot.group for slot in self._slots)) or [ORDINARY]
        self._kernels = [slot.variable.value for slot in self._slots if slot.is_kernel]
        self._config: Any = None
        self._moments: list[dict[str, tf.Variable]] | None = None
        self._programs: list[tuple[Any, Callable[..., Any]]] = []
        self._pending: State | None = None
        self._step = 0
        self._optimizer_step = 0
        self._has_history = False

    def prepare(self, config: object) -> None:
        """Have the moments of the optimiser of `config` ready; a loaded state goes into them."""
        if self._moments is not None and config == self._config:
            return
        variant = optimizers.find_variant(config)
        grouped = {} if self._pending is None else group_moments(self._pending, config)
        self._config = config
        # Compiled steps hold the variables of their moments.
        self._programs = []
        self._optimizer_step = 0
        self._has_history = bool(grouped)
        self._moments = [
            {name: tf.Variable(tf.zeros_like(variable), trainable=False) for name in variant.moments(config)}
            for variable in self._variables
        ]
        for slot, moments in zip(self._slots, self._moments, strict=True):
            for name, array in grouped.get(slot.name, {}).items():
                if name in moments:
                    slot.write(array, moments[name])
        if self._pending is not None:
            self._optimizer_step = int(self._pending.numbers.get(OPTIMIZER_STEP, 0))
            self._pending = None

    def take_steps(self, steps: Pass, loss: BatchLoss, rate: RateSchedule) -> NDArray[np.float32]:
        """Update the parameters once a batch; return the losses before each update ``(n_steps,)``."""
        rates = np.array([rate(self._step + number) for number in range(steps.n_steps)], dtype=np.float64)
        strengths = [loss.objective.decay_at(self._step + number) for number in range(steps.n_steps)]
        rows = self._rows(rates, np.array(strengths, dtype=np.float64))
        dropout = [loss.objective.dropout_at(self._step + number) for number in range(steps.n_steps)]
        program = self._program(loss, steps.events)
        order = tf.convert_to_tensor(steps.order)
        losses = []
        for first in range(0, steps.n_steps, STEPS_IN_A_CALL):
            some = rows[first : first + STEPS_IN_A_CALL].astype(np.float32)
            found = program(
                steps.events.inputs,
                steps.events.targets,
                order,
                tf.constant(first, tf.int64),
                tf.constant(steps.batch_size, tf.int64),
                (tf.constant(some), tf.constant(dropout[first : first + STEPS_IN_A_CALL], tf.float32)),
            )
            self._step += len(some)
            self._optimizer_step += len(some)
            self._has_history = True
            losses.append(found)
        # Read at the end: a device works on while Python prepares the next call.
        return np.concatenate([found.numpy() for found in losses])

    def _rows(self, rates: NDArray[np.float64], strengths: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what changes from step to step ``(n_steps, n_groups, n)``."""
        make_rows = optimizers.find_variant(self._config).rows
        return np.stack(
            [
                make_rows(
                    group.configure(self._config),
                    rates * group.rate_factor,
                    strengths,
                    self._optimizer_step,
                )
                for group in self._groups
            ],
            axis=1,
        )

    def _program(self, loss: BatchLoss, events: EventTensors) -> Callable[..., Any]:
        """Return the compiled steps of an objective with the optimiser that is prepared."""
        tensors = (events.inputs, events.targets)
        # Any number of events and any batch size: nothing is compiled again for the last, shorter batch.
        specs = tf.nest.map_structure(lambda tensor: tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype),
                                      tensors)  # fmt: skip
        # Targets may be class indices in one epoch and probabilities in the next.
        key = (loss.objective, self._config, specs)
        for known, program in self._programs:
            if known == key:
                return program
        signature = (
            *specs,
            tf.TensorSpec((None,), tf.int64),
            tf.TensorSpec((), tf.int64),
            tf.TensorSpec((), tf.int64),
            (
                tf.TensorSpec((None, *self._rows(np.zeros(1), np.ones(1)).shape[1:]), tf.float32),
                tf.TensorSpec((None,), tf.float32),
            ),
        )

        def run(*arguments: Any) -> Any:
            return self._run(loss, *arguments)

        made = compile_function(run, signature)
        self._programs = [*self._programs[1 - KEPT_PROGRAMS :], (key, made)]
        return made

    def _run(
        self,
        loss: BatchLoss,
        inputs: Any,
        targets: Any,
        order: Any,
        first: Any,
        batch_size: Any,
        per_step: tuple[Any, Any],
    ) -> Any:
        """Take as many steps as `per_step` has rows, beginning with batch number `first` of `order`."""
        events = EventTensors(inputs, targets)
        rows, dropout = per_step
        n_steps = tf.shape(rows)[0]

        def step(number: Any, losses: Any) -> Any:
            start = (first + tf.cast(number, tf.int64)) * batch_size
            some = events.pick(order[start : start + batch_size])
            value = self._update(loss, some, rows[number], dropout[number])
            return number + 1, losses.write(number, value)

        losses = tf.TensorArray(tf.float32, n_steps)
        _, losses = tf.while_loop(
            lambda number, _: number < n_steps, step, (0, losses), parallel_iterations=1
        )
        return losses.stack()

    def _update(self, loss: BatchLoss, events: EventTensors, group_rows: Any, dropout: Any) -> Any:
        with scaled(self._network.graph, None if loss.objective.dropout_strength is None else dropout):
            value, gradients = self.differentiate(loss, events)
        if loss.objective.clip_norm is not None:
            gradients = clip(gradients, loss.objective.clip_norm)
        variant = optimizers.find_variant(self._config)
        moments = self._moments or []
        treatments = {
            group: (group.configure(self._config), group_rows[number])
            for number, group in enumerate(self._groups)
        }
        for slot, variable, own, gradient in zip(
            self._slots, self._variables, moments, gradients, strict=True
        ):
            if gradient is None:
                # Of a user's model a variable may take no part; PyTorch too leaves such a one alone.
                continue
            config, row = treatments[slot.group]
            variant.update(config, variable, own, gradient, row)
            if slot.variable.constraint is not None:
                variable.assign(slot.variable.constraint(variable))
        return value

    def differentiate(self, loss: BatchLoss, events: EventTensors) -> tuple[Any, list[Any]]:
        """Return the loss with its penalties, and its gradients; None for what it does not depend on."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(self._variables)
            value = loss(self._network.logits(events.inputs, training=True), events.targets)
            value = self.add_penalties(value, loss.objective)
        gradients = tape.gradient(value, self._variables)
        return value, [None if gradient is None else tf.convert_to_tensor(gradient) for gradient in gradients]

    def add_penalties(self, value: Any, objective: Objective) -> Any:
        """Return the loss plus the L1 and L2 penalties of the kernels, and those of a user's own layers."""
        for kernel in self._kernels if objective.l1 > 0 else ():
            value = value + objective.l1 * tf.reduce_sum(tf.abs(kernel))
        for kernel in self._kernels if objective.l2 > 0 else ():
            value = value + 0.5 * objective.l2 * tf.reduce_sum(tf.square(kernel))
        for extra in self._network.graph.losses if self._network.is_foreign else ():
            value = value + extra
        return value

    def state(self) -> State:
        """Return a copy of the moments and the counts."""
        if self._pending is not None:
            return State(dict(self._pending.arrays), dict(self._pending.numbers))
        numbers: dict[str, int | float] = {STEP: self._step}
        arrays = {}
        if self._moments is not None:
            numbers[OPTIMIZER_STEP] = self._optimizer_step
            for slot, moments in zip(self._slots, self._moments, strict=True):
                for name, variable in moments.items() if self._has_history else ():
                    arrays[f"{MOMENT}{name}/{slot.name}"] = slot.read(variable)
        return State(arrays, numbers)

    def load_state(self, state: State) -> None:
        """Go on from these moments and counts; without them, with a fresh optimiser."""
        check_moments(state, {slot.name: slot.shape for slot in self._slots})
        self._step = int(state.numbers.get(STEP, 0))
        self._moments = None
        self._pending = State(
            {name: array.copy() for name, array in state.arrays.items()}, dict(state.numbers)
        )


def clip(gradients: Sequence[Any], limit: float) -> list[Any]:
    """Return gradients scaled so that their norm, all together, is at most `limit`.

    As `torch.nn.utils.clip_grad_norm_`: the factor is ``min(1, limit / (norm + 1e-6))``.
    """
    squares = [tf.reduce_sum(tf.square(gradient)) for gradient in gradients if gradient is not None]
    factor = tf.minimum(limit / (tf.sqrt(tf.add_n(squares)) + CLIP_EPSILON), 1.0)
    return [None if gradient is None else gradient * factor for gradient in gradients]
