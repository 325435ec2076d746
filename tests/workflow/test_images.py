"""Whole runs on images: from IDX files to scores, by networks of dense layers."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet
import pytest

from rapidity.cli import main
from rapidity.core.errors import ConfigError, DataError
from rapidity.workflow import check_config, evaluate_run, predict_files, train_run

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

SIDE, N_CLASSES = 6, 4
DENSE = {"layers": ["flatten", {"type": "dense", "units": 16}, "relu"]}
TRAINING = {
    "epochs": 8,
    "batch_size": 64,
    "device": "cpu",
    "optimizer": {"type": "adam", "learning_rate": 0.01},
}
IMAGE = {"image": {"kind": "image", "column": "image"}}


def draw_digits(n_events, seed):
    """Return pictures of bytes, each of four strokes with noise, and which stroke it is."""
    rng = np.random.default_rng(seed)
    strokes = np.zeros((N_CLASSES, SIDE, SIDE))
    strokes[0, 2], strokes[1, :, 3], strokes[2], strokes[3] = 1, 1, np.eye(SIDE), np.eye(SIDE)[::-1]
    labels = np.arange(n_events) % N_CLASSES
    images = 150 * strokes[labels] + rng.integers(0, 100, (n_events, SIDE, SIDE))
    return images.astype(np.uint8), labels.astype(np.uint8)


@pytest.fixture
def digits(write_idx):
    """Return the `data:` block of digits in IDX files, as MNIST has them."""
    sources = []
    for name, n_events, seed in (("train", 400, 1), ("t10k", 120, 2)):
        images, labels = draw_digits(n_events, seed)
        write_idx(f"{name}-images-idx3-ubyte.gz", images)
        write_idx(f"{name}-labels-idx1-ubyte.gz", labels)
        split = {} if name == "train" else {"split": "test"}
        paths = {kind: f"{name}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")}
        sources.append({"path": paths["images-idx3"], "join": paths["labels-idx1"], **split})
    return {"sources": sources, "target": "label"}


@pytest.fixture
def train_digits(train, digits):
    """Return `train` with the blocks of a run on digits; others may be given."""

    def run(name="digits", options=None, **blocks):
        defaults = {
            "data": digits,
            "inputs": IMAGE,
            "preparation": {
                "split": {"train": 0.8, "validation": 0.2, "test": 0},
                "transforms": [{"type": "divide", "by": 255}],
                "scale": "none",
            },
            "network": DENSE,
            "training": TRAINING,
        }
        return train(name, options=options, **(defaults | blocks))

    return run


def read_scores(path):
    columns = pyarrow.parquet.read_table(path).to_pydict()
    return {name: np.array(values) for name, values in columns.items()}


def test_digits_from_idx_files_to_scores(train_digits, tmp_path):
    run = train_digits()
    assert run.metrics["classes"] == ["0", "1", "2", "3"]
    assert run.metrics["counts"]["test"] == dict.fromkeys("0123", 30)
    assert run.metrics["accuracy"] > 0.9
    assert run.record["parity"]["max_deviation"] <= 1e-5
    assert run.model.inputs["image"].column_dtype == np.dtype((np.uint8, (SIDE, SIDE)))

    output = tmp_path / "scores.parquet"
    summary = predict_files(run.path.model, [tmp_path / "t10k-images-idx3-ubyte.gz"], output)
    assert summary.n_events == 120
    of_run, alone = read_scores(run.path.scores), read_scores(output)
    is_test = of_run["split"] == "test"
    np.testing.assert_allclose(alone["score_2"], of_run["score_2"][is_test], atol=1e-6)
    np.testing.assert_array_equal(alone["source_entry"], of_run["source_entry"][is_test])


def test_the_command_line_shows_the_shape_that_a_model_takes(train_digits, capsys):
    run = train_digits()
    with pytest.raises(SystemExit) as ended:
        main(["inspect", str(run.path.model)])
    assert not ended.value.code
    assert "uint8[6, 6]" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["inspect", str(run.path.model), "--json"])
    assert json.loads(capsys.readouterr().out)["inputs"]["image"]["shape"] == [SIDE, SIDE]


def test_other_digits_are_evaluated_with_their_labels(train_digits, tmp_path):
    run = train_digits()
    files = [str(tmp_path / f"t10k-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1")]
    metrics = evaluate_run(run.folder, ["+".join(files)])
    assert metrics["accuracy"] == run.metrics["accuracy"]
    assert metrics["log_loss"] == pytest.approx(run.metrics["log_loss"], rel=1e-5)
    with pytest.raises(
        DataError,
        match=r"column 'label' \(data.target\) is not in .*t10k-images(.|\n)*"
        r"The run joined files; to join others here, write --data FILE\+OTHER",
    ):
        evaluate_run(run.folder, files[:1])


@pytest.mark.parametrize("network", [{"type": "mlp", "hidden": [16]}, {"type": "residual_mlp", "width": 16}])
def test_networks_for_tables_take_images_flat(train_digits, network):
    run = train_digits(network=network)
    assert run.metrics["accuracy"] > 0.9


def test_images_and_features_together_from_npz(train_digits, tmp_path):
    images, labels = draw_digits(300, 3)
    energy = labels + np.random.default_rng(1).normal(0, 0.5, 300)
    channels = np.stack([images, images.T.swapaxes(0, 2)], axis=1)
    np.savez(tmp_path / "a.npz", camera=channels, energy=energy.astype(np.float32), label=labels)
    layers = [
        {"type": "flatten", "name": "flat", "inputs": "photo"},
        {"type": "concatenate", "inputs": ["flat", "event"]},
        {"type": "dense", "units": 16},
        "relu",
    ]
    run = train_digits(
        data={"sources": [{"path": "a.npz"}], "target": "label"},
        inputs={
            "photo": {"kind": "image", "column": "camera", "channels_first": True},
            "event": {"columns": ["energy"]},
        },
        preparation={"split": {"seed": 1}},
        network={"layers": layers},
    )
    assert run.metrics["accuracy"] > 0.9
    assert {name: column.shape for name, column in run.model.inputs.items()} == {
        "energy": (),
        "camera": (2, SIDE, SIDE),
    }
    metrics = evaluate_run(run.folder, [str(tmp_path / "a.npz")])
    assert sum(metrics["counts"]["all"].values()) == 300


def test_check_describes_images(digits, write_config):
    described = check_config(write_config(data=digits, inputs=IMAGE, preparation={}, network=DENSE))
    assert "input       image: images of 6 x 6 pixels, 1 channel" in described.summary()
    assert described.to_dict()["shapes"] == {"image": [SIDE, SIDE, 1]}
    assert described.features == {"image": ()}


@pytest.mark.slow
def test_the_page_shows_images(digits, write_config, tmp_path):
    config = write_config(data=digits, inputs=IMAGE, preparation={}, network=DENSE, training=TRAINING)
    run = train_run(config, output=tmp_path / "run")
    drawn = {path.stem for path in (run.path.plots / "inputs").iterdir()}
    assert drawn == {
        "mean_image", "examples_image", "overview", "feature_pixels_of_image", "feature_sum_of_image"
    }  # fmt: skip
    page = run.path.report.read_text(encoding="utf-8")
    assert "Mean of image" in page
    assert "Examples of image" in page


def test_nan_in_a_pixel_is_named_before_training(train_digits, tmp_path):
    images, labels = draw_digits(100, 3)
    images = images.astype(np.float32)
    images[77, 2, 3] = np.nan
    np.savez(tmp_path / "a.npz", image=images, label=labels)
    data = {"sources": [{"path": "a.npz"}], "target": "label"}
    with pytest.raises(DataError, match=r"'image' has pixels that are nan in 1 of \d+ events, first in "
                       r"entry 77 of .*a.npz"):  # fmt: skip
        train_digits(data=data)
    assert not (tmp_path / "runs").exists()


def test_truncated_images_leave_nothing_behind(train_digits, tmp_path):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte.gz is truncated: the compressed data end"):
        train_digits()
    assert not (tmp_path / "runs").exists()


def test_a_matrix_of_images_is_refused(train_digits):
    with pytest.raises(ConfigError, match=r"deliver.signature is matrix, one number a column, but"):
        train_digits(deliver={"signature": "matrix"})


def test_training_continues_where_it_stopped(train_digits, tmp_path):
    run = train_digits("whole")
    again = train_digits("whole", options={"resume": True})
    assert again.metrics["accuracy"] == run.metrics["accuracy"]
    assert json.loads(again.path.record.read_text())["finished"]


@pytest.mark.data
def test_mnist(shared_data, train):
    folder = shared_data / "mnist"
    sources = [
        {"path": str(folder / f"{name}-images-idx3-ubyte.gz"), "limit": limit, **split,
         "join": str(folder / f"{name}-labels-idx1-ubyte.gz")}
        for name, limit, split in (("train", 2000, {}), ("t10k", 500, {"split": "test"}))
    ]  # fmt: skip
    run = train(
        data={"sources": sources, "target": "label"},
        inputs=IMAGE,
        preparation={
            "split": {"train": 0.9, "validation": 0.1, "test": 0},
            "transforms": [{"type": "divide", "by": 255}],
            "scale": "none",
        },
        network={"type": "mlp", "hidden": [64]},
        training={"epochs": 5, "batch_size": 64, "device": "cpu"},
    )
    assert run.metrics["classes"] == list("0123456789")
    assert run.metrics["accuracy"] > 0.8
    assert run.record["parity"]["max_deviation"] <= 1e-5


@pytest.mark.data
def test_colour_pictures(shared_data, tmp_path):
    from rapidity.data.inspection import inspect_file

    summary = inspect_file(shared_data / "cifar10" / "cifar10_subset.npz", "x_test")
    (column,) = summary.columns
    assert (column.shape, column.minimum, column.maximum) == ((32, 32, 3), 0, 255)
