"""Results and features to draw, made on the spot."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

from rapidity.config.evaluation import Evaluation
from rapidity.core.classes import ClassSet
from rapidity.evaluation import ScoredEvents, evaluate
from rapidity.report import InputData

ODD_NAMES = ("Electron", "_ghost", "Kaon <b>$x^</b> & a very long name indeed", "Muon", "Pion/π", "Proton")


@pytest.fixture(autouse=True)
def global_settings_stay():
    """Drawing changes no setting of matplotlib."""
    before = dict(mpl.rcParams)
    yield
    assert dict(mpl.rcParams) == before


@pytest.fixture(params=[("signal", "background"), ODD_NAMES], ids=["two", "six"])
def names(request):
    """Class names: the usual two, and six that are hard to print."""
    return request.param


@pytest.fixture
def make_result():
    """Return a builder of evaluation results with signed weights."""

    def make(names=("signal", "background"), n_events=900, *, signed=True):
        rng = np.random.default_rng(1)
        classes = ClassSet(tuple(names))
        index = np.arange(n_events) % len(names)
        logits = rng.normal(size=(n_events, classes.n_logits))
        if classes.n_logits == 1:
            logits[:, 0] += np.where(index == classes.positive_index, 1.5, -1.5)
        else:
            logits[np.arange(n_events), index] += 2
        weight = rng.gamma(2.0, size=n_events) * np.where(rng.random(n_events) < 0.1, -1, 1)
        events = ScoredEvents(
            classes=classes,
            class_index=index,
            split=(np.arange(n_events) // len(names) % 3).astype(np.int8),
            event_weight=weight if signed else None,
            logits=logits,
            probabilities=classes.probabilities(logits),
        )
        return evaluate(events, Evaluation(bootstrap=10))

    return make


@pytest.fixture
def make_inputs():
    """Return a builder of features with sentinels, tails, integers and constants."""

    def make(names=("signal", "background"), n_events=400):
        rng = np.random.default_rng(2)
        index = np.arange(n_events) % len(names)
        features = {
            "lepton_px": (rng.normal(size=n_events) * (30 + 10 * index)).astype(np.float32),
            "jet_pt": np.where(rng.random(n_events) < 0.3, -999, rng.exponential(40, n_events)),
            "Njets": rng.poisson(2, n_events),
            "constant $x^": np.full(n_events, 3.0),
            "_all/missing": np.full(n_events, np.nan),
            "momentum": 10 ** rng.uniform(-2, 4, n_events),
            "spike": np.where(rng.random(n_events) < 0.9, 0.0, rng.random(n_events)),
            "tails": np.where(rng.random(n_events) < 0.01, np.inf, rng.standard_cauchy(n_events)),
        }
        weight = rng.normal(1, 1, n_events)
        return InputData(
            features, ClassSet(tuple(names)), index, weight, {"jet_pt": "GeV"}, sentinels=(-999.0,)
        )

    return make
