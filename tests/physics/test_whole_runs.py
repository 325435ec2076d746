"""Known answers that a whole run must give, from a file of events to its published numbers."""

from __future__ import annotations

import csv
import math

import numpy as np
import onnx
import pytest
import yaml
from onnx import numpy_helper

import rapidity.workflow.train
from rapidity.workflow import evaluate_run, train_run

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

ROUNDING = 1e-9  # sums of the same numbers in another order
SHIFT = (1.0, 0.5, 0.0)


@pytest.fixture(autouse=True)
def _without_plots(monkeypatch):
    monkeypatch.setattr(rapidity.workflow.train, "draw_figures", lambda *_: {})


def make_gaussians(n_events, seed=1):
    """Return two unit Gaussians in three dimensions, one of them shifted."""
    rng = np.random.default_rng(seed)
    is_signal = np.arange(n_events) % 2 == 1
    x = rng.normal(size=(n_events, 3)) + np.outer(is_signal, SHIFT)
    names = np.where(is_signal, "signal", "background")
    return {"x0": x[:, 0], "x1": x[:, 1], "x2": x[:, 2], "kind": names, "event": np.arange(n_events)}


def write_csv(path, columns):
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(zip(*(values.tolist() for values in columns.values()), strict=True))
    return path


def run(folder, name, columns, *, epochs=2, bootstrap=3, **data):
    write_csv(folder / f"{name}.csv", columns)
    config = {
        "name": name,
        "data": {"sources": [{"path": f"{name}.csv"}], "target": "kind", "event_key": ["event"], **data},
        "features": ["x0", "x1", "x2"],
        "preparation": {"split": {"by": "event // 2 % 3", "validation": [1], "test": [2]}},
        "network": {"type": "mlp", "hidden": [8]},
        "training": {
            "epochs": epochs,
            "batch_size": 100,
            "device": "cpu",
            "optimizer": {"type": "adam", "learning_rate": 3e-3},
        },
        "evaluation": {"bootstrap": bootstrap},
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(config))
    return train_run(path, output=folder / "runs" / name)


def test_two_shifted_gaussians_are_separated_as_well_as_they_can_be(tmp_path):
    trained = run(tmp_path, "gaussians", make_gaussians(12_000), epochs=8, bootstrap=50)
    # The best discriminant is the likelihood ratio: AUC = Phi(|shift| / sqrt 2).
    best = 0.5 * (1 + math.erf(math.hypot(*SHIFT) / 2))
    low, high = trained.metrics["test_auc_interval"]["signal"]
    assert low < best < high
    assert high - low < 0.05
    # The best possible log-loss, estimated on the events themselves with the true likelihood ratio.
    events = make_gaussians(12_000)
    x = np.column_stack([events["x0"], events["x1"], events["x2"]])[events["event"] // 2 % 3 == 2]
    logit = x @ SHIFT - 0.5 * np.dot(SHIFT, SHIFT)
    sign = np.where(events["kind"][events["event"] // 2 % 3 == 2] == "signal", 1, -1)
    assert trained.metrics["log_loss"] == pytest.approx(np.logaddexp(0, -sign * logit).mean(), abs=0.01)


def normalised(metrics):
    keys = ("all_auc", "macro_auc", "log_loss", "accuracy", "confusion_matrix_weighted",
            "confusion_matrix_normalised", "precision", "recall", "f1", "yields")  # fmt: skip
    chosen = {key: metrics[key] for key in keys}
    return [
        chosen,
        {name: [point["bkg_eff"] for point in points] for name, points in metrics["working_points"].items()},
    ]


def flat(value):
    if isinstance(value, dict):
        return [number for inner in value.values() for number in flat(inner)]
    if isinstance(value, list):
        return [number for inner in value for number in flat(inner)]
    return [value]


def test_event_of_weight_two_counts_like_the_row_twice(tmp_path):
    events = make_gaussians(900) | {"weight": np.ones(900)}
    trained = run(tmp_path, "run", events, event_weight="weight")
    counts = np.random.default_rng(5).integers(1, 4, 900)
    weighted = write_csv(tmp_path / "weighted.csv", events | {"weight": counts})
    repeated = write_csv(
        tmp_path / "repeated.csv", {name: np.repeat(values, counts) for name, values in events.items()}
    )
    first = flat(normalised(evaluate_run(trained.folder, [str(weighted)])))
    second = flat(normalised(evaluate_run(trained.folder, [str(repeated)])))
    np.testing.assert_allclose(first, second, rtol=ROUNDING, atol=ROUNDING)


def model_constants(trained):
    graph = onnx.load(trained.path.model).graph
    return {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}


@pytest.mark.parametrize("split", [2, 1], ids=["test", "validation"])
def test_model_does_not_know_the_events_it_was_not_trained_on(tmp_path, split):
    events = make_gaussians(900)
    other = {name: values.copy() for name, values in events.items()}
    is_changed = events["event"] // 2 % 3 == split
    for name in ("x0", "x1", "x2"):
        other[name][is_changed] = 7 * other[name][is_changed] + 50
    first, second = run(tmp_path, "first", events), run(tmp_path, "second", other)
    one, two = model_constants(first), model_constants(second)
    assert one.keys() == two.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(values, two[name])
    assert first.metrics["log_loss"] != second.metrics["log_loss"] or split == 1


def test_common_factor_of_all_weights_changes_no_normalised_number(tmp_path):
    rng = np.random.default_rng(2)
    sign = np.where(rng.random(900) < 0.1, -1.0, 1.0)
    events = make_gaussians(900) | {"weight": sign * rng.uniform(0.5, 2, 900)}
    first = run(tmp_path, "first", events, event_weight="weight")
    # A power of two: nothing is rounded on the way.
    second = run(tmp_path, "second", events, event_weight="weight * 1024")
    for name, values in model_constants(first).items():
        np.testing.assert_allclose(values, model_constants(second)[name], rtol=1e-4, atol=1e-6)
    for key in ("test_auc", "log_loss", "accuracy", "confusion_matrix_normalised"):
        np.testing.assert_allclose(flat(first.metrics[key]), flat(second.metrics[key]), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        1024 * np.array(flat(first.metrics["yields"])), flat(second.metrics["yields"]), rtol=ROUNDING
    )
