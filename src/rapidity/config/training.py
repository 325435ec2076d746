"""The `training:` block: engine, optimiser, schedule, loss, weights, early stopping."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from rapidity.config.augmentation import Augmentation, check_order
from rapidity.core.block import Block

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]


class _Optimizer(Block):
    learning_rate: Positive
    """Largest learning rate; the schedule scales it."""
    weight_decay: NonNegative = 0.0
    """L2 penalty as PyTorch defines it for this optimiser; decoupled from the gradient for adamw."""


class Sgd(_Optimizer):
    """Stochastic gradient descent, with momentum if wished (Sutskever et al., ICML 2013)."""

    type: Literal["sgd"]
    learning_rate: Positive = 1e-2
    momentum: Fraction = 0.0
    nesterov: bool = False
    """Look ahead along the momentum; needs momentum."""

    @model_validator(mode="after")
    def _nesterov_has_momentum(self) -> Self:
        if self.nesterov and self.momentum == 0:
            message = "nesterov looks ahead along the momentum, which is 0. Set momentum, usually to 0.9"
            raise ValueError(message)
        return self


class Adagrad(_Optimizer):
    """Rates that shrink with the squares of past gradients (Duchi et al., JMLR 12 (2011) 2121)."""

    type: Literal["adagrad"]
    learning_rate: Positive = 1e-2
    epsilon: Positive = 1e-10


class RmsProp(_Optimizer):
    """Gradients over their running root mean square (Tieleman and Hinton, 2012)."""

    type: Literal["rmsprop"]
    learning_rate: Positive = 1e-3
    decay: Fraction = 0.99
    epsilon: Positive = 1e-8
    momentum: Fraction = 0.0


class Adam(_Optimizer):
    """Running mean over running root mean square of gradients (Kingma and Ba, arXiv:1412.6980)."""

    type: Literal["adam"]
    learning_rate: Positive = 1e-3
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    epsilon: Positive = 1e-8


class AdamW(_Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101)."""

    type: Literal["adamw"]
    learning_rate: Positive = 1e-3
    weight_decay: NonNegative = 1e-2
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    epsilon: Positive = 1e-8
    decay_schedule: Literal["constant", "flat_cosine"] = "constant"
    """`flat_cosine`: the weight decay falls to zero, by half a cosine, in the second half of the training."""


def name_to_block(value: Any) -> Any:
    """Let `adam` stand for `{type: adam}`."""
    return {"type": value} if isinstance(value, str) else value


Optimizer = Annotated[
    Sgd | Adagrad | RmsProp | Adam | AdamW, Field(discriminator="type"), BeforeValidator(name_to_block)
]


class _Schedule(Block):
    warm_up: NonNegative = 0.0
    """Epochs (or a part of one) over which the rate first grows linearly from zero."""


class Constant(_Schedule):
    """The same rate throughout."""

    type: Literal["constant"]


class Step(_Schedule):
    """Multiplied by `factor` every `every` epochs."""

    type: Literal["step"]
    every: Annotated[int, Field(gt=0)] = 10
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1


class Cosine(_Schedule):
    """Half a cosine from the full rate to `final` times it (Loshchilov and Hutter, arXiv:1608.03983)."""

    type: Literal["cosine"]
    final: Annotated[float, Field(ge=0, lt=1)] = 0.0


class OneCycle(_Schedule):
    """Up to the full rate and down again, both by half cosines (Smith and Topin, arXiv:1708.07120)."""

    type: Literal["one_cycle"]
    rise: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Part of the training in which the rate grows."""
    start: Annotated[float, Field(gt=0, lt=1)] = 0.04
    """First rate over full rate."""
    final: Annotated[float, Field(ge=0, lt=1)] = 4e-6
    """Last rate over full rate."""


class CosLog(_Schedule):
    """From zero up and down again, in cycles of which each lasts twice as long as the one before.

    At the part t of the training the rate is ``(1 - cos(2 pi log2(1 + (2^cycles - 1) t))) / 2`` of the full
    one (Holzmueller, Grinsztajn and Steinwart, arXiv:2407.04491, section 3).
    """

    type: Literal["cos_log"]
    cycles: Annotated[int, Field(gt=0, le=20)] = 4
    """Number of cycles."""

    @model_validator(mode="after")
    def _rises_by_itself(self) -> Self:
        if self.warm_up:
            message = f"warm_up is {self.warm_up:g}, but cos_log begins at zero by itself. Leave it out"
            raise ValueError(message)
        return self


class ReduceOnPlateau(_Schedule):
    """Multiplied by `factor` when the validation loss has not fallen for `patience` epochs."""

    type: Literal["reduce_on_plateau"]
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.3
    patience: Annotated[int, Field(ge=0)] = 3
    min_delta: NonNegative = 1e-4
    """Smallest fall that counts, in units of the loss."""
    final: Annotated[float, Field(ge=0, lt=1)] = 1e-4
    """Smallest rate over full rate."""


Schedule = Annotated[
    Constant | Step | Cosine | OneCycle | CosLog | ReduceOnPlateau,
    Field(discriminator="type"),
    BeforeValidator(name_to_block),
]


class CrossEntropy(Block):
    """Minus the logarithm of the probability of the true class."""

    type: Literal["cross_entropy"]
    label_smoothing: Fraction = 0.0


class Focal(Block):
    """Cross-entropy with easy events turned down (Lin et al., arXiv:1708.02002)."""

    type: Literal["focal"]
    focusing: NonNegative = 2.0
    label_smoothing: Fraction = 0.0


Loss = Annotated[CrossEntropy | Focal, Field(discriminator="type"), BeforeValidator(name_to_block)]


class TrainingWeight(Block):
    """How the weight of an event in the loss is made from its physics weight."""

    event_weight: Literal["ignore", "absolute", "drop", "keep"] = "absolute"
    """Ignore the physics weight; or use its absolute value, or drop events whose weight is negative,
    or keep the signs (the loss of a batch may then be negative)."""
    balance_classes: bool = False
    """Scale the weights so that every class has the same sum."""


class EarlyStopping(Block):
    """Stop when the validation split no longer improves, and keep the best epoch."""

    monitor: Literal["loss", "accuracy", "auc"] = "loss"
    patience: Annotated[int, Field(gt=0)] = 8
    """Epochs without improvement after which training stops."""
    min_delta: NonNegative = 0.0
    """Smallest change that counts as an improvement."""


class Regularization(Block):
    """Penalties on the kernels (not on biases or normalisation parameters), added to the loss."""

    l1: NonNegative = 0.0
    """Factor of the sum of absolute values."""
    l2: NonNegative = 0.0
    """Factor of half the sum of squares."""


class Folds(Block):
    """As many networks as folds; each event is scored by the one that never saw it.

    Fold i, the events whose number is i modulo `count`, is the test split of network i; the next fold is
    its validation split, and the others are its training split.
    """

    count: Annotated[int, Field(ge=3, le=100)] = 5
    """Number of folds, and of networks: at least 3, since each network needs a test, a validation and a
    training part."""
    event_number: str | None = None
    """Column of `data.event_key` whose value modulo `count` is the fold; left out, the last of them."""
    workers: Annotated[int, Field(gt=0)] | None = None
    """Folds trained at the same time, each in a process of its own; left out, as many as cores and memory
    allow where the training is long enough to gain by it."""


class Training(Block):
    """How the network is trained."""

    engine: str = "torch"
    """Which engine trains: `torch`, `tensorflow` or `numpy` (which needs no other library)."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where: `auto` takes a GPU if there is one."""
    precision: Literal["float32", "mixed"] = "float32"
    """`mixed` computes in 16 bits where that is safe; it needs a GPU."""
    epochs: Annotated[int, Field(gt=0)] = 50
    batch_size: Annotated[int, Field(gt=0)] | Literal["all"] = 1024
    """Events in a batch; `all` takes the whole training split in every step."""
    seed: int = 1
    """Seed of the initial parameters, the shuffling and the dropout."""
    optimizer: Optimizer = Adam(type="adam")
    schedule: Schedule = Constant(type="constant")
    dropout_schedule: Literal["constant", "flat_cosine"] = "constant"
    """`flat_cosine`: dropout rates fall to zero, by half a cosine, in the second half of the training."""
    loss: Loss = CrossEntropy(type="cross_entropy")
    weight: TrainingWeight = TrainingWeight()
    augmentation: tuple[Augmentation, ...] = ()
    """Random changes of the training events, made anew in every epoch, in this order; those of columns come
    before those of images."""
    regularization: Regularization = Regularization()
    clip_norm: Positive | None = None
    """Largest norm of the gradient; longer gradients are scaled down to it."""
    early_stopping: EarlyStopping | None = None
    checkpoint_every: Annotated[int, Field(gt=0)] = 1
    """Epochs between checkpoints."""
    folds: Folds | None = None
    """Train a network for each fold instead of one, so that every event gets a score from a network that
    never saw it; the folds make the split."""

    @model_validator(mode="after")
    def _warm_up_ends(self) -> Self:
        if self.schedule.warm_up >= self.epochs:
            message = (
                f"schedule.warm_up: {self.schedule.warm_up:g} epochs leave nothing of "
                f"epochs = {self.epochs}. Shorten the warm-up, or train for more epochs"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _mixtures_come_last(self) -> Self:
        check_order(self.augmentation)
        return self
