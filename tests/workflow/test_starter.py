"""`rapidity init`: what it finds in files, and that its configuration trains as it is."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from rapidity.cli import main
from rapidity.config import load_config
from rapidity.core.errors import ConfigError, DataError, MissingNameError
from rapidity.workflow import check_config, train_run
from rapidity.workflow.starter import make_starter, write_starter

N_EVENTS = 400


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def make_columns(rng, shift=0.0, n_events=N_EVENTS):
    mass = rng.normal(91 + shift, 10, n_events)
    mass[:40] = -999.0
    return {
        "mass": mass,
        "pt": rng.exponential(40, n_events) + shift,
        "n_tracks": rng.poisson(6, n_events),
        "year": np.full(n_events, 2018),
        "event_number": rng.permutation(n_events * 10)[:n_events],
        "mc_weight": rng.normal(1, 0.5, n_events),
        "truth_pt": rng.exponential(40, n_events),
    }


@pytest.fixture
def labelled_csv(tmp_path, rng):
    columns = make_columns(rng)
    label = rng.integers(0, 2, N_EVENTS)
    columns["pt"] = columns["pt"] + 20 * label
    columns["is_true_signal"] = label + 0.0
    columns["Label"] = np.where(label, "s", "b")
    path = tmp_path / "events.csv"
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_and_load(starter, folder):
    path = folder / f"{starter.name}.yaml"
    write_starter(starter, path)
    return load_config(path).config


def test_a_table_with_labels(labelled_csv, tmp_path):
    starter = make_starter([labelled_csv], folder=tmp_path)
    config = write_and_load(starter, tmp_path)
    assert config.name == "events"
    assert config.data.sources[0].path == "events.csv"
    assert config.data.target == "Label"
    assert config.data.classes == ("b", "s")
    assert config.data.event_weight == "mc_weight"
    assert config.data.event_key == ("event_number",)
    assert config.inputs["event"].columns == ("mass", "pt", "n_tracks")
    assert "truth_pt: named like truth information" in starter.text
    assert "is_true_signal: named like truth information" in starter.text
    assert "year: 2018 in every sampled entry" in starter.text
    assert "-999 in 10 %" in starter.text


def test_sentinels_of_one_column_are_stated_for_it_alone(labelled_csv, tmp_path):
    config = write_and_load(make_starter([labelled_csv], folder=tmp_path), tmp_path)
    assert config.preparation.missing.sentinels == ()
    assert config.preparation.columns["mass"].missing.sentinels == (-999,)


def test_a_column_that_gives_the_class_away_is_left_out(labelled_csv, tmp_path):
    text = labelled_csv.read_text().replace("is_true_signal", "discriminant")
    labelled_csv.write_text(text)
    starter = make_starter([labelled_csv], folder=tmp_path)
    assert "discriminant: alone separates class" in starter.text
    assert "discriminant" not in write_and_load(starter, tmp_path).inputs["event"].columns


def test_event_numbers_that_repeat_are_no_key(labelled_csv, tmp_path):
    lines = labelled_csv.read_text().splitlines()
    labelled_csv.write_text("\n".join([*lines, *lines[1:20]]) + "\n")
    starter = make_starter([labelled_csv], folder=tmp_path)
    config = write_and_load(starter, tmp_path)
    assert config.data.event_key is None
    assert config.data.drop_duplicates
    assert "event_number: names an event, but its numbers repeat" in starter.text


def test_files_are_classes_where_no_column_is_one(tmp_path, rng):
    for name, shift in (("sample_higgs_2018", 25.0), ("sample_ttbar_2018", 0.0)):
        with uproot.recreate(tmp_path / f"{name}.root") as file:
            file.mktree("nominal", {key: value.dtype for key, value in make_columns(rng).items()})
            file["nominal"].extend(make_columns(rng, shift))
            file.mktree("info", {"version": np.int32})
            file["info"].extend({"version": np.array([1], np.int32)})
    starter = make_starter([f"{tmp_path}/*.root"], folder=tmp_path)
    config = write_and_load(starter, tmp_path)
    assert starter.name == "higgs-vs-ttbar"
    assert [source.class_name for source in config.data.sources] == ["higgs", "ttbar"]
    assert {source.tree for source in config.data.sources} == {"nominal"}
    assert "the widest of 2 tables" in starter.text


@pytest.mark.usefixtures("without_plots")
def test_what_it_writes_trains_as_it_is(labelled_csv, tmp_path):
    path = tmp_path / "events.yaml"
    write_starter(make_starter([labelled_csv], folder=tmp_path), path)
    run = train_run(
        path,
        output=tmp_path / "run",
        engine="numpy",
        overrides=["training.epochs=2", "training.batch_size=64"],
    )
    assert 0.5 < run.metrics["test_auc"]["s"] <= 1


def test_jagged_collections_become_features(tmp_path, rng):
    for name, shift in (("signal", 30.0), ("background", 0.0)):
        counts = rng.poisson(3, N_EVENTS)
        values = {
            end: ak.unflatten(rng.exponential(30 + shift, counts.sum()).astype(np.float32), counts)
            for end in ("pt", "mass")
        }
        values |= {
            end: ak.unflatten(rng.uniform(-2, 2, counts.sum()).astype(np.float32), counts)
            for end in ("eta", "phi")
        }
        with uproot.recreate(tmp_path / f"{name}.root") as file:
            file.mktree("events", {"jet": ak.type(ak.zip(values)).content, "met": np.float32})
            file["events"].extend(
                {"jet": ak.zip(values), "met": rng.exponential(30, N_EVENTS).astype(np.float32)}
            )
    starter = make_starter([f"{tmp_path}/*.root"], folder=tmp_path)
    path = tmp_path / "jets.yaml"
    write_starter(starter, path)
    config = load_config(path).config
    columns = config.inputs["event"].columns
    assert config.data.objects == {
        "jets": {"pt": "jet_pt", "eta": "jet_eta", "phi": "jet_phi", "mass": "jet_mass"}
    }
    assert {"met", "count(jet_pt)", "jet_pt[0]", "mass(jets[0], jets[1])", "sum(jet_pt)"} <= set(columns)
    assert config.preparation.missing.nan == "missing"
    assert check_config(path).n_parameters > 0
    text = path.read_text(encoding="utf-8")
    assert "#   jets: {kind: cloud, features: [jet_" in text
    path.write_text(text.replace("  #   jets: {kind: cloud", "  jets: {kind: cloud"), encoding="utf-8")
    shapes = check_config(path, overrides=["network={type: deep_sets}"]).shapes
    assert shapes["jets"][1] == 4
    assert 5 <= shapes["jets.mask"][0] <= 8


def test_fields_of_records_stand_in_backticks_and_counts_are_taken_once(tmp_path, rng):
    """A list item that began with a backtick was no YAML; a count beside count(...) is the same twice."""
    counts = {name: rng.poisson(3, N_EVENTS) for name in ("signal", "background")}
    for name, n_jets in counts.items():
        jets = {
            end: ak.unflatten(rng.uniform(1, 2, n_jets.sum()).astype(np.float32), n_jets)
            for end in ("pt", "eta", "phi", "mass")
        }
        columns = {"jet": ak.zip(jets), "n_jet": n_jets.astype(np.int32), "met": rng.normal(size=N_EVENTS)}
        keys = {"event": np.arange(N_EVENTS), "run": np.full(N_EVENTS, 7)}
        with uproot.recreate(tmp_path / f"{name}.root") as file:
            file.mkrntuple("events", ak.Array({**columns, **keys}))
    starter = make_starter([f"{tmp_path}/*.root"], folder=tmp_path)
    path = tmp_path / "jets.yaml"
    write_starter(starter, path)
    config = load_config(path).config
    columns = config.inputs["event"].columns
    assert {"count(`jet.pt`)", "`jet.pt`[0]", "mass(jets[0], jets[1])"} <= set(columns)
    assert "n_jet" not in columns
    assert "n_jet: the number of objects of 'jet', which a feature counts" in starter.text
    assert config.data.event_key == ("run", "event")
    assert check_config(path).n_parameters > 0


def test_pictures_become_an_image_input(tmp_path, rng):
    with h5py.File(tmp_path / "pictures.h5", "w") as file:
        file["X"] = rng.random((60, 8, 8, 2)).astype(np.float32)
        file["y"] = np.arange(60) % 2
    starter = make_starter([tmp_path / "pictures.h5"], folder=tmp_path)
    config = write_and_load(starter, tmp_path)
    assert config.inputs["image"].column == "X"
    assert config.data.target == "y"
    assert config.data.classes == {"background": 0, "signal": 1}


def test_classes_have_the_order_of_their_codes_and_stated_truth_is_no_input(tmp_path, rng):
    """Sorted by name, a photon (0) was the signal, and the electron (1) the background."""
    with h5py.File(tmp_path / "showers.h5", "w") as file:
        file["width"] = rng.random(60)
        file["y"] = np.arange(60, dtype=np.int8) % 2
        file["y"].attrs["class_names"] = ["photon", "electron"]
        file["energy"] = rng.random(60)
        file["energy"].attrs["truth"] = True
    starter = make_starter([tmp_path / "showers.h5"], folder=tmp_path)
    config = write_and_load(starter, tmp_path)
    assert config.data.classes == ("photon", "electron")
    assert config.inputs["event"].columns == ("width",)
    assert "#   energy: truth, as the file says" in starter.text


def test_codes_that_a_parquet_file_names_are_classes_of_these_names(tmp_path, rng):
    names = {"class_names": '["photon", "electron"]'}
    fields = [pa.field("width", pa.float64()), pa.field("y", pa.int64(), metadata=names)]
    table = pa.table({"width": rng.random(60), "y": np.arange(60) % 2}, schema=pa.schema(fields))
    pq.write_table(table, tmp_path / "showers.parquet")
    config = write_and_load(make_starter([tmp_path / "showers.parquet"], folder=tmp_path), tmp_path)
    assert config.data.classes == {"photon": 0, "electron": 1}


def test_arrays_of_another_split_are_no_inputs(tmp_path, rng):
    """`x_test` stood beside `x_train` as an image of the same events, `y_test` as a number of theirs."""
    arrays = {f"x_{split}": rng.random((60, 8, 8)).astype(np.float32) for split in ("train", "test")}
    labels = {f"y_{split}": np.arange(60) % 2 for split in ("train", "test")}
    np.savez(tmp_path / "pictures.npz", **arrays, **labels)
    starter = make_starter([tmp_path / "pictures.npz"], target="y_train", folder=tmp_path)
    config = write_and_load(starter, tmp_path)
    assert {name: entry.column for name, entry in config.inputs.items()} == {"image": "x_train"}
    assert "#   y_test: of 'test', where the target is of 'train': other events" in starter.text


def test_objects_teach_nothing_by_what_never_changes(tmp_path, rng):
    """One lepton in every event: their number, and their sum beside the first, were features, and filled."""
    n_jets = rng.integers(3, 6, N_EVENTS)

    def objects(counts, **columns):
        return ak.zip({name: ak.unflatten(values, counts) for name, values in columns.items()})

    total = int(n_jets.sum())
    jets = objects(n_jets, pt=rng.random(total), good=np.ones(total), truth_origin=np.arange(total) % 3)
    leptons = objects(np.ones(N_EVENTS, int), pt=rng.random(N_EVENTS))
    with uproot.recreate(tmp_path / "events.root") as file:
        columns = {"jet": jets, "lepton": leptons, "label": np.arange(N_EVENTS) % 2}
        file.mktree("events", {name: ak.type(values).content for name, values in columns.items()})
        file["events"].extend(columns)
    starter = make_starter([tmp_path / "events.root"], folder=tmp_path)
    config = write_and_load(starter, tmp_path)
    expected = ("count(jet_pt)", "jet_pt[0]", "jet_pt[1]", "jet_pt[2]", "sum(jet_pt)", "lepton_pt[0]")
    assert config.inputs["event"].columns == expected
    assert config.preparation.missing.nan == "error"
    assert "#   jet_good: 1 in every sampled object" in starter.text
    assert "#   jet_truth_origin: named like truth information" in starter.text
    assert "#   nlepton: 1 in every sampled entry" in starter.text


def test_a_file_without_columns_says_how_labels_come_in(tmp_path, rng):
    np.save(tmp_path / "jets.npy", rng.random((20, 10, 4)))
    with pytest.raises(DataError, match=r"come in by `join`.*of objects with docs/guide/clouds\.md"):
        make_starter([tmp_path / "jets.npy"], folder=tmp_path)


def test_a_table_in_the_name_of_a_file_is_told_its_option(labelled_csv):
    with pytest.raises(DataError, match=r"events\.csv does\. Name the table by itself: --table nominal"):
        make_starter([f"{labelled_csv}:nominal"])


def test_the_verb_writes_and_says_what_to_do_next(labelled_csv, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["init", str(labelled_csv), "--quiet"])
    assert ended.value.code == 0
    assert "rapidity train events.yaml" in capsys.readouterr().out
    before = Path("events.yaml").read_text()
    with pytest.raises(SystemExit) as ended:
        main(["init", str(labelled_csv), "--quiet", "--target", "Label"])
    assert ended.value.code == 2
    assert "events.yaml exists already" in capsys.readouterr().err
    assert Path("events.yaml").read_text() == before


def test_one_file_without_a_class_asks_for_the_target(labelled_csv):
    labelled_csv.write_text(labelled_csv.read_text().replace("Label", "letter"))
    with pytest.raises(DataError, match=r"which column holds the class.*--target COLUMN.*letter"):
        make_starter([labelled_csv])


def test_a_target_that_is_not_there_is_named_with_the_nearest(labelled_csv):
    with pytest.raises(MissingNameError, match=r"no column 'Labl'. Closest: Label"):
        make_starter([labelled_csv], target="Labl")


def test_a_target_with_too_many_values_is_refused(labelled_csv):
    with pytest.raises(DataError, match=r"column 'pt' has 400 different values.*expected 2 to 30"):
        make_starter([labelled_csv], target="pt")


def test_files_without_anything_to_learn_from(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text("year,text\n2018,x\n2018,y\n")
    with pytest.raises(DataError, match=r"nothing in .*a.csv can be learnt from: year \(2018 in every"):
        make_starter([f"{tmp_path}/?.csv"])


def test_no_file_is_an_error():
    with pytest.raises(DataError, match="no file is given"):
        make_starter([])


def test_an_existing_file_stays(labelled_csv, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("mine")
    with pytest.raises(ConfigError, match=r"mine.yaml exists already"):
        write_starter(make_starter([labelled_csv]), path)
    assert path.read_text() == "mine"


@pytest.mark.data
@pytest.mark.parametrize(
    ("pattern", "target"),
    [
        ("higgsml/*.gz", None),
        ("higgs/*.csv", "response"),
        ("delphes_hbb_ttbar/reduced_[ht]*.root", None),
        ("cms_jets/*.root", "isB"),
        ("alice_pid/*.root", None),
    ],
)
def test_real_data(shared_data, tmp_path, pattern, target):
    starter = make_starter([str(shared_data / pattern)], target=target, folder=tmp_path)
    path = tmp_path / "run.yaml"
    write_starter(starter, path)
    assert check_config(path).n_parameters > 0
