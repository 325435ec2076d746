from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pytest

import rapidity.delivery.prediction
from rapidity.artefact import ModelInput, Scores
from rapidity.core.classes import ClassSet
from rapidity.core.errors import DataError, ExportError, MissingNameError
from rapidity.data.events import iterate_events
from rapidity.data.fitted_outputs import FittedOutputs
from rapidity.data.readers import open_reader
from rapidity.data.writers import open_writer
from rapidity.delivery import predict_table
from rapidity.delivery.tally import find_sentinels


@dataclass
class StandIn:
    """A model whose score for `signal` is the column `pt`, so that every row can be recognised."""

    classes: ClassSet = field(default_factory=lambda: ClassSet(("signal", "background")))
    inputs: ClassVar = {
        "pt": ModelInput("float32", "GeV", (0.0, 1.0)),
        "eta": ModelInput("float64", None, (-2.5, 2.5)),
        "n_jets": ModelInput("int64"),
    }
    metadata: ClassVar = {"rapidity.configuration": "preparation: {missing: {sentinels: [-999]}}"}
    folds: ClassVar = None
    outputs: ClassVar = FittedOutputs.usual(ClassSet(("signal", "background"))).outputs

    def run(self, columns):
        assert {name: str(values.dtype) for name, values in columns.items()} == {
            "pt": "float32",
            "eta": "float64",
            "n_jets": "int64",
        }
        signal = columns["pt"]
        return Scores(signal[:, None], np.stack([signal, 1 - signal], axis=1))


@pytest.fixture
def model(monkeypatch, tmp_path):
    class Loader:
        load = staticmethod(lambda path: StandIn())

    monkeypatch.setattr(rapidity.delivery.prediction, "OnnxModel", Loader)
    path = tmp_path / "model.onnx"
    path.touch()
    return path


@pytest.fixture
def write_events(tmp_path):
    """Write `n` events whose `pt` is `first`, `first` + 0.001, ...; return the path."""

    def write(name, n=5, first=0.0, **columns):
        path = tmp_path / name
        values = {
            "event": np.arange(n),
            "pt": (first + 0.001 * np.arange(n)).astype(np.float32),
            "eta": np.zeros(n),
            "n_jets": np.full(n, 2),
            "label": np.array(["a"] * n, dtype=object),
        }
        values |= columns
        values = {key: column for key, column in values.items() if column is not None}
        with open_writer(path, columns={key: column.dtype for key, column in values.items()}) as writer:
            writer.write(values)
        return path

    return write


def read(path, names):
    reader = open_reader(path)
    kinds = {"text": object, "integer": np.int64, "float32": np.float32, "float64": np.float64}
    dtypes = {name: kinds[reader.columns[name].kind] for name in names}
    chunks = [chunk.columns for chunk in iterate_events([path], dtypes)]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in names}


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet", ".h5"])
def test_every_event_keeps_its_identity_in_every_format(model, write_events, tmp_path, suffix):
    first, second = write_events("b.csv", n=7), write_events("a.parquet", n=3, first=0.5)
    output = tmp_path / f"scores{suffix}"
    summary = predict_table(model, [first, second], output, spectators=["label", "event"])
    assert list(open_reader(output).columns) == [
        "source_file",
        "source_entry",
        "label",
        "event",
        "score_signal",
        "score_background",
    ]
    rows = read(output, open_reader(output).columns)
    assert rows["source_file"].tolist() == [str(first)] * 7 + [str(second)] * 3
    assert rows["source_entry"].tolist() == [*range(7), *range(3)]
    assert rows["event"].tolist() == [*range(7), *range(3)]
    expected = np.concatenate([0.001 * np.arange(7), 0.5 + 0.001 * np.arange(3)]).astype(np.float32)
    np.testing.assert_array_equal(rows["score_signal"].astype(np.float32), expected)
    assert (summary.n_events, summary.n_undefined, summary.n_outside) == (10, 0, {})


def test_order_holds_across_chunks(model, write_events, tmp_path):
    n_events = 300_000  # more than two chunks
    path = write_events("a.parquet", n=n_events, pt=np.linspace(0, 1, n_events, dtype=np.float32))
    predict_table(model, [path], tmp_path / "scores.parquet")
    rows = read(tmp_path / "scores.parquet", ["source_entry", "score_signal"])
    np.testing.assert_array_equal(rows["source_entry"], np.arange(n_events))
    np.testing.assert_array_equal(rows["score_signal"], np.linspace(0, 1, n_events, dtype=np.float32))


def test_globs_are_sorted(model, write_events, tmp_path):
    for name in ("e2.csv", "e1.csv"):
        write_events(name, n=1)
    predict_table(model, [str(tmp_path / "e*.csv")], tmp_path / "scores.csv")
    files = read(tmp_path / "scores.csv", ["source_file"])["source_file"]
    assert files.tolist() == [str(tmp_path / "e1.csv"), str(tmp_path / "e2.csv")]


def test_unusual_values_and_nan_scores_are_counted(model, write_events, tmp_path):
    path = write_events(
        "a.csv",
        n=4,
        pt=np.array([0.5, np.nan, 7.0, 0.25], dtype=np.float32),
        eta=np.array([-999.0, 0.0, 3.0, -3.0]),
    )
    summary = predict_table(model, [path], tmp_path / "scores.csv")
    assert summary.n_outside == {"pt": 1, "eta": 2}  # -999 means "not measured"
    assert summary.n_undefined == 1
    assert summary.mean_scores["signal"] == pytest.approx((0.5 + 7.0 + 0.25) / 3)
    assert "scores that are NaN: 1 event" in str(summary)
    assert "outside the range seen in training: eta (2), pt (1)" in str(summary)
    assert summary.to_dict()["n_outside"] == {"pt": 1, "eta": 2}


def test_file_without_events_gives_a_table_without_rows(model, write_events, tmp_path):
    path = write_events("a.parquet", n=0)
    summary = predict_table(model, [path], tmp_path / "scores.parquet")
    assert summary.n_events == 0
    assert open_reader(tmp_path / "scores.parquet").n_entries == 0
    assert "0 events of 1 file scored" in str(summary)


def test_all_missing_columns_are_listed_before_anything_is_written(model, write_events, tmp_path):
    good = write_events("good.csv")
    bad = write_events("bad.csv", eta=None, pt=None, Pt=np.zeros(5))
    with pytest.raises(MissingNameError, match="lacks 2 of the 3 columns that are needed") as caught:
        predict_table(model, [good, bad], tmp_path / "scores.csv")
    message = str(caught.value)
    assert "'pt'  closest: Pt" in message
    assert "'eta'" in message
    assert not (tmp_path / "scores.csv").exists()


def test_missing_spectators_name_the_nearest(model, write_events, tmp_path):
    with pytest.raises(MissingNameError, match=r"spectator 'label_2' is not in .*Closest: label"):
        predict_table(model, [write_events("a.csv")], tmp_path / "s.csv", spectators=["label_2"])


def test_missing_columns_of_many_files_are_cut(model, write_events, tmp_path):
    for number in range(5):
        write_events(f"bad{number}.csv", n=1, pt=None)
    with pytest.raises(MissingNameError, match=r"\.\.\. and 2 more files") as caught:
        predict_table(model, [tmp_path / "bad*.csv"], tmp_path / "scores.csv")
    assert str(caught.value).count("lacks 1 of the 3 columns") == 3


def test_spectator_named_like_a_score_is_refused(model, write_events, tmp_path):
    with pytest.raises(DataError, match="spectator source_entry: a column of this name is written anyway"):
        predict_table(model, [write_events("a.csv")], tmp_path / "s.csv", spectators=["source_entry"])


def test_spectator_of_different_types_is_widened(model, write_events, tmp_path):
    files = [write_events("a.parquet"), write_events("b.parquet", event=np.full(5, 0.5, dtype=np.float32))]
    predict_table(model, files, tmp_path / "scores.parquet", spectators=["event"])
    assert open_reader(tmp_path / "scores.parquet").columns["event"].kind == "float64"


def test_output_is_not_overwritten_unasked(model, write_events, tmp_path):
    path, output = write_events("a.csv"), tmp_path / "scores.csv"
    output.write_text("mine")
    with pytest.raises(DataError, match=r"exists already. Give --overwrite"):
        predict_table(model, [path], output)
    assert output.read_text() == "mine"
    predict_table(model, [path], output, overwrite=True)
    assert output.read_text().startswith("source_file,")


def test_file_that_is_read_is_never_overwritten(model, write_events, tmp_path):
    path = write_events("a.csv")
    before = path.read_bytes()
    (tmp_path / "link.csv").symlink_to(path)
    for output in (path, tmp_path / "link.csv"):
        with pytest.raises(DataError, match=r"which is read here. Choose another --output"):
            predict_table(model, [path], output, overwrite=True)
    assert path.read_bytes() == before


def test_unknown_format_is_refused(model, write_events, tmp_path):
    with pytest.raises(DataError, match=r"no format for '\.txt'\. Give it one of: \.csv"):
        predict_table(model, [write_events("a.csv")], tmp_path / "scores.txt")


def test_missing_file_is_refused(model, tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        predict_table(model, [tmp_path / "nowhere.csv"], tmp_path / "scores.csv")


def test_onnx_file_of_others_is_refused(write_events, tmp_path):
    (tmp_path / "other.onnx").write_bytes(b"not a model")
    with pytest.raises(ExportError, match="is not an ONNX file"):
        predict_table(tmp_path / "other.onnx", [write_events("a.csv")], tmp_path / "scores.csv")


@pytest.mark.parametrize("text", ["", "preparation: 3", "not: [yaml", "- a"])
def test_model_without_readable_configuration_has_no_sentinels(text):
    assert find_sentinels({"rapidity.configuration": text}) == []


def test_sentinels_of_all_blocks_are_found():
    text = "preparation: {missing: {sentinels: [-999]}, columns: {a: {missing: {sentinels: [0, -999]}}}}"
    assert find_sentinels({"rapidity.configuration": text}) == [-999, 0]


@dataclass
class ImageStandIn(StandIn):
    """A model of pictures whose score for `signal` is their first pixel over 255."""

    inputs: ClassVar = {
        "image": ModelInput("uint8", None, (0.0, 100.0), (3, 2)),
        "pt": ModelInput("float32", "GeV", (0.0, 1.0)),
    }

    def run(self, columns):
        assert columns["image"].dtype == np.uint8
        signal = columns["image"][:, 0, 0].astype(np.float32) / 255
        return Scores(signal[:, None], np.stack([signal, 1 - signal], axis=1))


@pytest.fixture
def image_model(model, monkeypatch):
    monkeypatch.setattr(
        rapidity.delivery.prediction.OnnxModel, "load", staticmethod(lambda _: ImageStandIn())
    )
    return model


def test_images_are_scored_in_small_portions(image_model, tmp_path, monkeypatch):
    images = np.random.default_rng(1).integers(0, 90, (50, 3, 2))
    images[::10, 2, 1] = 101
    np.savez(tmp_path / "a.npz", image=images, pt=np.zeros(50), event=np.arange(50))
    monkeypatch.setattr("rapidity.data.column_types.MAX_CHUNK_BYTES", 70)
    summary = predict_table(image_model, [tmp_path / "a.npz"], tmp_path / "s.parquet", spectators=["event"])
    scores = read(tmp_path / "s.parquet", ["score_signal", "event", "source_entry"])
    np.testing.assert_allclose(scores["score_signal"], images[:, 0, 0] / 255, rtol=1e-6)
    assert scores["source_entry"].tolist() == scores["event"].tolist() == list(range(50))
    assert summary.n_outside == {"image": 5}


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            {"image": np.zeros((5, 2, 3), np.uint8)},
            r"'image': holds uint8\[2, 3\], expected an array of shape \(3, 2\) per event",
        ),
        ({"image": np.zeros(5)}, r"'image': holds float64, expected an array of shape \(3, 2\)"),
        (
            {"image": np.full((5, 3, 2), 0.5)},
            "entry 0: found 0.5, expected whole numbers that fit into uint8",
        ),
    ],
)
def test_images_that_do_not_fit_are_refused_and_nothing_is_left(image_model, tmp_path, columns, expected):
    np.savez(tmp_path / "a.npz", pt=np.zeros(5), **columns)
    with pytest.raises(DataError, match=expected):
        predict_table(image_model, [tmp_path / "a.npz"], tmp_path / "s.parquet")
    assert not (tmp_path / "s.parquet").exists()


def test_images_are_no_spectators(image_model, tmp_path):
    np.savez(tmp_path / "a.npz", pt=np.zeros(5), image=np.zeros((5, 3, 2), np.uint8), other=np.zeros((5, 2)))
    with pytest.raises(
        DataError, match=r"spectator 'other' .*found float64\[2\], expected one number or text"
    ):
        predict_table(image_model, [tmp_path / "a.npz"], tmp_path / "s.parquet", spectators=["other"])
