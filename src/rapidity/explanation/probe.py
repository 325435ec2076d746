"""A linear probe: how much of a quantity can be read off a layer by a weighted sum of its values.

A probe that does well says that the layer makes the quantity easy to read, not that the network uses it.
Source: Alain and Bengio, arXiv:1610.01644.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.metrics import log_loss

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.core.classes import ClassSet

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
"""Values of C, the inverse strength of the penalty, that are tried in this order."""
MAX_STEPS = 500
N_WORSE = 2
"""Values of C that must be worse than the best one, in a row, before no weaker penalty is tried."""


@dataclass(frozen=True)
class Embeddings:
    """What a layer makes of the events of one split.

    Attributes
    ----------
    values
        One row an event, layers of several axes flattened ``(n_events, n_values)`` float32.
    class_index
        The class of each event in the target of the probe ``(n_events,)``.
    """

    values: NDArray[np.float32]
    class_index: NDArray[np.int64]


@dataclass(frozen=True)
class LinearProbe:
    """A fitted logistic regression on standardised embeddings.

    Attributes
    ----------
    mean, scale
        Of each value over the training events ``(n_values,)``; the scale of a constant value is 1.
    directions, offsets
        Logit ``k`` is ``standardised @ directions[:, k] + offsets[k]``: ``(n_values, n_logits)`` and
        ``(n_logits,)``, with one logit for two classes.
    strength
        The C that was chosen.
    validation_losses
        C -> log-loss (nats) on the validation events.
    is_converged
        Whether the fit of the chosen C came to its end within `MAX_STEPS`.
    """

    classes: ClassSet
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    directions: NDArray[np.float64]
    offsets: NDArray[np.float64]
    strength: float
    validation_losses: Mapping[float, float]
    is_converged: bool

    def standardise(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return embeddings with the mean and the spread of the training events taken out."""
        return (values - self.mean) / self.scale

    def logits(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the logits ``(n_events, n_logits)`` of embeddings ``(n_events, n_values)``."""
        return self.standardise(values) @ self.directions + self.offsets


def fit_probe(
    train: Embeddings, validation: Embeddings, classes: ClassSet, strengths: Sequence[float] = STRENGTHS
) -> LinearProbe:
    """Fit a logistic regression on the training events; the penalty is chosen on the validation events.

    Every event counts alike: event weights say how often events occur, not what a layer knows of them.
    The penalty is ``|direction|^2 / (2 C)`` on standardised values; of several C with the same loss the
    smallest is taken, and none is tried once `N_WORSE` in a row were worse than the best. Both splits need
    events of every class.

    Examples
    --------
    >>> from rapidity.core.classes import ClassSet
    >>> rng = np.random.default_rng(1)
    >>> index = np.arange(200) % 2
    >>> values = (rng.normal(size=(200, 3)) + 4 * index[:, np.newaxis]).astype(np.float32)
    >>> events = Embeddings(values, index)
    >>> probe = fit_probe(events, events, ClassSet(("no", "yes")))
    >>> bool(((probe.logits(values)[:, 0] > 0) == index).mean() > 0.98)
    True
    """
    mean = train.values.mean(axis=0)
    scale = train.values.std(axis=0)
    scale[scale == 0] = 1  # a unit that is always off tells nothing, and is left as it is
    regression = _Regression((train.values - mean) / scale, train.class_index, classes)
    probes: dict[float, LinearProbe] = {}
    losses: dict[float, float] = {}
    for strength in sorted(strengths):
        directions, offsets, is_converged = regression.fit(strength)
        probe = LinearProbe(classes, mean, scale, directions, offsets, strength, losses, is_converged)
        log_probabilities = classes.log_probabilities(probe.logits(validation.values))
        probes[strength] = probe
        losses[strength] = log_loss(validation.class_index, log_probabilities)
        # Beyond the best one the probe learns the training events by heart, and takes long to do so.
        if len(losses) > N_WORSE and min(list(losses.values())[-N_WORSE:]) > min(losses.values()):
            break
    return probes[min(losses, key=lambda strength: losses[strength])]


class _Regression:
    """A logistic regression fitted for one strength after the other, each from where the last one ended."""

    def __init__(
        self, values: NDArray[np.float32], class_index: NDArray[np.int64], classes: ClassSet
    ) -> None:
        # Imported here: `rapidity --help` should not wait for scikit-learn.
        from sklearn.linear_model import LogisticRegression

        self._values, self._class_index = values, class_index
        # The one logit of two classes stands for `positive_index`, scikit-learn's for the second class.
        self._sign = -1.0 if len(classes) == 2 and classes.positive_index == 0 else 1.0
        self._regression: Any = LogisticRegression(max_iter=MAX_STEPS, warm_start=True)

    def fit(self, strength: float) -> tuple[NDArray[np.float64], NDArray[np.float64], bool]:
        """Return directions, offsets, and whether the fit converged."""
        from sklearn.exceptions import ConvergenceWarning

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # told by the third value
            self._regression.set_params(C=strength).fit(self._values, self._class_index)
        directions = np.array(self._regression.coef_, dtype=np.float64).T
        offsets = np.array(self._regression.intercept_, dtype=np.float64)
        is_converged = bool(np.max(self._regression.n_iter_) < MAX_STEPS)
        return self._sign * directions, self._sign * offsets, is_converged
