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
"""Values of C, the inverse strength of the penalty, that are tried; 1 is scikit-learn's default."""
MAX_STEPS = 500


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
    The penalty is ``|direction|^2 / (2 C)`` on standardised values, and of several C with the same loss
    the smallest is taken. Both splits need events of every class.

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
    standardised = (train.values - mean) / scale
    fits = []
    for strength in strengths:
        directions, offsets, is_converged = _fit(standardised, train.class_index, classes, strength)
        probe = LinearProbe(classes, mean, scale, directions, offsets, strength, {}, is_converged)
        log_probabilities = classes.log_probabilities(probe.logits(validation.values))
        fits.append((log_loss(validation.class_index, log_probabilities), probe))
    best = min(fits, key=lambda fit: (fit[0], fit[1].strength))[1]
    losses = {probe.strength: loss for loss, probe in fits}
    return LinearProbe(
        classes, mean, scale, best.directions, best.offsets, best.strength, losses, best.is_converged
    )


def _fit(
    values: NDArray[np.float32], class_index: NDArray[np.int64], classes: ClassSet, strength: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], bool]:
    """Return directions, offsets, and whether the fit converged."""
    # Imported here: `rapidity --help` should not wait for scikit-learn.
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    regression: Any = LogisticRegression(C=strength, max_iter=MAX_STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # told by `is_converged`
        regression.fit(values, class_index)
    directions = np.asarray(regression.coef_, dtype=np.float64).T
    offsets = np.asarray(regression.intercept_, dtype=np.float64)
    # The one logit of two classes stands for `positive_index`, scikit-learn's for the second class.
    sign = -1.0 if len(classes) == 2 and classes.positive_index == 0 else 1.0
    return sign * directions, sign * offsets, bool(np.max(regression.n_iter_) < MAX_STEPS)
