from __future__ import annotations

import h5py
import numpy as np
import pytest
from pyarrow import parquet

from rapidity.core.errors import ConfigError, DataError, RapidityError
from rapidity.core.jagged import JaggedType
from rapidity.data.readers import open_reader
from rapidity.samples import JET_SAMPLES, files_of, generate, jet_files, jet_generation
from rapidity.samples.dijets.constituents import JET_UNITS, OBJECT_UNITS
from rapidity.samples.dijets.images import SparseImages
from rapidity.samples.dijets.simulation import JetBlock
from rapidity.samples.workers import Worker

JETS_PER_BLOCK = 30


def make_block(sample, task):
    """Return jets of random numbers in place of those from Pythia."""
    rng = np.random.default_rng((task.seed, task.block))
    n_objects = rng.integers(0, 6, JETS_PER_BLOCK)
    n_objects[3] = 140
    kind = rng.permutation(JETS_PER_BLOCK) % 2
    columns = {name: rng.random(JETS_PER_BLOCK) for name in JET_UNITS}
    objects = {name: rng.integers(0, 2, n_objects.sum()).astype(float) for name in OBJECT_UNITS}
    pixel = np.sort(rng.choice(JETS_PER_BLOCK * 2 * 125**2, 500, replace=False))
    towers = rng.random((JETS_PER_BLOCK, 25, 25)).astype(np.float32)
    images = SparseImages(pixel, rng.random(500).astype(np.float32), towers) if task.has_images else None
    return JetBlock(kind, np.arange(JETS_PER_BLOCK) + 1000 * task.block, columns, objects, n_objects, images)


@pytest.fixture
def make(monkeypatch, tmp_path):
    """Return a function that generates with random numbers in the place of Pythia."""
    monkeypatch.setattr(jet_generation, "check_generators", lambda sample: None)
    monkeypatch.setattr(jet_generation, "generate_jet_block", make_block)
    monkeypatch.setattr(jet_generation, "JETS_PER_BLOCK", JETS_PER_BLOCK)
    monkeypatch.setattr(jet_files, "ROW_GROUP", 16)

    def build(name="a.parquet", **settings):
        defaults = {"n_events": 50, "seed": 3, "workers": 1}
        return generate("quark_gluon", tmp_path / name, **(defaults | settings))

    return build


def test_images_have_the_columns_of_the_public_file(make, tmp_path):
    summary = make()
    file = parquet.ParquetFile(tmp_path / "a.parquet")
    assert file.schema_arrow.names == ["X_jets", "pt", "m0", "y", "event_number"]
    assert "X_jets.list.item.list.item.list.item" in {file.schema.column(n).path for n in range(5)}
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [16, 16, 16, 2]
    pixels = file.read(["X_jets"])["X_jets"].combine_chunks().flatten(recursive=True)
    images = pixels.to_numpy().reshape(50, 3, 125, 125)
    columns = open_reader(tmp_path / "a.parquet").columns
    assert (columns["y"].kind, columns["y"].labels) == ("integer", ("gluon", "quark"))
    assert [columns[name].unit for name in ("X_jets", "pt", "y")] == ["GeV", "GeV", None]
    blocks = [make_block(None, jet_generation.JetTask("", number, 3, has_images=True)) for number in (0, 1)]
    expected = np.concatenate([block.images.to_dense() for block in blocks])[:50]
    np.testing.assert_array_equal(images, expected)
    assert summary.n_selected == 50
    assert [path.name for path in summary.paths] == ["a.parquet", "a.h5"]
    assert sum(summary.n_jets.values()) == 50


def test_clouds_are_the_same_jets(make, tmp_path):
    make()
    table = parquet.read_table(tmp_path / "a.parquet", columns=["pt", "m0", "y", "event_number"])
    with h5py.File(tmp_path / "a.h5") as file:
        group = file["events"]
        for name, column in {
            "pt": "jet_pt",
            "m0": "jet_mass",
            "y": "y",
            "event_number": "event_number",
        }.items():
            np.testing.assert_array_equal(group[column], table[name].to_numpy())
        assert list(group["y"].attrs["names"]) == ["gluon", "quark"]
        assert group["constituent_pt"].shape == (50, 128)
        assert group["n_constituents"][3] == 128
        assert group.attrs["sample"] == "quark_gluon"
        assert "HardQCD:gg2gg = on" in group.attrs["generator_settings.gluon"]


def test_readers_find_the_constituents(make, tmp_path):
    make(n_events=20)
    reader = open_reader(tmp_path / "a.h5")
    (chunk,) = reader.read({"y": np.dtype(object), "constituent_charge": JaggedType(np.dtype("f4"))})
    assert set(chunk["y"]) == {"gluon", "quark"}
    block = make_block(None, jet_generation.JetTask("", 0, 3, has_images=False))
    counts = np.minimum(block.n_objects[:20], 128)
    np.testing.assert_array_equal(chunk["constituent_charge"].counts, counts)
    np.testing.assert_array_equal(
        chunk["constituent_charge"].content[:5], block.objects["constituent_charge"][:5]
    )


def test_clouds_alone_are_those_beside_images(make, tmp_path):
    make("both.parquet")
    summary = make("alone.h5")
    assert [path.name for path in summary.paths] == ["alone.h5"]
    assert (tmp_path / "alone.h5").read_bytes() == (tmp_path / "both.h5").read_bytes()


def test_a_smaller_sample_is_the_beginning_of_a_larger_one(make, tmp_path):
    make("small.h5", n_events=17)
    make("large.h5", n_events=70)
    with h5py.File(tmp_path / "small.h5") as small, h5py.File(tmp_path / "large.h5") as large:
        np.testing.assert_array_equal(small["events/constituent_pt"], large["events/constituent_pt"][:17])


def test_files_without_classes_have_no_y(make, tmp_path):
    make(labelled=False)
    assert "y" not in parquet.read_schema(tmp_path / "a.parquet").names
    with h5py.File(tmp_path / "a.h5") as file:
        assert "y" not in file["events"]
        assert "event_number" in file["events"]


def test_a_failure_leaves_nothing_behind(make, monkeypatch, tmp_path):
    def fail(sample, task):
        if task.block:
            message = "broken"
            raise ValueError(message)
        return make_block(sample, task)

    monkeypatch.setattr(jet_generation, "generate_jet_block", fail)
    with pytest.raises(ValueError, match="broken"):
        make()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_events": 0}, r"the number of events \(jets\) is 0; give 1 to"),
        ({"seed": -1}, "the seed is -1; give 0 to"),
        ({"name": "a.csv"}, r"found the ending '\.csv', expected \.parquet .* Call it a\.parquet"),
    ],
)
def test_what_makes_no_sense_is_refused(make, settings, message):
    with pytest.raises(DataError, match=message):
        make(**settings)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"underlying_event": True}, "'quark_gluon' has its underlying event always"),
        ({"selection": "6j4b"}, "'quark_gluon' has no selection '6j4b'"),
    ],
)
def test_options_of_other_samples_are_refused(make, option, message):
    with pytest.raises(ConfigError, match=message):
        make(**option)


def test_files_are_known_beforehand(tmp_path):
    assert [file.name for file in files_of("quark_gluon", tmp_path / "x.parquet")] == ["x.parquet", "x.h5"]
    assert [file.name for file in files_of("lhcb_pid", tmp_path / "x.parquet")] == ["x.parquet"]


def test_a_worker_reports_its_errors():
    pytest.importorskip("pythia8mc")
    worker = Worker(jet_generation.WORKER, jet_generation.unpack)
    try:
        with pytest.raises(RapidityError, match="ended early"):
            worker.generate(jet_generation.JetTask("no such sample", 0, 1, has_images=False))
    finally:
        worker.stop()


def test_jets_without_images_are_not_written_as_images():
    block = make_block(None, jet_generation.JetTask("", 0, 1, has_images=False))
    writer = jet_files.ImageWriter(None, None, labelled=True)
    writer.write(block.first(5))
    with pytest.raises(ValueError, match="jets without images cannot be written as images"):
        writer.finish()


def test_settings_name_both_processes():
    assert set(JET_SAMPLES["quark_gluon"].class_settings) == {0, 1}
