"""Scored events made on the spot."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.core.classes import ClassSet
from rapidity.evaluation import ScoredEvents


@pytest.fixture
def make_events():
    """Return a builder of scored events of some separation, in three splits."""

    def make(names=("signal", "background"), n_events=1200, *, signed=False, weighted=False, seed=1):
        rng = np.random.default_rng(seed)
        classes = ClassSet(tuple(names))
        index = np.arange(n_events) % len(names)
        if classes.n_logits == 1:
            logits = np.where(index == classes.positive_index, 1.0, -1.0)[:, np.newaxis]
        else:
            logits = 1.5 * np.eye(len(names))[index]
        logits = (logits + rng.normal(size=logits.shape)).astype(np.float32)
        weight = rng.gamma(2.0, 0.5, n_events) if signed or weighted else None
        if signed:
            weight *= np.where(rng.random(n_events) < 0.1, -1, 1)
        return ScoredEvents(
            classes=classes,
            class_index=index,
            split=rng.choice([0, 1, 2], size=n_events, p=[0.6, 0.2, 0.2]).astype(np.int8),
            event_weight=weight,
            logits=logits,
            probabilities=classes.probabilities(logits).astype(np.float32),
        )

    return make
