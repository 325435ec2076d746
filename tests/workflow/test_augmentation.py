"""Whole runs whose training events are augmented."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest
import uproot

from rapidity.config import load_config
from rapidity.core.errors import ConfigError, DataError, InterruptedRunError
from rapidity.core.jagged import Jagged
from rapidity.core.progress import SilentProgress
from rapidity.core.records import ResidentBatches
from rapidity.data.writers import OutputColumn, open_writer
from rapidity.training.augmentation import AugmentedPasses
from rapidity.training.passes import StreamedPasses
from rapidity.workflow.augment import build_augmenter
from rapidity.workflow.fold_run import fold_config
from rapidity.workflow.prepare import prepare_run

N_EVENTS, SIDE = 300, 6
LEPTONS = {f"lepton{i}": {name: f"l{i}_{name}" for name in ("pt", "eta", "phi")} for i in (0, 1)}
FEATURES = ["l0_pt", "l1_eta", "mass(lepton0, lepton1)", "delta_phi(lepton0, lepton1)"]
IMAGE = {"kind": "image", "column": "image"}
NETWORK = {
    "layers": [
        {"type": "flatten", "name": "flat", "inputs": "image"},
        {"type": "concatenate", "inputs": ["flat", "event"]},
        {"type": "dense", "units": 8},
        "relu",
    ]
}
OF_COLUMNS = ["rotate_phi", "reflect_eta", "boost_z", {"type": "smear_momentum", "relative": 0.05}]
OF_ARRAYS = ["flip", {"type": "shift", "pixels": 1}, "mix_up"]
# Sums of float32 are taken in another order by each engine.
SAME_LOSS = 1e-3


@pytest.fixture
def data(tmp_path):
    """Return the `data:` block of two leptons and an image per event."""
    rng = np.random.default_rng(1)
    kind = np.arange(N_EVENTS) % 2
    images = rng.integers(0, 100, (N_EVENTS, SIDE, SIDE)).astype(np.uint8)
    images[kind == 1, 1:4, 2:5] += 80
    columns = {"image": images, "kind": kind, "event": np.arange(N_EVENTS)}
    for i in (0, 1):
        columns[f"l{i}_pt"] = rng.exponential(30 + 10 * kind) + 5
        columns[f"l{i}_eta"] = rng.normal(0, 1, N_EVENTS)
        columns[f"l{i}_phi"] = rng.uniform(-np.pi, np.pi, N_EVENTS)
    angles = np.cosh(columns["l0_eta"] - columns["l1_eta"]) - np.cos(columns["l0_phi"] - columns["l1_phi"])
    columns["m_ll"] = np.sqrt(2 * columns["l0_pt"] * columns["l1_pt"] * angles)
    with h5py.File(tmp_path / "events.h5", "w") as file:
        for name, values in columns.items():
            file[name] = values
    return {
        "sources": [{"path": str(tmp_path / "events.h5")}],
        "target": "kind",
        "classes": {"background": 0, "signal": 1},
        "objects": LEPTONS,
    }


@pytest.fixture
def blocks(data):
    """Return a function from augmentations to the blocks of a configuration."""

    def build(*augmentation, features=FEATURES, **training):
        usual = {"engine": "numpy", "epochs": 2, "batch_size": 32, "device": "cpu"}
        return {
            "data": data,
            "inputs": {"image": IMAGE, "event": {"columns": features}},
            "preparation": {"split": {"train": 0.6, "validation": 0.2, "test": 0.2}},
            "network": NETWORK,
            "training": {**usual, "augmentation": list(augmentation), **training},
            "evaluation": {"bootstrap": 2},
        }

    return build


@pytest.fixture
def prepare(write_config):
    """Return a function from blocks to the prepared run."""

    def run(**blocks):
        return prepare_run(load_config(write_config(**blocks)).config, Path())

    return run


def read_history(run):
    rows = [line.split(",") for line in run.path.history.read_text().split()]
    return {name: values for name, *values in zip(*rows, strict=True) if name != "seconds"}


@pytest.mark.parametrize(
    "engine",
    [pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("torch", "tensorflow")],
)
def test_every_engine_trains_on_the_same_augmented_events(train, blocks, engine):
    pytest.importorskip(engine)
    runs = [train(name, **blocks(*OF_COLUMNS, *OF_ARRAYS, engine=name)) for name in ("numpy", engine)]
    for name in ("train_loss", "validation_loss"):
        losses = [np.array(read_history(run)[name], np.float64) for run in runs]
        np.testing.assert_allclose(losses[1], losses[0], rtol=SAME_LOSS)


def test_augmentation_that_does_nothing_leaves_the_bits(train, blocks):
    plain, idle = (
        read_history(train(name, **blocks(*listed)))
        for name, listed in (("plain", ()), ("idle", [{"type": "flip", "probability": 1e-12}]))
    )
    assert plain == idle


def test_the_preparation_does_not_know_of_it(prepare, blocks):
    plain, augmented = prepare(**blocks()), prepare(**blocks(*OF_COLUMNS, *OF_ARRAYS))
    assert plain.preparation == augmented.preparation
    for name in ("validation_batch", "test_batch", "train_batch"):
        inputs = [getattr(one, name)().inputs for one in (plain, augmented)]
        assert all(np.array_equal(inputs[0][key], inputs[1][key]) for key in inputs[0])


class Notes(SilentProgress):
    """Keeps what is said."""

    def __init__(self):
        self.said = []

    def note(self, message):
        self.said.append(message)


class Interrupting(SilentProgress):
    """Presses Ctrl-C after the second epoch."""

    @contextmanager
    def task(self, description, total=None, unit=""):
        self._is_training = description == "Training"
        yield self

    def advance(self, amount=1, **fields):
        if self._is_training and "loss" in fields:
            self._n_epochs = getattr(self, "_n_epochs", 0) + 1
            if self._n_epochs == 2:
                raise KeyboardInterrupt


def test_an_interrupted_run_ends_like_one_that_was_not(train, blocks):
    settings = blocks(*OF_COLUMNS, *OF_ARRAYS, epochs=4)
    whole = train("whole", **settings)
    with pytest.raises(InterruptedRunError):
        train("stopped", options={"progress": Interrupting()}, **settings)
    resumed = train("stopped", options={"resume": True}, **settings)
    assert read_history(resumed) == read_history(whole)


def test_another_augmentation_does_not_go_on(train, blocks):
    train("run", **blocks("flip"))
    with pytest.raises(ConfigError, match=r"configuration has changed in training\.augmentation"):
        train("run", options={"resume": True}, **blocks("rotate_phi"))


def test_each_fold_augments_its_own_training_events(write_config, blocks):
    settings = blocks("rotate_phi", "flip", folds={"count": 3}) | {"preparation": {}}
    settings["data"] = {**settings["data"], "event_key": ["event"]}
    whole = load_config(write_config(**settings)).config
    folds = [prepare_run(fold_config(whole, number), Path()) for number in (0, 1)]
    augmenters = [build_augmenter(prepared, {}) for prepared in folds]
    for prepared, augmenter in zip(folds, augmenters, strict=True):
        assert np.array_equal(augmenter.raw.rows.rows, prepared.splits.train.rows)
    assert augmenters[0].seed != augmenters[1].seed


def test_events_beyond_memory_are_augmented_and_gone_on_with(train, blocks):
    settings = blocks(*OF_COLUMNS, *OF_ARRAYS, epochs=3, batch_size=8)
    settings["data"]["memory"] = "24 kB"
    notes = Notes()
    whole = train("whole", options={"progress": notes}, **settings)
    assert any(", with the columns that are augmented) are streamed" in said for said in notes.said)
    with pytest.raises(InterruptedRunError):
        train("stopped", options={"progress": Interrupting()}, **settings)
    resumed = train("stopped", options={"resume": True}, **settings)
    assert resumed.path.model.read_bytes() == whole.path.model.read_bytes()
    assert read_history(resumed) == read_history(whole)
    plain = blocks(epochs=1, batch_size=8)
    assert read_history(train("plain", **plain))["train_loss"][0] != read_history(whole)["train_loss"][0]


def test_streamed_events_are_changed_as_those_in_memory(prepare, blocks, tmp_path):
    """Of each event the features of its own leptons change, and what a rotation leaves stays."""
    settings = blocks("rotate_phi", features=["l0_phi", "l1_phi", *FEATURES], batch_size=8)
    settings["data"]["memory"] = "24 kB"
    prepared = prepare(**settings)
    augmenter = build_augmenter(prepared, {})
    splits = prepared.streamed_splits(tmp_path / "cache", augmenter.raw)
    passes = AugmentedPasses(StreamedPasses(splits, 8), augmenter)
    assert passes.n_segments > 2
    plain, changed = (
        [batch.inputs["event"].copy() for number in range(one.n_segments) for batch in one.segment(1, number)]
        for one in (passes.passes, passes)
    )
    # A training that goes on in the middle of an epoch gets the same.
    again = prepared.streamed_splits(tmp_path / "cache", build_augmenter(prepared, {}).raw)
    later = AugmentedPasses(StreamedPasses(again, 8), augmenter).segment(1, passes.n_segments - 1)
    last = [batch.inputs["event"].copy() for batch in later]
    assert all(np.array_equal(one, other) for one, other in zip(last, changed[-len(last) :], strict=True))
    for one in (splits, again):
        one.close()
    plain, changed = np.concatenate(plain), np.concatenate(changed)
    assert np.isclose(changed[:, :2], plain[:, :2]).mean() < 0.01
    # The leptons turn by one angle: what lies between them stays, to the rounding of float64 columns.
    np.testing.assert_allclose(changed[:, 2:], plain[:, 2:], rtol=1e-4, atol=1e-4)


def test_streamed_objects_are_dropped_with_what_is_true_of_them(prepare, tmp_path):
    rng = np.random.default_rng(2)
    counts = rng.integers(1, 6, N_EVENTS)
    pt = rng.exponential(30.0, counts.sum()) + 10
    columns = {
        "jet_pt": Jagged.from_counts(pt, counts),
        "jet_origin": Jagged.from_counts((pt > 30).astype(np.int64), counts),
    }
    layout = {name: OutputColumn(values.dtype, is_jagged=True) for name, values in columns.items()}
    with open_writer(tmp_path / "jets.parquet", columns=layout) as writer:
        writer.write(columns)
    dropping = {"type": "drop_objects", "objects": ["jet"], "probability": 0.3, "keep": 1}
    cloud = {"kind": "cloud", "features": ["jet_pt"], "n_objects": 4, "order_by": "jet_pt"}
    classes = {"soft": 0, "hard": 1}
    prepared = prepare(
        data={"sources": [{"path": str(tmp_path / "jets.parquet")}], "memory": "16 kB"},
        inputs={"jets": cloud},
        outputs={
            "origin": {"task": "assignment", "cloud": "jets", "target": "jet_origin", "classes": classes}
        },
        preparation={"split": {"train": 0.8, "validation": 0.1, "test": 0.1}, "scale": "none"},
        network={"type": "deep_sets"},
        training={"batch_size": 8, "augmentation": [dropping]},
    )
    assert prepared.is_streamed
    augmenter = build_augmenter(prepared, {})
    splits = prepared.streamed_splits(tmp_path / "cache", augmenter.raw)
    passes = AugmentedPasses(StreamedPasses(splits, 8), augmenter)
    n_before = n_after = 0
    for number in range(passes.n_segments):
        for plain, batch in zip(passes.passes.segment(1, number), passes.segment(1, number), strict=True):
            target, mask = batch.targets["origin"], batch.inputs["jets.mask"] > 0
            assert np.array_equal(target >= 0, mask)
            assert np.array_equal(target[mask] == 1, batch.inputs["jets"][mask][:, 0] > 30)
            n_before, n_after = n_before + plain.inputs["jets.mask"].sum(), n_after + mask.sum()
    splits.close()
    assert 0.7 < n_after / n_before < 0.95


def test_too_little_memory_for_the_columns_is_said_before_the_training(prepare, blocks):
    settings = blocks("rotate_phi", batch_size=16)
    settings["data"]["memory"] = "14 kB"
    plain = blocks(batch_size=16)
    plain["data"] = settings["data"]
    assert prepare(**plain).is_streamed
    with pytest.raises(
        ConfigError, match=r"data.memory: 14 kB is too little to stream .* training events of"
    ):
        prepare(**settings)


def test_a_column_that_cannot_follow_is_warned_of(prepare, blocks):
    prepared = prepare(**blocks("smear_momentum", features=[*FEATURES, "m_ll"]))
    assert len(prepared.warnings) == 1
    assert "'m_ll' holds mass(lepton0, lepton1)" in prepared.warnings[0]
    assert prepare(**blocks("rotate_phi", features=[*FEATURES, "m_ll"])).warnings == []


def test_a_direction_of_no_object_is_warned_of(prepare, blocks):
    settings = blocks("rotate_phi", features=["l0_phi", "l1_phi"])
    settings["data"]["objects"] = {"lepton0": LEPTONS["lepton0"]}
    warnings = prepare(**settings).warnings
    assert len(warnings) == 1
    assert (
        "'l1_phi' is called like a direction, but rotate_phi changes no object that it is of" in warnings[0]
    )


def test_a_column_that_is_not_there_is_named_with_what_needs_it(prepare, blocks):
    settings = blocks("rotate_phi")
    settings["data"]["objects"] = {"lepton0": {"pt": "l0_pt", "phi": "l0_fi"}}
    settings["inputs"]["event"] = {"columns": ["l0_phi", "l0_pt"]}
    with pytest.raises(DataError, match=r"(?s)l0_fi.*training\.augmentation\[0\] \(rotate_phi\).*l0_phi"):
        prepare(**settings)


def test_what_no_input_needs_is_refused(prepare, blocks):
    with pytest.raises(ConfigError, match=r"changes l0_phi, l1_phi, but no input of the network needs"):
        prepare(**blocks("rotate_phi", features=["l0_pt"]))


def test_mixtures_need_weights_of_one_sign(prepare, blocks):
    settings = blocks("mix_up", weight={"event_weight": "keep"})
    settings["data"]["event_weight"] = "l0_eta + 1.5"
    with pytest.raises(ConfigError, match=r"\(mix_up\) mixes events, but training weights go down to -"):
        prepare(**settings)


def test_what_a_shift_leaves_behind_is_empty_after_scaling(prepare, blocks):
    prepared = prepare(**blocks({"type": "shift", "pixels": 2}))
    augmenter = build_augmenter(prepared, {})
    events = prepared.train_batch()
    made = augmenter.make(ResidentBatches(events, 32), slice(0, events.n_events), (1, 0))
    image = prepared.preparation.images["image"]
    zero = image.prepare({"image": np.zeros((1, SIDE, SIDE), np.uint8)})[""][0, 0, 0, 0]
    assert zero != 0
    # The corners are left behind by some shifts, and no picture has an empty pixel there.
    corners = made.inputs["image"][:, [0, 0, -1, -1], [0, -1, 0, -1], 0]
    assert (corners == zero).any(axis=0).all()


CLOUD = {
    "kind": "cloud",
    "features": ["d_phi = delta_phi(c_phi, phi)", "d_eta = c_eta - eta", "log(c_pt)", "c_phi"],
    "n_objects": 5,
    "order_by": "c_pt",
}


@pytest.fixture
def jets(tmp_path):
    """Return the blocks of jets with 1 to 6 constituents."""
    import awkward as ak

    rng = np.random.default_rng(1)
    counts = rng.integers(1, 7, N_EVENTS)
    total = int(counts.sum())
    axis = {"phi": rng.uniform(-3, 3, N_EVENTS), "eta": rng.normal(size=N_EVENTS)}
    flat = {
        "c_pt": rng.exponential(10.0, total) + 1,
        "c_eta": np.repeat(axis["eta"], counts) + 0.1 * rng.normal(size=total),
        "c_phi": np.repeat(axis["phi"], counts) + 0.1 * rng.normal(size=total),
        "c_number": np.arange(total, dtype=np.float64),
    }
    events = {name: ak.unflatten(values, counts) for name, values in flat.items()}
    events |= axis | {"kind": np.arange(N_EVENTS) % 2, "n_c": counts.astype(np.int64)}
    types = {name: "var * float64" if name in flat else values.dtype for name, values in events.items()}
    with uproot.recreate(tmp_path / "jets.root") as file:
        file.mktree("jets", types).extend(events)
    objects = {"c": {"pt": "c_pt", "eta": "c_eta", "phi": "c_phi"}, "jet": {"eta": "eta", "phi": "phi"}}
    network = {
        "layers": [
            {"type": "flatten", "name": "flat", "inputs": "c"},
            {"type": "concatenate", "inputs": ["flat", "event"]},
        ]
    }
    return {
        "data": {
            "sources": [{"path": str(tmp_path / "jets.root"), "tree": "jets"}],
            "target": "kind",
            "objects": objects,
        },
        "inputs": {"c": CLOUD, "event": {"columns": ["n_c"]}},
        "preparation": {"scale": "none"},
        "network": network,
    }


def augment_all(prepare, jets, *augmentation):
    prepared = prepare(**jets, training={"augmentation": list(augmentation)})
    events = prepared.train_batch()
    made = build_augmenter(prepared, {}).make(ResidentBatches(events, 32), slice(0, events.n_events), (1, 0))
    return events.inputs, made.inputs, made


def test_relative_coordinates_of_clouds_stay_while_the_jet_turns(prepare, jets):
    before, after, _ = augment_all(prepare, jets, "rotate_phi")
    assert np.array_equal(before["c.mask"], after["c.mask"])
    np.testing.assert_allclose(after["c"][..., :3], before["c"][..., :3], atol=1e-5)
    turned = np.abs(after["c"][..., 3] - before["c"][..., 3])
    assert np.median(turned[before["c.mask"] > 0]) > 0.5


def test_dropped_constituents_leave_the_cloud_and_the_count(prepare, jets):
    before, after, _ = augment_all(
        prepare, jets, {"type": "drop_objects", "objects": ["c"], "probability": 0.3}
    )
    n_before, n_after = before["event"][:, 0], after["event"][:, 0]
    assert (n_after <= n_before).all()
    assert n_after.mean() == pytest.approx(0.7 * n_before.mean(), rel=0.1)
    np.testing.assert_array_equal(after["c.mask"].sum(axis=1), np.minimum(n_after, 5))
    assert not after["c"][after["c.mask"] == 0].any()


def test_momenta_of_a_cloud_smear_and_its_order_follows(prepare, jets):
    before, after, _ = augment_all(
        prepare, jets, {"type": "smear_momentum", "objects": ["c"], "relative": 0.5}
    )
    mask = before["c.mask"] > 0
    assert np.array_equal(before["c.mask"], after["c.mask"])
    assert not np.allclose(before["c"][mask][:, 2], after["c"][mask][:, 2])
    log_pt = np.where(mask, after["c"][..., 2], -np.inf)
    assert (np.diff(np.where(mask, log_pt, -1e3), axis=1) <= 0).all()


@pytest.mark.parametrize(
    "block",
    [
        {"type": "drop_objects", "objects": ["c"], "probability": 0.3},
        {"type": "smear_momentum", "objects": ["c"], "relative": 0.5},
    ],
)
def test_what_is_true_of_objects_follows_them(prepare, jets, block):
    jets["inputs"]["c"] = {**CLOUD, "features": ["log(c_pt)", "c_number"]}
    classes = {"zero": 0, "one": 1, "two": 2}
    outputs = {"origin": {"task": "assignment", "cloud": "c", "target": "c_number % 3", "classes": classes}}
    before, after, made = augment_all(prepare, jets | {"outputs": outputs}, block)
    numbers, mask = after["c"][..., 1], after["c.mask"] > 0
    assert not np.array_equal(before["c"][..., 1], numbers)
    expected = np.where(mask, np.round(numbers) % 3, -1)
    assert np.array_equal(made.targets["origin"], expected)
