"""What a user can ask of a run, from the data to the delivered files."""

from __future__ import annotations

import json

import numpy as np
import onnx
import onnxruntime
import pyarrow.parquet
import pytest
from onnx import numpy_helper

from rapidity.config import RunConfig
from rapidity.core.errors import DataError, ParityError
from rapidity.workflow import check_config, evaluate_run, train_run, write_run_report

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

TOLERANCE = 1e-6  # of probabilities in float32 that the same graph gives for other batches


@pytest.fixture
def folder(tmp_path):
    return tmp_path


@pytest.fixture
def events(folder, tiny_events, save_csv):
    """Return two classes of events, which are in events.csv too."""
    made = tiny_events()
    save_csv(folder / "events.csv", made)
    return made


def read_scores(run):
    columns = pyarrow.parquet.read_table(run.path.scores).to_pydict()
    return {name: np.array(values) for name, values in columns.items()}


def model_constants(run):
    graph = onnx.load(run.path.model).graph
    return {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}


def same_constants(first, second):
    one, two = model_constants(first), model_constants(second)
    return one.keys() == two.keys() and all(np.array_equal(one[name], two[name]) for name in one)


@pytest.mark.slow
def test_everything_is_drawn_and_delivered(events, folder, write_config):
    deliver = {
        "model": "particles.onnx", "metrics": "particles.json", "report": "page.html", "roc": "roc.pdf",
        "history": "loss.png", "confusion": "confusion.png",
    }  # fmt: skip
    config = write_config(deliver=deliver, evaluation={"bootstrap": 3, "formats": ["pdf"]})
    run = train_run(config, output=folder / "run")
    drawn = {path.relative_to(run.path.plots).as_posix() for path in run.path.plots.rglob("*.png")}
    assert {
        "evaluation/roc.png", "evaluation/confusion.png", "evaluation/precision_recall.png",
        "validation/loss.png", "validation/accuracy.png", "validation/auc.png", "validation/rate.png",
        "inputs/feature_pt.png", "inputs/correlation_signal.png", "network.png",
    } <= drawn  # fmt: skip
    assert {path.with_suffix(".pdf").as_posix() for path in run.path.plots.rglob("*.png")} == {
        path.as_posix() for path in run.path.plots.rglob("*.pdf")
    }
    copies = {
        "particles.onnx": run.path.model,
        "particles.json": run.path.metrics,
        "page.html": run.path.report,
    }
    for name, original in copies.items():
        assert (run.folder / name).read_bytes() == original.read_bytes()
    assert (run.folder / "roc.pdf").read_bytes().startswith(b"%PDF")
    assert (run.folder / "loss.png").read_bytes() == (run.path.plots / "validation/loss.png").read_bytes()
    page = run.path.report.read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") >= 10
    assert 'src="http' not in page
    run.path.report.unlink()
    assert write_run_report(run.folder).read_text(encoding="utf-8") == page


@pytest.mark.slow
def test_odd_names_and_very_few_events(folder, write_config, tiny_events, save_csv):
    """Names with slashes, blanks, markup and other alphabets; test splits of one event a class."""
    made = tiny_events(30, n_classes=3)
    names = np.array(["../W", "t t\u0304 <b>", "H\u2192\u03b3\u03b3"], dtype=object)
    columns = {"p t": made["pt"], "jet.eta": made["eta"], "a/b": made["n_jets"]}
    save_csv(folder / "events.csv", {**columns, "kind": names[made["code"]]})
    features = ["p t", "jet.eta", "`a/b` >= 2", "where(`jet.eta` > 0, `p t` / (1 + `a/b`), exp(-`p t`))"]
    run = train_run(write_config(features=features, preparation={}), output=folder / "run")
    assert set(run.model.inputs) == set(columns)
    assert all(name in run.summary() for name in names)
    outside = {path.name for path in folder.iterdir()}
    assert outside == {"events.csv", "config.yaml", "run"}
    page = run.path.report.read_text(encoding="utf-8")
    assert "t t\u0304 &lt;b&gt;" in page
    run.predict(folder / "events.csv", folder / "scores.parquet")
    with pytest.raises(DataError, match=r"'score_../W' cannot be written to .*: HDF5 takes '/' in a name"):
        run.predict(folder / "events.csv", folder / "scores.h5")
    assert not (folder / "scores.h5").exists()


def test_same_seed_gives_the_same_run_and_another_seed_another(events, train):
    training = {"epochs": 2, "batch_size": 128, "device": "cpu", "seed": 5}
    first, second = train("first", training=training), train("second", training=training)
    assert same_constants(first, second)
    assert first.path.metrics.read_bytes() == second.path.metrics.read_bytes()
    assert not same_constants(first, train("third", training={**training, "seed": 6}))


def test_classes_may_come_from_sources_and_be_three(folder, train, tiny_events, save_csv):
    made = tiny_events(600, n_classes=3)
    sources = []
    for code, name in enumerate(("other", "signal", "background")):
        rows = {key: values[made["kind"] == name] for key, values in made.items()}
        for part in (0, 1):
            save_csv(folder / f"{name}_{part}.csv", {key: values[part::2] for key, values in rows.items()})
        sources.append({"path": f"{name}_*.csv", "class": name})
        assert code < len(sources)
    run = train(data={"sources": sources})
    scores = read_scores(run)
    assert run.metrics["classes"] == ["other", "signal", "background"]
    assert [name for name in scores if name.startswith("score_")] == [
        "score_other", "score_signal", "score_background"
    ]  # fmt: skip
    total = scores["score_other"] + scores["score_signal"] + scores["score_background"]
    np.testing.assert_allclose(total, 1, atol=TOLERANCE)
    assert len(set(scores["source_file"])) == 6


def test_labels_may_lie_in_a_file_of_their_own(events, folder, train, save_csv):
    save_csv(folder / "tracks.csv", {name: events[name] for name in ("pt", "eta", "met", "n_jets")})
    save_csv(folder / "labels.csv", {"kind": events["kind"]})
    apart = train("apart", data={"sources": [{"path": "tracks.csv", "join": "labels.csv"}], "target": "kind"})
    assert (read_scores(apart)["class"] == events["kind"]).all()
    assert len(apart.record["data_sha256"]) == 2


def test_a_source_may_be_fixed_to_a_split_and_limited(folder, train, tiny_events, save_csv):
    save_csv(folder / "first.csv", tiny_events(400, seed=1))
    save_csv(folder / "second.csv", tiny_events(400, seed=2))
    sources = [{"path": "first.csv"}, {"path": "second.csv", "split": "test", "limit": 90}]
    run = train(
        data={"sources": sources, "target": "kind"},
        preparation={"split": {"train": 0.8, "validation": 0.2, "test": 0.0}},
    )
    scores = read_scores(run)
    is_second = np.char.endswith(scores["source_file"].astype(str), "second.csv")
    assert is_second.sum() == 90
    assert (scores["source_entry"][is_second] == np.arange(90)).all()
    assert ((scores["split"] == "test") == is_second).all()


def test_duplicates_and_selection_leave_the_identity_alone(events, folder, train, save_csv):
    twice = {name: np.concatenate([values, values[:50]]) for name, values in events.items()}
    save_csv(folder / "events.csv", twice)
    data = {
        "sources": [{"path": "events.csv"}],
        "target": "kind",
        "drop_duplicates": True,
        "selection": "pt > 20 and n_jets < 4",
    }
    scores = read_scores(train(data=data))
    kept = np.flatnonzero((events["pt"] > 20) & (events["n_jets"] < 4))
    assert (scores["source_entry"] == kept).all()


def test_expressions_work_in_the_model_file(events, folder, train, save_csv):
    rng = np.random.default_rng(3)
    leptons = {
        f"{name}_{part}": values
        for name in ("l0", "l1")
        for part, values in {
            "pt": rng.uniform(20, 90, 600),
            "eta": rng.uniform(-2, 2, 600),
            "phi": rng.uniform(-3, 3, 600),
        }.items()
    }
    save_csv(folder / "events.csv", {**leptons, "kind": events["kind"]})
    objects = {
        name: {"pt": f"{name}_pt", "eta": f"{name}_eta", "phi": f"{name}_phi", "mass": "0.000511"}
        for name in ("l0", "l1")
    }
    features = ["m_ll = mass(l0, l1)", "delta_r(l0, l1)", "l0_pt / (l0_pt + l1_pt)", "l0_pt > 50"]
    run = train(
        data={"sources": [{"path": "events.csv"}], "target": "kind", "objects": objects},
        features=features,
        preparation={},
    )
    assert set(run.model.inputs) == set(leptons)
    session = onnxruntime.InferenceSession(run.path.model)
    fed = {
        entry.name: leptons[entry.name].astype("f8" if "double" in entry.type else "f4")
        for entry in session.get_inputs()
    }
    (probabilities,) = session.run(["probabilities"], fed)
    np.testing.assert_allclose(probabilities[:, 1], read_scores(run)["score_signal"], atol=TOLERANCE)


@pytest.mark.parametrize("policy", ["ignore", "absolute", "drop", "keep"])
@pytest.mark.parametrize("is_balanced", [False, True])
def test_signed_weights_with_every_policy(events, train, policy, is_balanced):
    data = {"sources": [{"path": "events.csv"}], "target": "kind", "event_weight": "weight"}
    weight = {"event_weight": policy, "balance_classes": is_balanced}
    run = train(data=data, training={"epochs": 2, "batch_size": 128, "device": "cpu", "weight": weight})
    scores = read_scores(run)
    # Whatever the loss does, every event is scored and counts with its own signed weight.
    assert (scores["event_weight"] == events["weight"]).all()
    is_test = scores["split"] == "test"
    for name in ("background", "signal"):
        expected = events["weight"][is_test & (events["kind"] == name)].sum()
        assert run.metrics["yields"]["test"][name] == pytest.approx(expected)
    assert np.isfinite(run.metrics["test_auc"]["signal"])


def test_one_matrix_instead_of_columns(events, train):
    run = train("matrix", deliver={"signature": "matrix"})
    session = onnxruntime.InferenceSession(run.path.model)
    (entry,) = session.get_inputs()
    kind = "f8" if "double" in entry.type else "f4"
    matrix = np.column_stack([events[name] for name in run.model.inputs]).astype(kind)
    (probabilities,) = session.run(["probabilities"], {entry.name: matrix})
    np.testing.assert_allclose(probabilities[:, 1], read_scores(run)["score_signal"], atol=TOLERANCE)
    (by_column,) = [read_scores(train("columns"))["score_signal"]]
    np.testing.assert_allclose(probabilities[:, 1], by_column, atol=TOLERANCE)


BRANCHES = {
    "layers": [
        {"type": "dense", "name": "left", "units": 6, "inputs": "kinematics"},
        {"type": "batch_norm"},
        {"type": "activation", "name": "left_out", "function": "selu"},
        {"type": "dense", "name": "right", "units": 6, "inputs": "rest"},
        {"type": "add", "name": "sum", "inputs": ["left_out", "right"]},
        {"type": "concatenate", "inputs": ["sum", "kinematics"]},
        {"type": "layer_norm"},
        {"type": "dropout", "rate": 0.1},
        "gelu",
    ]
}
INPUTS = {"kinematics": {"columns": ["pt", "eta"]}, "rest": {"columns": ["met", "n_jets"]}}


@pytest.fixture
def two_inputs(settings):
    """Return a configuration with two inputs in place of the list of features."""
    return settings(inputs=INPUTS)


def test_several_inputs_and_branches(events, folder, two_inputs, without_plots):
    path = folder / "branches.yaml"
    path.write_text(json.dumps({**two_inputs, "network": BRANCHES}))  # JSON is YAML
    run = train_run(path, output=folder / "run")
    assert set(run.model.inputs) == {"pt", "eta", "met", "n_jets"}
    assert run.record["n_parameters"] > 0


class TwoTowers(torch.nn.Module):
    def __init__(self, shapes):
        super().__init__()
        (n_left,), (n_right,) = shapes["kinematics"], shapes["rest"]
        self.left = torch.nn.Linear(n_left, 5)
        self.right = torch.nn.Linear(n_right, 5)
        self.head = torch.nn.Linear(10, 1)

    def forward(self, kinematics, rest):
        towers = torch.cat([self.left(kinematics).relu(), self.right(rest).tanh()], dim=1)
        return self.head(towers)


def make_towers(shapes):
    return TwoTowers(shapes)


def make_seeded_towers():
    # By chance all first logits may lie between 0 and 1, which is warned of as a final sigmoid.
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return TwoTowers({"kinematics": (2,), "rest": (3,)})


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of PyTorch's own exporter
@pytest.mark.parametrize(
    "module",
    [make_towers, TwoTowers, make_seeded_towers()],
    ids=["function", "class", "instance"],
)
def test_module_of_the_users_own(events, folder, two_inputs, without_plots, monkeypatch, module):
    monkeypatch.chdir(folder)
    block = {key: value for key, value in two_inputs.items() if key != "network"}
    config = RunConfig.model_validate(block)
    run = train_run(config, output=folder / "run", module=module)
    assert run.record["parity"]["max_deviation"] <= run.record["parity"]["tolerance"]
    assert run.record["n_parameters"] == sum(
        p.numel() for p in make_towers({"kinematics": (2,), "rest": (3,)}).parameters()
    )
    session = onnxruntime.InferenceSession(run.path.model)
    assert {entry.name for entry in session.get_inputs()} == {"pt", "eta", "met", "n_jets"}


def test_a_model_that_differs_from_the_engine_is_not_kept(events, folder, train, monkeypatch):
    from rapidity.engines.torch.model import TorchModel

    honest = TorchModel.predict

    def predict(*arguments, **keys):
        return {name: logits + np.float32(0.01) for name, logits in honest(*arguments, **keys).items()}

    with monkeypatch.context() as patched:
        patched.setattr(TorchModel, "predict", predict)
        with pytest.raises(ParityError, match="does not reproduce the engine"):
            train()
    assert not (folder / "runs" / "run" / "model.onnx").exists()
    assert not (folder / "runs" / "run" / "metrics.json").exists()
    run = train(options={"overwrite": True})
    assert not list(run.folder.glob("*rejected*"))


def test_evaluation_on_other_events(events, folder, train, tiny_events, save_csv):
    run = train()
    other = tiny_events(300, seed=9)
    save_csv(folder / "other.csv", other)
    metrics = evaluate_run(run.folder, [str(folder / "other.csv")])
    assert metrics["counts"]["all"] == {"background": 150, "signal": 150}
    assert set(metrics["all_auc"]) == {"background", "signal"}


def test_check_describes_what_would_be_trained_and_writes_nothing(events, folder, write_config):
    before = sorted(folder.rglob("*"))
    config = write_config()
    result = check_config(config)
    assert result.events["train"] == {"background": 180, "signal": 180}
    assert result.features["features"] == ("pt", "eta", "met", "missing(met)", "n_jets")
    assert result.n_parameters == (5 + 1) * 8 + 9
    assert sorted(folder.rglob("*")) == sorted([*before, config])
