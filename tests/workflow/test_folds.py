"""Runs with folds: every event is scored by a network that never saw it, and one file holds them all."""

from __future__ import annotations

import csv
import functools
import json
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import numpy as np
import pyarrow.parquet
import pytest
import yaml
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from rapidity.artefact import OnnxModel
from rapidity.config import RunConfig, load_config
from rapidity.core.errors import ConfigError, DataError, InterruptedRunError, TrainingError
from rapidity.core.progress import SilentProgress
from rapidity.data.guards.finding import GuardFinding
from rapidity.expressions import parse_expression
from rapidity.workflow import check_config, evaluate_run, probe_run, train_run, write_run_report
from rapidity.workflow.fold_run import fold_config
from rapidity.workflow.folds import join_warnings, prepare_folds

pytestmark = pytest.mark.numpy

COUNT = 3
N_EVENTS = 300
TOLERANCE = 1e-6  # of float32 probabilities that the same nodes give in batches of other sizes
KEY = {"event_key": ["event"]}
DATA = {"sources": [{"path": "events.csv"}], "target": "kind", **KEY}
TRAINING = {"engine": "numpy", "epochs": 2, "batch_size": 64}


def training(**changes):
    folds = {"count": COUNT, "workers": 1} | changes.pop("folds", {})
    return {**TRAINING, "folds": folds, **changes}


@pytest.fixture
def events(tmp_path, tiny_events, save_csv):
    """Return events whose numbers have both signs and no order, in events.csv too."""
    made = tiny_events(N_EVENTS)
    made["event"] = np.random.default_rng(3).permutation(N_EVENTS) - N_EVENTS // 2
    save_csv(tmp_path / "events.csv", made)
    return made


@pytest.fixture
def config(tmp_path, events, write_config):
    """Return a writer of configurations with folds; keyword arguments replace keys of `training`."""

    def write(name="config", **changes):
        blocks = {"data": changes.pop("data", DATA), "preparation": {"missing": {"sentinels": [-999.0]}}}
        blocks |= changes.pop("blocks", {})
        without = changes.pop("without", ())
        path = write_config(tmp_path / f"{name}.yaml", training=training(**changes), **blocks)
        values = yaml.safe_load(path.read_text())
        for block, *keys in without:
            del (values[block] if keys else values)[keys[0] if keys else block]
        path.write_text(yaml.safe_dump(values, sort_keys=False))
        return path

    return write


@pytest.fixture
def folded(monkeypatch, tmp_path, config):
    """Return a function that trains a run with folds, without figures."""
    import rapidity.workflow.folds

    monkeypatch.setattr(rapidity.workflow.folds, "draw_fold_figures", lambda *_: {})

    def train(name="run", options=None, **changes):
        return train_run(config(name, **changes), output=tmp_path / "runs" / name, **(options or {}))

    return train


def read_scores(path):
    columns = pyarrow.parquet.read_table(path).to_pydict()
    return {name: np.array(values) for name, values in columns.items()}


def features_of(events, model, rows=slice(None)):
    return {name: events[name][rows] for name in model.inputs}


def fold_model(run, index):
    return OnnxModel.load(run.path.fold(index).model)


@pytest.mark.slow
def test_a_whole_run_draws_and_reports_all_folds(config, tmp_path):
    run = train_run(
        config(blocks={"deliver": {"model": "one.onnx", "history": "loss.png"}}), output=tmp_path / "run"
    )
    drawn = {path.relative_to(run.path.plots).as_posix() for path in run.path.plots.rglob("*.png")}
    assert {"evaluation/roc.png", "validation/loss.png", "validation/auc.png", "network.png"} <= drawn
    page = run.path.report.read_text(encoding="utf-8")
    for text in (
        "mean ± spread",
        "one for each fold",
        "Band: mean and standard deviation",
        "event' modulo 3",
    ):
        assert text.replace("'", "&#x27;") in page or text in page
    assert (run.folder / "one.onnx").read_bytes() == run.path.model.read_bytes()
    again = write_run_report(run.folder)
    assert again.read_text(encoding="utf-8") == page


def test_every_event_is_scored_by_the_network_of_its_fold(folded, events):
    run = folded()
    scores = read_scores(run.path.scores)
    assert len(scores["fold"]) == N_EVENTS
    event = events["event"][scores["source_entry"]]
    np.testing.assert_array_equal(scores["fold"], np.mod(event, COUNT))
    for index in range(COUNT):
        rows = np.flatnonzero(scores["fold"] == index)
        entries = scores["source_entry"][rows]
        model = fold_model(run, index)
        alone = model.run(features_of(events, model, entries)).probabilities
        np.testing.assert_allclose(scores["score_signal"][rows], alone[:, 1], atol=TOLERANCE)
    everyone = run.model.run(features_of(events, run.model, scores["source_entry"]))
    np.testing.assert_allclose(scores["score_signal"], everyone.probabilities[:, 1], atol=TOLERANCE)


def test_metrics_hold_all_events_and_the_spread_over_the_folds(folded):
    run = folded()
    metrics = run.metrics
    assert metrics["split"] == "test"
    assert sum(metrics["counts"]["test"].values()) == N_EVENTS
    folds = metrics["folds"]
    assert (folds["count"], folds["event_number"], sum(folds["events"])) == (COUNT, "event", N_EVENTS)
    own = [json.loads(run.path.fold(index).metrics.read_text()) for index in range(COUNT)]
    for key in ("log_loss", "accuracy", "macro_auc"):
        expected = [metrics[key] for metrics in own]
        assert folds[key]["values"] == pytest.approx(expected)
        assert folds[key]["mean"] == pytest.approx(np.mean(expected))
        assert folds[key]["spread"] == pytest.approx(np.std(expected, ddof=1))
    assert folds["test_auc"]["signal"]["values"] == pytest.approx([m["test_auc"]["signal"] for m in own])
    points = metrics["working_points"]["signal"]
    assert {point["threshold_fitted_on"] for point in points} == {"validation"}
    assert any("which never saw it" in note for note in metrics["notes"])
    assert f"{COUNT} folds: AUC" in run.summary()


def test_what_lies_in_the_folders(folded, tmp_path):
    run = folded()
    with run.path.history.open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["fold"], row["epoch"]) for row in rows] == [
        (str(fold), str(epoch)) for fold in range(COUNT) for epoch in (1, 2)
    ]
    record = run.record
    assert [fold["kept_epoch"] for fold in record["training"]["folds"]] == [2] * COUNT
    assert record["parity"]["max_deviation"] <= record["parity"]["tolerance"]
    assert set(record["parity"]["by_batch_size"]) >= {"1", "2"}
    assert load_config(run.path.config).config.training.folds.count == COUNT
    for index in range(COUNT):
        folder = run.path.fold(index)
        split = load_config(folder.config).config.preparation.split
        assert (split.by, split.test, split.validation) == ("event % 3", (index,), ((index + 1) % COUNT,))
        assert folder.read_record()["finished"]
        assert (folder.checkpoints / "last.json").is_file()
    again = train_run(run.path.fold(1).config, output=tmp_path / "again", resume=False)
    assert again.path.model.read_bytes() == run.path.fold(1).model.read_bytes()


def test_network_i_never_sees_fold_i(config, events):
    loaded = load_config(config())
    folds = prepare_folds(loaded.config, loaded.base)
    tested = []
    for index, prepared in enumerate(folds):
        entries = {
            name: set(prepared.table.source_entry[getattr(prepared.splits, name).rows].tolist())
            for name in ("train", "validation", "test")
        }
        of_fold = {
            int(entry)
            for entry in prepared.table.source_entry
            if int(events["event"][entry]) % COUNT == index
        }
        assert entries["test"] == of_fold
        assert not of_fold & (entries["train"] | entries["validation"])
        assert not entries["train"] & entries["validation"]
        assert set(prepared.train_weights.rows.rows.tolist()) <= set(prepared.splits.train.rows.tolist())
        tested += sorted(of_fold)
    assert sorted(tested) == list(range(N_EVENTS))


def test_each_network_has_the_preparation_of_its_own_training_events(config):
    loaded = load_config(config())
    for prepared in prepare_folds(loaded.config, loaded.base):
        values = prepared.table.columns["pt"][prepared.splits.train.rows].astype(np.float64)
        (transform,) = prepared.preparation.features[0].transforms
        assert transform.mean == pytest.approx(values.mean())


def test_an_event_does_not_reach_the_network_that_scores_it(folded, events, tmp_path, save_csv):
    """Other features, other classes of all events of fold 1: its network stays the same to the last bit."""
    before = folded("before")
    in_fold = np.mod(events["event"], COUNT) == 1
    changed = dict(events)
    changed["pt"] = np.where(in_fold, 1e3 + events["pt"], events["pt"])
    changed["kind"] = np.where(in_fold, events["kind"][::-1], events["kind"])
    save_csv(tmp_path / "events.csv", changed)
    after = folded("after")
    # Fold 1 is the whole training split of network 2.
    for index, is_same in ((1, True), (2, False)):
        models = [fold_model(run, index) for run in (before, after)]
        first, second = (model.run(features_of(events, model)).logits for model in models)
        assert np.array_equal(first, second) == is_same
    rows = np.flatnonzero(in_fold)
    columns = features_of(events, before.model, rows)
    np.testing.assert_array_equal(before.model.run(columns).logits, after.model.run(columns).logits)


class StopAfter(SilentProgress):
    """Progress that is interrupted after some epochs, counted over all folds."""

    def __init__(self, n_epochs):
        self.left = n_epochs

    @contextmanager
    def task(self, description, total=None, unit=""):
        yield self if description == "Training" else _Ignore()

    def advance(self, amount=1, **fields):
        # Without fields it is told of epochs that were trained before.
        self.left -= bool(fields)
        if fields and not self.left:
            raise KeyboardInterrupt


class _Ignore:
    def advance(self, amount=1, **fields):
        """Count nothing."""


@pytest.mark.parametrize("n_epochs", [1, 3, 6])
def test_interrupted_and_resumed_equals_uninterrupted(folded, n_epochs):
    straight = folded("straight")
    with pytest.raises(InterruptedRunError, match=r"Go on with: rapidity train .*--resume"):
        folded("broken", options={"progress": StopAfter(n_epochs)})
    resumed = folded("broken", options={"resume": True})
    first, second = (OnnxModel.load(run.path.model) for run in (straight, resumed))
    assert first.path.read_bytes() == second.path.read_bytes()
    assert straight.metrics == resumed.metrics


def test_a_finished_run_is_refused_resumed_or_replaced(folded):
    run = folded()
    with pytest.raises(ConfigError, match="already holds a run"):
        folded()
    before = run.path.model.read_bytes()
    assert folded(options={"resume": True}).path.model.read_bytes() == before
    other = folded(options={"overwrite": True}, folds={"count": 4})
    assert other.model.folds.count == 4
    assert other.path.fold(3).is_run
    smaller = folded(options={"overwrite": True})
    assert not smaller.path.fold(3).path.exists()


def test_other_folds_cannot_be_resumed(folded):
    folded()
    with pytest.raises(ConfigError, match=r"training.folds was 3 by 'event', is 4 by 'event'"):
        folded(options={"resume": True}, folds={"count": 4})


def test_a_run_with_folds_does_not_go_on_without(folded, config, tmp_path):
    run = folded()
    without = config("without", without=[("training", "folds")])
    with pytest.raises(ConfigError, match=r"training.folds was 3 by 'event', is not given"):
        train_run(without, output=run.folder, resume=True)
    assert run.path.fold(0).is_run


@pytest.mark.slow
def test_two_processes_train_what_one_trains(folded):
    one, two = folded("one"), folded("two", folds={"workers": 2})
    for index in range(COUNT):
        first, second = (fold_model(run, index) for run in (one, two))
        assert same_but_configuration(first, second)
    assert one.metrics == two.metrics
    assert two.record["parity"]["max_deviation"] <= two.record["parity"]["tolerance"]


def same_but_configuration(first, second):
    import onnx

    graphs = [onnx.load(model.path).graph.SerializeToString(deterministic=True) for model in (first, second)]
    return graphs[0] == graphs[1]


@pytest.mark.slow
@pytest.mark.cluster
def test_a_cluster_trains_what_one_process_trains(folded):
    pytest.importorskip("distributed")
    one, many = folded("one"), folded("many", options={"cluster": "local:2"})
    assert all(same_but_configuration(fold_model(one, i), fold_model(many, i)) for i in range(COUNT))
    assert one.metrics == many.metrics
    assert load_config(many.path.fold(0).config).config.cluster is None


class InterruptedExecutor:
    """Trains so many folds in this process, then is interrupted."""

    def __init__(self, n_folds):
        self.n_folds = n_folds

    def run(self, function, tasks):
        for index, task in enumerate(tasks[: self.n_folds]):
            yield index, function(task)
        raise KeyboardInterrupt


def test_interrupted_processes_go_on(folded, monkeypatch):
    straight = folded("straight")
    with monkeypatch.context() as patch:
        opened = nullcontext(InterruptedExecutor(1))
        patch.setattr("rapidity.workflow.folds.open_executor", lambda *_: opened)
        expected = r"1 of 3 folds are trained, the others are saved in .*folds up to .* Go on with: rapidity"
        with pytest.raises(InterruptedRunError, match=expected):
            folded("broken", folds={"workers": 2})
    resumed = folded("broken", options={"resume": True})
    assert all(same_but_configuration(fold_model(straight, i), fold_model(resumed, i)) for i in range(COUNT))


@pytest.mark.slow
def test_an_error_of_a_fold_comes_back_from_its_process(folded):
    with pytest.raises(TrainingError, match=r"loss became|not finite"):
        folded(folds={"workers": 2}, optimizer={"type": "sgd", "learning_rate": 1e30})


def test_other_events_go_to_the_network_of_their_number(folded, events, tmp_path, tiny_events, save_csv):
    run = folded()
    other = tiny_events(100, seed=9)
    save_csv(tmp_path / "other.csv", other)
    metrics = evaluate_run(run.folder, [str(tmp_path / "other.csv")])
    assert metrics["split"] == "all"
    fold = np.mod(other["event"], COUNT)
    assert metrics["folds"]["events"] == np.bincount(fold, minlength=COUNT).tolist()
    assert run.evaluate() == run.metrics


def test_other_events_with_all_columns_as_features(folded, tmp_path):
    blocks = {"features": "all", "inputs": {"features": {"columns": "all", "exclude": ["code", "weight"]}}}
    run = folded(blocks=blocks)
    assert "event" not in fold_model(run, 0).inputs
    metrics = evaluate_run(run.folder, [str(tmp_path / "events.csv")])
    assert metrics["accuracy"] == pytest.approx(run.metrics["accuracy"])


def test_other_events_need_the_number(folded, events, tmp_path, save_csv):
    run = folded()
    save_csv(tmp_path / "other.csv", {name: values for name, values in events.items() if name != "event"})
    with pytest.raises(DataError, match="'event'"):
        evaluate_run(run.folder, [str(tmp_path / "other.csv")])


def test_the_network_of_one_fold_is_probed(folded):
    run = folded()
    with pytest.raises(DataError, match=r"holds a network for each of 3 folds.*folds/0 to .*folds/2"):
        probe_run(run.folder, "relu_1", "n_jets >= 2")


@pytest.mark.slow
def test_a_fold_is_probed_like_any_run(folded):
    run = folded()
    assert 0 <= probe_run(run.path.fold(1).path, "relu_1", "n_jets >= 2").metrics["accuracy"] <= 1


def test_checking_names_the_events_of_each_fold(config):
    result = check_config(config())
    assert list(result.events) == ["fold 0", "fold 1", "fold 2"]
    assert sum(sum(numbers.values()) for numbers in result.events.values()) == N_EVENTS
    assert result.name == "tiny"


def test_a_fold_without_a_class_is_named(config, events, tmp_path, save_csv):
    save_csv(tmp_path / "events.csv", {**events, "event": np.arange(N_EVENTS) * 2 + 7})
    with pytest.raises(
        DataError, match=r"fold 0 \(where 'event' modulo 4 is 0\) has no event of class background"
    ):
        check_config(config(folds={"count": 4}))


def test_an_error_in_one_fold_says_in_which(config, events, tmp_path, save_csv):
    """The weights of one class cancel in one fold only."""
    weight = np.ones(N_EVENTS)
    rows = np.flatnonzero((np.mod(events["event"], COUNT) == 2) & (events["code"] == 1))
    weight[rows] = np.resize([1.0, -1.0], len(rows))
    weight[rows[-1]] -= weight[rows].sum()
    save_csv(tmp_path / "events.csv", {**events, "weight": weight})
    with pytest.raises(DataError, match="fold 2: the event weights of class 'signal' sum to"):
        check_config(config(data={**DATA, "event_weight": "weight"}))


def test_a_repeated_key_is_told(config, events, tmp_path, save_csv):
    save_csv(tmp_path / "events.csv", {**events, "event": events["event"] // 6})
    warnings = check_config(config()).warnings
    assert [text for text in warnings if text.startswith("repeated_event: the key (event) is not unique")]


def test_the_key_is_whole(config, events, tmp_path, save_csv):
    save_csv(tmp_path / "events.csv", {**events, "event": events["event"] + 0.5})
    with pytest.raises(DataError, match=r"column 'event' of .*: found .* expected a whole number"):
        check_config(config())


def test_a_spectator_cannot_be_called_fold(config, events, tmp_path, save_csv):
    save_csv(tmp_path / "events.csv", {**events, "fold": events["event"]})
    with pytest.raises(ConfigError, match=r"scores.parquet has columns fold of its own"):
        check_config(config(data={**DATA, "spectators": ["fold"]}))


def test_a_column_with_an_unusual_name_tells_the_fold(folded, events, tmp_path, save_csv):
    save_csv(tmp_path / "events.csv", {**events, "event-number": events["event"]})
    run = folded(data={**DATA, "event_key": ["event", "event-number"]})
    assert run.model.folds.event_number == "event-number"
    assert load_config(run.path.fold(0).config).config.preparation.split.by == "`event-number` % 3"


def test_the_matrix_takes_the_number_beside_it(folded, events):
    run = folded(blocks={"deliver": {"signature": "matrix"}})
    assert [value.name for value in run.model.session.get_inputs()] == ["columns", "event"]
    found = run.model.run(features_of(events, run.model))
    np.testing.assert_array_equal(found.fold, np.mod(events["event"], COUNT))


def test_a_cluster_without_folds_has_nothing_to_do(config, write_config, tmp_path, events):
    path = write_config(tmp_path / "one.yaml", data=DATA, training=TRAINING)
    with pytest.raises(ConfigError, match=r"a cluster is given, but one network is trained in one process"):
        train_run(path, output=tmp_path / "one", cluster="local:2")
    with pytest.raises(ConfigError, match=r"a cluster is given, but a module of your own"):
        train_run(config(without=[["network"]]), output=tmp_path / "one", cluster="local:2", module=dict)


def test_warnings_of_folds_are_joined(config):
    loaded = load_config(config())
    folds = prepare_folds(loaded.config, loaded.base)
    everywhere = GuardFinding("constant_feature", "warn", "eta is constant")
    here = GuardFinding("duplicates", "warn", "two are equal")
    found = [(everywhere,), (everywhere, here), (everywhere,)]
    changed = [replace(fold, findings=findings) for fold, findings in zip(folds, found, strict=True)]
    assert join_warnings(changed) == [
        "constant_feature: eta is constant",
        "fold 1: duplicates: two are equal",
    ]


@given(
    event=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=30),
    count=st.integers(3, 9),
    index=st.integers(0, 8),
)
@examples(deadline=None)
def test_the_split_of_a_fold_is_the_modulo_of_its_number(event, count, index):
    """The splits of the runs are those that the model file makes, whatever the sign and size of a number."""
    config = RunConfig.model_validate(
        {"name": "tiny", "data": DATA, "features": ["pt"], "training": {"folds": {"count": count}}}
    )
    numbers, index = np.array(event, dtype=np.int64), index % count
    split = fold_config(config, index).preparation.split
    found = np.asarray(parse_expression(split.by).evaluate({"event": numbers}))
    np.testing.assert_array_equal(found, np.mod(numbers, count))
    assert split.test == (index,)
    assert split.validation == ((index + 1) % count,)


def test_a_module_is_made_for_each_fold(folded, events):
    torch = pytest.importorskip("torch")

    def make(shapes):
        (width,) = shapes["features"]
        return torch.nn.Sequential(torch.nn.Linear(width, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))

    changes = {"engine": "torch", "device": "cpu", "without": [["network"]]}
    with pytest.raises(ConfigError, match=r"but the module given is one \(Linear\)"):
        folded("one", options={"module": torch.nn.Linear(4, 1)}, **changes)
    run = folded("made", options={"module": functools.partial(make)}, **changes)
    np.testing.assert_array_equal(
        run.model.run(features_of(events, run.model)).fold, np.mod(events["event"], COUNT)
    )
