"""With --overwrite, input that was found to be bad only after reading cost the user the old run.

A warm-up as long as the training, Nesterov without momentum, a NaN outside the training split, and signed
weights that leave no yield to evaluate were found after the folder had been cleared; the last two even
after the whole training.
"""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from rapidity.core.errors import ConfigError, DataError
from rapidity.workflow import train_run

N_EVENTS = 200
TEST, VALIDATION = 9, 8

pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def write_events(path, value=0.5, place=TEST, test_sign=1):
    """Write Gaussian events; one of the split at `place` has this `value` of x."""
    rng = np.random.default_rng(1)
    number = np.arange(N_EVENTS)
    code = number // 10 % 2
    x, y = rng.normal(code), rng.normal(code)
    x[np.flatnonzero(number % 10 == place)[0]] = value
    weight = np.where((number % 10 == TEST) & (code == 1), test_sign, 1.0)
    rows = zip(number, code, x, y, weight, strict=True)
    path.write_text("event,code,x,y,w\n" + "".join(f"{a},{b},{c},{d},{e}\n" for a, b, c, d, e in rows))


@pytest.fixture
def config(tmp_path):
    """Return the configuration of a run on events.csv, which lie beside it."""
    write_events(tmp_path / "events.csv")
    content = {
        "name": "kept",
        "data": {"sources": [{"path": "events.csv"}], "target": "code", "event_weight": "w"},
        "features": ["x", "y"],
        "preparation": {"split": {"by": "event % 10", "validation": [VALIDATION], "test": [TEST]}},
        "network": {"type": "mlp", "hidden": [2]},
        "training": {"epochs": 1, "optimizer": "adam"},
    }
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def old_run(tmp_path):
    """Return a folder that passes for an older run."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_text('{"format_version": 1, "finished": "yes"}')
    (folder / "model.onnx").write_bytes(b"precious")
    return folder


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ({"value": np.nan, "place": VALIDATION}, "'x' is nan"),
        ({"value": np.nan, "place": TEST}, "'x' is nan"),
        ({"value": np.inf, "place": TEST}, "'x' is inf"),
        ({"test_sign": -1}, r"weights of class '1' sum to -10 in the test split \(10 events\)"),
    ],
)
def test_bad_events_leave_the_old_run(config, old_run, events, message):
    write_events(config.parent / "events.csv", **events)
    with pytest.raises(DataError, match=message):
        train_run(config, output=old_run, overwrite=True)
    assert (old_run / "model.onnx").read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.schedule={type: cosine, warm_up: 1}", "1 epochs leave nothing of epochs = 1"),
        ("training.optimizer={type: sgd, nesterov: true}", "nesterov looks ahead along the momentum"),
    ],
)
def test_bad_settings_leave_the_old_run(config, old_run, override, message):
    with pytest.raises(ConfigError, match=message):
        train_run(config, output=old_run, overrides=[override], overwrite=True)
    assert (old_run / "model.onnx").read_bytes() == b"precious"
