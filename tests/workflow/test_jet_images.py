"""Whole runs on sparse images beside numbers, from nested Parquet lists, and on folders of pictures."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from rapidity.config.document import parse_yaml
from rapidity.config.inputs import ImageInput
from rapidity.core.errors import ConfigError, DataError
from rapidity.data.channel_order import check_channel_order
from rapidity.workflow import predict_files

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "guide" / "images.md").read_text(encoding="utf-8")
N_EVENTS, SIDE = 240, 12
TRAINING = {
    "engine": "numpy",
    "epochs": 8,
    "batch_size": 16,
    "optimizer": {"type": "adam", "learning_rate": 0.01},
}


@pytest.fixture
def jets(tmp_path):
    """Return the `data:` block of sparse images ``(3, 12, 12)``, wide or narrow, as nested lists."""
    rng = np.random.default_rng(1)
    labels = np.arange(N_EVENTS) % 2
    images = np.zeros((N_EVENTS, 3, SIDE, SIDE))
    for image, label in zip(images, labels, strict=True):
        rows, columns = np.clip(rng.normal(SIDE / 2, 1 + 2 * label, (2, 20)), 0, SIDE - 1).astype(int)
        image[rng.integers(0, 3, 20), rows, columns] = rng.exponential(1, 20)
    write_jets(tmp_path / "jets.parquet", images.tolist(), labels, rng.normal(100, 10, N_EVENTS))
    return {"sources": [{"path": "jets.parquet"}], "target": "y"}


def write_jets(path, images, labels, pt):
    nested = pa.array(images, pa.list_(pa.list_(pa.list_(pa.float64()))))
    pq.write_table(pa.table({"X_jets": nested, "pt": pt, "y": labels}), path, row_group_size=50)


def inputs_of(**keys):
    jet = {"kind": "image", "column": "X_jets", "channels_first": True, **keys}
    return {"jet": jet, "scalars": {"columns": ["pt"]}}


@pytest.mark.parametrize("memory", [{}, {"memory": "60 kB"}])
def test_sparse_jets_and_numbers_from_parquet_to_scores(train, jets, tmp_path, memory):
    run = train(
        "jets",
        data=jets | memory,
        inputs=inputs_of(crop={"height": 10, "width": 10}, rebin=2),
        preparation={"inputs": {"jet": {"zeros": "keep", "transforms": ["log"], "scale": "standard"}}},
        network={"type": "cnn", "filters": [4], "hidden": [8], "dropout": 0.0},
        training=TRAINING,
    )
    assert run.record["parity"]["max_deviation"] <= 1e-5
    assert run.metrics["test_auc"]["1"] > 0.7
    assert run.model.inputs["X_jets"].column_dtype == np.dtype((np.float32, (3, SIDE, SIDE)))
    predict_files(run.path.model, [tmp_path / "jets.parquet"], tmp_path / "scores.parquet")
    alone = pq.read_table(tmp_path / "scores.parquet").to_pydict()
    of_run = pq.read_table(run.path.scores).to_pydict()
    order = np.argsort(of_run["source_entry"])
    np.testing.assert_allclose(alone["score_1"], np.array(of_run["score_1"])[order], atol=1e-6)


def test_the_order_of_the_channels_is_told_before_training(train, jets):
    inputs = {"jet": {"kind": "image", "column": "X_jets"}}
    with pytest.raises(
        ConfigError, match=r"images of shape \(3, 12, 12\) read as \(height, width, channels\) ha"
    ):
        train("jets", data=jets, inputs=inputs, preparation={}, network={"type": "cnn"}, training=TRAINING)


@pytest.mark.parametrize(
    ("entry", "where"), [(3, "entry 3, but"), (200, "jets.parquet, entry 200: found an arr")]
)
def test_images_of_different_sizes_are_named(train, jets, tmp_path, entry, where):
    table = pq.read_table(tmp_path / "jets.parquet").to_pydict()
    table["X_jets"][entry] = np.zeros((3, SIDE, 9)).tolist()
    write_jets(tmp_path / "jets.parquet", table["X_jets"], table["y"], table["pt"])
    with pytest.raises(DataError, match=where):
        train("jets", data=jets, inputs=inputs_of(), network={"type": "cnn"}, training=TRAINING)


def test_a_folder_of_pictures_from_classes_to_scores(train, tmp_path):
    rng = np.random.default_rng(1)
    for number in range(60):
        name, low = ("bright", 60) if number % 2 else ("dark", 0)
        (tmp_path / "photos" / name).mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(low, low + 190, (5, 6, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number:02}.png")
    run = train(
        "photos",
        data={"sources": [{"path": "photos"}], "target": "class"},
        inputs={"photo": {"kind": "image", "column": "image"}},
        preparation={},
        network={"type": "mlp", "hidden": [8]},
        training=TRAINING,
    )
    assert run.metrics["accuracy"] > 0.8
    assert len(run.record["data_sha256"][str(tmp_path / "photos")]) == 64
    predict_files(run.path.model, [tmp_path / "photos"], tmp_path / "scores.csv")
    with (tmp_path / "scores.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["score_dark"]) > 0.5 for row in rows] == [number >= 30 for number in range(60)]


def test_the_configuration_of_the_guide_is_valid(write_config):
    from rapidity.config import load_config

    blocks = parse_yaml(re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)[0]).values
    assert load_config(write_config(**blocks)).config.inputs["jet"].rebin.factor == (4, 4)


def test_the_guide_says_which_shapes_are_refused():
    rows = re.findall(r"^\| (`\(.*?) \| (.*?) \| (.*?) \|$", GUIDE, re.MULTILINE)
    assert len(rows) == 3
    for shapes, written, outcome in rows:
        for shape in re.findall(r"\(([\d, ]+)\)", shapes):
            keys = {"channels_first": True} if "true" in written else {}
            config = ImageInput.model_validate({"kind": "image", "column": "x", **keys})
            sizes = tuple(map(int, shape.split(",")))
            if outcome.startswith("refused"):
                with pytest.raises(ConfigError, match="read as"):
                    check_channel_order("x", config, sizes)
            else:
                check_channel_order("x", config, sizes)
