"""What is delivered of the numbers, and the order of the outputs of the model."""

from __future__ import annotations

import json
from typing import get_args

import onnxruntime
import pytest
from pydantic import ValidationError

from rapidity.config.evaluation import Deliver, MetricsKey
from rapidity.core.errors import ConfigError
from rapidity.workflow.results import deliver_copies

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def _events(tmp_path, tiny_events, save_csv):
    save_csv(tmp_path / "events.csv", tiny_events())


def test_only_the_wanted_keys_are_copied(train):
    run = train("keys", deliver={"metrics": "particles.json", "metrics_keys": ["accuracy", "test_auc"]})
    copied = json.loads((run.folder / "particles.json").read_text(encoding="utf-8"))
    assert copied == {key: run.metrics[key] for key in ("accuracy", "test_auc")}
    of_other_splits = {"validation_auc", "validation_auc_interval"}
    # `unweighted` is there only where events have weights, `folds` where there are several networks.
    assert set(run.metrics) | of_other_splits | {"unweighted", "folds"} == set(get_args(MetricsKey))


def test_a_key_that_is_not_there_is_named(train):
    run = train("no_unweighted")
    with pytest.raises(ConfigError, match=r"validation_auc not in .*metrics\.json, whose .* test split"):
        deliver_copies(run.path, Deliver(metrics="a.json", metrics_keys=("validation_auc",)))
    assert not (run.folder / "a.json").exists()


def test_keys_without_a_copy_are_refused():
    with pytest.raises(ValidationError, match=r"no copy of metrics\.json: give `metrics` a name too"):
        Deliver(metrics_keys=("test_auc",))


def test_probabilities_are_the_first_output(train):
    session = onnxruntime.InferenceSession(train("outputs").path.model)
    assert [output.name for output in session.get_outputs()] == ["probabilities", "logits"]
