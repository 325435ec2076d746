"""What a conversion writes is trained on directly."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from rapidity.workflow import convert_files, evaluate_run, train_run

pytestmark = pytest.mark.usefixtures("without_plots")


@pytest.fixture
def converted(tmp_path):
    """Return a function that converts two samples into a file of this name."""
    import awkward as ak
    import uproot

    for number, name in enumerate(("background", "signal")):
        rng = np.random.default_rng(number)
        counts = rng.poisson(3 + number, 400)
        with uproot.recreate(tmp_path / f"{name}.root") as file:
            file["events"] = {
                "met": rng.exponential(20 + 20 * number, 400).astype(np.float32),
                "weight": rng.choice([-1.0, 1.0, 1.0, 1.0], 400),
                "event": np.arange(400) + 1000 * number,
                "jet_pt": ak.unflatten(rng.exponential(30, counts.sum()).astype(np.float32), counts),
            }
    config = {
        "sources": [
            {
                "path": "background.root",
                "class": "background",
                "cross_section": 10.0,
                "sum_of_weights": "sum",
            },
            {"path": "signal.root", "class": "signal", "cross_section": 1.0, "sum_of_weights": "sum"},
        ],
        "generator_weight": "weight",
        "luminosity": 0.14,
        "columns": ["met", "event"],
        "collections": {"jets": {"columns": ["jet_pt"], "n_objects": 4}},
    }
    (tmp_path / "convert.yaml").write_text(yaml.safe_dump(config))

    def run(name):
        convert_files(tmp_path / "convert.yaml", tmp_path / name, n_workers=1)
        return tmp_path / name

    return run


def train(tmp_path, source, columns):
    config = {
        "name": "trained",
        "data": {
            "sources": [{"path": str(source)}], "target": "class", "event_weight": "event_weight",
            "event_key": ["event"],
        },
        "inputs": {"event": {"columns": columns}},
        "network": {"type": "mlp", "hidden": [8]},
        "training": {"engine": "numpy", "epochs": 2, "batch_size": 100},
    }  # fmt: skip
    (tmp_path / "train.yaml").write_text(yaml.safe_dump(config))
    return train_run(tmp_path / "train.yaml", output=tmp_path / "run")


@pytest.mark.numpy
@pytest.mark.parametrize("name", ["events.h5", "events.parquet"])
def test_all_columns_of_the_output_are_neither_codes_nor_identity(converted, tmp_path, name):
    run = train(tmp_path, converted(name), "all")
    assert list(run.model.inputs) == ["met", "n_jets"]
    assert run.model.classes.names == ("background", "signal")
    assert run.metrics["test_auc"]["signal"] > 0.5


@pytest.mark.numpy
def test_objects_of_the_output_are_features(converted, tmp_path):
    run = train(tmp_path, converted("events.h5"), ["met", "ht = sum(jet_pt)", "n_hard = count(jet_pt > 30)"])
    assert "jet_pt" in run.model.inputs
    assert run.metrics["test_auc"]["signal"] > 0.5


@pytest.mark.numpy
def test_scores_of_the_ntuples_warn_of_what_the_conversion_changed(converted, tmp_path):
    """Objects are ordered and cut off by a conversion: a model that learnt so scores others otherwise."""
    run = train(tmp_path, converted("events.h5"), ["met", "sum(jet_pt)"])
    ntuple = tmp_path / "signal.root"
    (note,) = run.predict([ntuple], tmp_path / "scores").notes
    assert "(jet_pt: ordered by jet_pt, at most 4 objects), but signal.root is taken as it is" in note
    assert run.predict([ntuple], tmp_path / "scores.csv").notes == (note,)
    (tmp_path / "map.yaml").write_text("columns: {jet_pt: jet_pt}")
    assert run.predict([ntuple], tmp_path / "mapped", columns=tmp_path / "map.yaml").notes == ()
    summary = run.predict([tmp_path / "events.h5"], tmp_path / "scores")
    assert summary.notes == ()
    assert note not in str(summary)


@pytest.mark.numpy
@pytest.mark.parametrize("name", ["events.h5", "events.parquet"])
def test_computed_columns_and_selected_events_of_a_conversion_are_told(converted, tmp_path, name):
    converted(name)
    changed = [
        "columns=[{met: met / 1000}, event, jet_pt]", "selection=met > 5",
        "collections={jet: {order_by: file, select: jet_pt > 20}}",
    ]  # fmt: skip
    convert_files(tmp_path / "convert.yaml", tmp_path / name, n_workers=1, overrides=changed, overwrite=True)
    run = train(tmp_path, tmp_path / name, ["met", "sum(jet_pt)"])
    columns, selection = run.predict([tmp_path / "signal.root"], tmp_path / "scores").notes
    assert "(met: computed as `met / 1000`; jet_pt: only objects with `jet_pt > 20`)" in columns
    assert selection.endswith("by their conversion (met > 5), of which `pass` knows nothing")


@pytest.mark.numpy
def test_files_of_another_format_are_evaluated_without_naming_their_table(converted, tmp_path):
    """The `dataset:` of the training was looked for in the tree."""
    source = converted("events.h5")
    config = {
        "name": "trained",
        "data": {
            "sources": [
                {"path": str(source), "dataset": "events", "class": name} for name in ("background", "signal")
            ],
        },
    }
    config |= {
        "inputs": {"event": {"columns": ["met"]}},
        "network": {"type": "mlp", "hidden": [4]},
        "training": {"engine": "numpy", "epochs": 1, "batch_size": 100},
    }
    config["data"]["guards"] = {"repeated_event": "off", "duplicates": "off"}
    (tmp_path / "train.yaml").write_text(yaml.safe_dump(config))
    train_run(tmp_path / "train.yaml", output=tmp_path / "run")
    files = [f"{name}={tmp_path / name}.root" for name in ("background", "signal")]
    metrics = evaluate_run(tmp_path / "run", files)
    assert metrics["counts"]["all"] == {"background": 400, "signal": 400}


@pytest.mark.numpy
def test_arrays_of_objects_train_the_same_network_before_and_after_a_conversion(tmp_path):
    """`collections` of a conversion means what `data.collections` of a run does."""
    rng = np.random.default_rng(3)
    label = np.arange(300) % 2
    is_object = rng.random((300, 5)) < 0.6
    fields = [rng.exponential(20 + 20 * label[:, np.newaxis], (300, 5)), rng.normal(size=(300, 5))]
    x = np.stack(fields, axis=-1).astype(np.float32) * is_object[..., np.newaxis]
    np.savez(tmp_path / "jets.npz", X=x, label=label, number=np.arange(300))
    block = {"array": "X", "fields": ["pt", "eta"], "absent": {"pt": 0}}
    conversion = {
        "sources": [{"path": "jets.npz"}],
        "collections": {"constituents": {**block, "order_by": "file"}},
    }
    (tmp_path / "convert.yaml").write_text(yaml.safe_dump(conversion))
    convert_files(tmp_path / "convert.yaml", tmp_path / "jets.h5", n_workers=1)
    features = ["log(pt)", "eta", "z = pt / sum(pt)"]
    cloud = {"kind": "cloud", "features": features, "n_objects": 3, "order_by": "pt"}

    def fit(source, **data):
        config = {
            "name": "jets",
            "data": {
                "sources": [{"path": source}], "target": "label", "classes": {"gluon": 0, "quark": 1}, **data,
            },
            "inputs": {"constituents": cloud},
            # Without a number of their own, events are known by the names of their files.
            "preparation": {"split": {"by": "number // 2 % 10", "validation": [8], "test": [9]}},
            "network": {"type": "deep_sets", "object_hidden": [8], "hidden": [8]},
            "training": {"engine": "numpy", "epochs": 2, "batch_size": 50},
        }  # fmt: skip
        (tmp_path / "train.yaml").write_text(yaml.safe_dump(config))
        return train_run(tmp_path / "train.yaml", output=tmp_path / "runs" / source)

    stored, converted = fit("jets.npz", collections={"constituents": block}), fit("jets.h5")
    assert stored.metrics == converted.metrics
