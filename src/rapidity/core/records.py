"""Records and protocols that pass between floors: batches, the objective, epochs, states.

They hold arrays and names only; what an engine makes of them is its own affair.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

FloatArray = NDArray[np.float32]
Parameters = dict[str, FloatArray]
"""Canonical parameters: ``<node>.<parameter>`` -> array, in engine-neutral names and layouts."""

Task = Literal["classification", "regression", "assignment"]
ClassLoss = Literal["cross_entropy", "focal"]
RegressionLoss = Literal["squared_error", "absolute_error", "huber", "log_cosh"]
LossName = ClassLoss | RegressionLoss


@dataclass(frozen=True)
class Batch:
    """Some events, ready for a network.

    Attributes
    ----------
    inputs
        Input name -> float32 array ``(n_events, ...)``.
    targets
        Output name -> what is true of the events; empty when nothing is known (prediction). Of a
        classification int64 class indices ``(n_events,)``, or float32 probabilities of the classes
        ``(n_events, n_classes)``; of a regression float32 ``(n_events,)``, in units of the transformed
        target; of an assignment int64 class indices ``(n_events, n_objects)``, -1 where there is no object
        or its class is not known.
    training_weight
        Weights of the events in the loss ``(n_events,)``, float32, or None where all are 1.
    """

    inputs: Mapping[str, FloatArray]
    targets: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    training_weight: FloatArray | None = None

    @property
    def n_events(self) -> int:
        """Number of events in the batch."""
        return len(next(iter(self.inputs.values())))


@runtime_checkable
class Batches(Protocol):
    """One pass over events, in a fixed order, in batches."""

    @property
    def n_events(self) -> int:
        """Number of events in the whole pass."""
        ...

    @property
    def n_batches(self) -> int:
        """Number of batches, the last and possibly shorter one included."""
        ...

    def __iter__(self) -> Iterator[Batch]:
        """Iterate over the batches."""
        ...


@dataclass(frozen=True)
class RawColumns:
    """The raw columns of events that are prepared anew before training sees them.

    Attributes
    ----------
    columns
        Name -> values of each event, `Jagged` of objects.
    numbers
        Row of each event in the training split ``(n_events,)`` int64.
    """

    columns: Mapping[str, Any]
    numbers: NDArray[np.int64]


@dataclass(frozen=True)
class ResidentBatches:
    """Batches of events that are all in memory.

    An engine may take `events` to its device once and pick rows there by `order`; iterating gives
    the same batches as NumPy arrays.

    Attributes
    ----------
    events
        All events of the split as one batch; the same object every epoch.
    batch_size
        Events in a batch; the last batch holds the rest.
    order
        Row numbers in the order of the pass ``(n_events,)`` int64, or None for 0, 1, 2, ...
    raw
        What the events were made of, where events on disk are augmented; no engine looks at it.
    """

    events: Batch
    batch_size: int
    order: NDArray[np.int64] | None = None
    raw: RawColumns | None = None

    @property
    def n_events(self) -> int:
        """Number of events in the whole pass."""
        return self.events.n_events if self.order is None else len(self.order)

    @property
    def n_batches(self) -> int:
        """Number of batches, the last and possibly shorter one included."""
        return -(-self.n_events // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        """Iterate over the batches, each a copy (or a view, without `order`) of its rows."""
        for start in range(0, self.n_events, self.batch_size):
            stop = min(start + self.batch_size, self.n_events)
            rows = slice(start, stop) if self.order is None else self.order[start:stop]
            weight = self.events.training_weight
            yield Batch(
                inputs={name: array[rows] for name, array in self.events.inputs.items()},
                targets={name: array[rows] for name, array in self.events.targets.items()},
                training_weight=None if weight is None else weight[rows],
            )


@dataclass(frozen=True)
class StreamedBatches:
    """Batches of events that pass through memory window by window.

    An engine takes the batches of a window as it takes resident ones, but must not keep its events: their
    memory is used again as soon as the next window is asked for.

    Attributes
    ----------
    n_events
        Number of events in the whole pass.
    batch_size
        Events in a batch, also where windows meet; the last batch of the pass holds the rest.
    open_windows
        Gives the windows from the beginning each time it is called. All but the last hold whole batches.
    """

    n_events: int
    batch_size: int
    open_windows: Callable[[], Iterator[ResidentBatches]]

    @property
    def n_batches(self) -> int:
        """Number of batches, the last and possibly shorter one included."""
        return -(-self.n_events // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        """Iterate over the batches of all windows."""
        for window in self.open_windows():
            yield from window

    @classmethod
    def of(cls, window: ResidentBatches) -> StreamedBatches:
        """Return the pass over a single window."""
        return cls(window.n_events, window.batch_size, lambda: iter((window,)))


class StreamedEvents(Protocol):
    """Events that are looked at chunk by chunk, such as those of a validation split on disk."""

    @property
    def n_events(self) -> int:
        """Number of events."""
        ...

    @property
    def total_weight(self) -> float:
        """Sum of the training weights."""
        ...

    @property
    def identity(self) -> str:
        """A hash of all that decides what the events are."""
        ...

    def chunks(self) -> Iterator[Batch]:
        """Yield the events from the beginning; the memory of a chunk is used again for the next."""
        ...


@dataclass(frozen=True)
class OutputObjective:
    """What one output of a network is trained to do.

    Attributes
    ----------
    n_classes
        Classes of a classification or an assignment; 1 for a regression.
    positive_index
        For a single logit: the class index that it stands for.
    task
        ``classification``: a class for an event; ``regression``: a number; ``assignment``: a class for
        every object of an event, whose loss is the mean over the objects of known class.
    loss
        ``cross_entropy``: with two classes on one logit, the binary one; else of the softmax.
        ``focal``: the same times ``(1 - p_true) ** focusing`` (Lin et al., arXiv:1708.02002, eq. 4).
        Of probabilities of classes, the mean over the classes with these probabilities.
        Of a regression, with ``d = value - target``: ``squared_error`` d^2, ``absolute_error`` |d|,
        ``huber`` d^2 / 2 up to |d| = delta and ``delta * (|d| - delta / 2)`` beyond (Huber, Ann. Math.
        Statist. 35 (1964) 73), ``log_cosh`` ln(cosh(d)).
    label_smoothing
        e in ``target = (1 - e) * onehot + e / n_classes``.
    delta
        Where the Huber loss turns into a line, in units of the transformed target.
    weight
        Factor of this output in the sum over outputs.
    ignores_missing
        Whether events without a target (class index -1, NaN, no object of known class) are allowed.
        They add nothing to the loss of this output.
    mean_training_weight
        Mean over the training split of the training weights of this output, 0 for events without a target;
        None: that of the objective.
    """

    n_classes: int
    positive_index: int = 1
    task: Task = "classification"
    loss: LossName = "cross_entropy"
    label_smoothing: float = 0.0
    focusing: float = 2.0
    weight: float = 1.0
    delta: float = 1.0
    ignores_missing: bool = False
    mean_training_weight: float | None = None


@dataclass(frozen=True)
class Objective:
    """The function that training minimises.

    The loss of a batch is, summed over outputs, ``weight * sum_i(training_weight_i * loss_i) / (n_batch *
    mean_training_weight)``, plus ``l1 * sum|k| + l2 / 2 * sum k**2`` over all kernels (never biases
    or normalisation parameters). The mean is that of the whole training split, so that a batch whose
    signed weights happen to cancel does not blow up.
    """

    outputs: Mapping[str, OutputObjective]
    mean_training_weight: float = 1.0
    l1: float = 0.0
    l2: float = 0.0
    clip_norm: float | None = None
    """Largest Euclidean norm of the gradient of all parameters together; None: no limit."""
    decay_strength: RateSchedule | None = None
    """Part of the optimiser's weight decay that each step takes; None: all of it."""
    dropout_strength: RateSchedule | None = None
    """Part of every dropout rate of the network that each step takes; None: all of it."""

    def decay_at(self, step: int) -> float:
        """Return the part of the weight decay that optimiser step `step` takes, counted from 0."""
        return 1.0 if self.decay_strength is None else self.decay_strength(step)

    def dropout_at(self, step: int) -> float:
        """Return the part of every dropout rate that optimiser step `step` takes, counted from 0."""
        return 1.0 if self.dropout_strength is None else self.dropout_strength(step)

    def mean_weight(self, output: str) -> float:
        """Return the mean training weight that the loss of an output is divided by."""
        own = self.outputs[output].mean_training_weight
        return self.mean_training_weight if own is None else own


class RateSchedule(Protocol):
    """The learning rate of every step of the whole training."""

    def __call__(self, step: int) -> float:
        """Return the rate of optimiser step `step`, counted from 0 over all epochs."""
        ...


@dataclass(frozen=True)
class EpochRecord:
    """What an engine reports of one epoch.

    Attributes
    ----------
    step_losses
        The loss of every step ``(n_batches,)``, penalties included.
    """

    step_losses: NDArray[np.float64]

    @property
    def first_bad_step(self) -> int | None:
        """Number of the first step whose loss is not finite, or None."""
        bad = np.flatnonzero(~np.isfinite(self.step_losses))
        return int(bad[0]) if len(bad) else None


@dataclass(frozen=True)
class State:
    """All that an engine needs to go on where it stopped.

    Attributes
    ----------
    arrays
        Name -> array: parameters as ``parameter/<name>``, optimiser moments as
        ``moment/<moment>/<name>``, in canonical layouts.
    numbers
        Plain numbers, such as the count of optimiser steps.
    """

    arrays: dict[str, NDArray[Any]]
    numbers: dict[str, int | float] = field(default_factory=dict)


class Model(Protocol):
    """A network built by an engine."""

    @property
    def native(self) -> Any:
        """The engine's own object: an ``nn.Module``, a ``keras.Model``, a graph of operations."""
        ...

    def train_epoch(
        self,
        batches: Batches,
        objective: Objective,
        optimizer: Any,
        rate: RateSchedule,
        rng: np.random.Generator,
    ) -> EpochRecord:
        """Take one optimiser step a batch; `rng` drives dropout and nothing else."""
        ...

    def predict(self, batches: Batches, names: Sequence[str] = ()) -> dict[str, FloatArray]:
        """Return the logits of each output, or the activations of the named nodes, in evaluation mode."""
        ...

    def gradients(self, batch: Batch, objective: Objective) -> Parameters:
        """Return the gradient of the batch's loss for every trained parameter (training mode, no dropout)."""
        ...

    def parameters(self) -> Parameters:
        """Return a copy of the canonical parameters, running statistics included."""
        ...

    def state(self) -> State:
        """Return a copy of all that resuming needs."""
        ...

    def load_state(self, state: State) -> None:
        """Go on from `state`; names or shapes that do not fit are an EngineError."""
        ...
