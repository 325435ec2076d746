"""Scores beside a file: every entry, in its order, in every format."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rapidity.delivery.friends
from rapidity.artefact import OnnxModel
from rapidity.core.errors import DataError, VerificationError
from rapidity.core.jagged import JaggedType
from rapidity.data.readers import open_reader
from rapidity.data.readers.attributes import read_attribute
from rapidity.data.row_hash import hash_rows
from rapidity.delivery import PredictTask, predict_file
from rapidity.delivery.facts import ATTRIBUTE, read_facts
from rapidity.delivery.verification import open_scores

TOLERANCE = 1e-6  # of float32 that the same nodes give in batches of other sizes
INPUTS = ("pt", "eta", "n_jets")
FORMATS = {
    "root": ".root", "rntuple": ".root", "hdf5": ".h5", "parquet": ".parquet", "csv": ".csv",
}  # fmt: skip
INJECTABLE = {"root": ".root", "hdf5": ".h5", "parquet": ".parquet", "csv": ".csv"}
WRITTEN = {
    "score_background": np.float32, "score_signal": np.float32, "pass": np.int64, "entry_hash": np.uint64,
    "source_entry": np.int64,
}  # fmt: skip


def read(path, names=WRITTEN, table="scores"):
    tables = {".root": table, ".h5": "events"}
    reader = open_scores(path, tables.get(path.suffix, ""))
    dtypes = {name: WRITTEN.get(name, np.int64) for name in names}
    chunks = list(reader.read(dtypes))
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in names}


def make_task(model, source, output, output_format="root", **options):
    return PredictTask(str(model), str(source), str(output), output_format, n_threads=1, **options)


def check_scores(model_path, events, rows) -> None:
    """Compare each entry with what the model says when it is asked directly."""
    scores = OnnxModel.load(model_path, n_threads=1).run(events)
    for index, name in enumerate(("score_background", "score_signal")):
        np.testing.assert_allclose(rows[name], scores.probabilities[:, index], atol=TOLERANCE)
    expected = (events["trigger"] == 1) & (events["pt"].astype(float) > 20)
    np.testing.assert_array_equal(rows["pass"], expected)
    np.testing.assert_array_equal(rows["entry_hash"], hash_rows([events[name] for name in INPUTS]))


@given(data=st.data())
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("output_format", FORMATS)
def test_every_score_lands_on_its_event(model, make_events, write_events, output_format, data, monkeypatch):
    n_events = data.draw(st.integers(0, 40), "events")
    seed = data.draw(st.integers(0, 1000), "seed")
    monkeypatch.setattr("rapidity.delivery.scoring.CHUNK_SIZE", data.draw(st.sampled_from([1, 3, 7, 1000])))
    events = make_events(n_events, seed)
    shuffled = np.random.default_rng(seed).permutation(n_events)
    kept = shuffled[: data.draw(st.integers(0, n_events), "cut")]
    events = {name: values[kept] for name, values in events.items()}
    with tempfile.TemporaryDirectory() as folder:
        suffix = FORMATS[output_format]
        layout = "rntuple" if output_format == "rntuple" else "tree"
        source = write_events(Path(folder) / f"a{suffix}", events, layout)
        output = Path(folder) / f"a.scores{suffix}"
        outcome = predict_file(make_task(model, source, output, output_format))
        rows = read(output)
    assert not outcome.is_kept
    assert outcome.counts.n_events == len(kept) == len(rows["pass"])
    assert outcome.counts.n_passing == (rows["pass"].sum() if len(kept) else None)
    assert rows["source_entry"].tolist() == list(range(len(kept)))
    check_scores(model, events, rows)


@given(data=st.data())
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("file_format", INJECTABLE)
def test_scores_in_a_copy_stand_beside_their_events(
    model, make_events, write_events, file_format, data, monkeypatch
):
    n_events = data.draw(st.integers(1, 40), "events")
    monkeypatch.setattr("rapidity.delivery.scoring.CHUNK_SIZE", data.draw(st.sampled_from([1, 3, 1000])))
    events = make_events(n_events, data.draw(st.integers(0, 1000), "seed"))
    with tempfile.TemporaryDirectory() as folder:
        source = write_events(Path(folder) / f"a{INJECTABLE[file_format]}", events)
        before = source.read_bytes()
        output = Path(folder) / f"b{INJECTABLE[file_format]}"
        predict_file(make_task(model, source, output, file_format, inject=True))
        assert source.read_bytes() == before
        names = [name for name in WRITTEN if name != "source_entry"]
        rows = read(output, [*names, "event", "trigger"], "nominal")
        assert list(open_reader(output).columns)[: len(events)] == list(events)
    np.testing.assert_array_equal(rows["event"], events["event"])
    check_scores(model, events, rows)


def test_a_friend_says_what_it_is(model, make_events, write_events, tmp_path):
    source = write_events(tmp_path / "a.root", make_events(7))
    for output_format, suffix in FORMATS.items():
        output = tmp_path / f"{output_format}{suffix}"
        predict_file(make_task(model, source, output, output_format))
        facts = read_facts(output)
        assert (facts.model, facts.source, facts.source_table) == ("tiny", "a.root", "nominal")
        assert facts.n_entries == 7
        assert facts.classes == ("background", "signal")
        assert facts.hashed == INPUTS
        assert facts.selection == "trigger == 1 and pt > 20"
        assert len(facts.model_sha256) == 64
    assert read_attribute(tmp_path / "root.root", ATTRIBUTE).startswith('{"model": "tiny"')
    assert read_facts(source) is None


def test_a_folded_model_tells_which_network_scored(models, make_events, write_events, tmp_path):
    events = make_events(30)
    source = write_events(tmp_path / "a.root", events)
    predict_file(make_task(models / "folded.onnx", source, tmp_path / "s.root"))
    rows = read(tmp_path / "s.root", [*WRITTEN, "fold"])
    np.testing.assert_array_equal(rows["fold"], events["event"] % 3)
    scores = OnnxModel.load(models / "folded.onnx").run(events)
    np.testing.assert_allclose(rows["score_signal"], scores.probabilities[:, 1], atol=TOLERANCE)


def test_columns_of_objects_are_scored(models, make_events, tmp_path):
    import awkward as ak
    import uproot

    events = make_events(25)
    counts = np.arange(25) % 4
    jets = ak.unflatten(np.random.default_rng(1).exponential(30, counts.sum()).astype("f4"), counts)
    with uproot.recreate(tmp_path / "a.root") as file:
        columns = {**events, "jet_pt": jets}
        tree = file.mktree("nominal", {name: ak.type(ak.Array(x)).content for name, x in columns.items()})
        tree.extend(columns)
    predict_file(make_task(models / "jagged.onnx", tmp_path / "a.root", tmp_path / "s.root"))
    rows = read(tmp_path / "s.root")
    model = OnnxModel.load(models / "jagged.onnx", n_threads=1)
    (chunk,) = open_reader(tmp_path / "a.root").read({"jet_pt": JaggedType.of("f4")})
    scores = model.run({**events, **chunk})
    np.testing.assert_allclose(rows["score_signal"], scores.probabilities[:, 1], atol=TOLERANCE)
    np.testing.assert_array_equal(
        rows["entry_hash"], hash_rows([*(events[name] for name in INPUTS), chunk["jet_pt"]])
    )


def test_a_model_without_selection_passes_every_entry(models, make_events, write_events, tmp_path):
    source = write_events(tmp_path / "a.root", make_events(5))
    outcome = predict_file(make_task(models / "free.onnx", source, tmp_path / "s.root"))
    assert read(tmp_path / "s.root")["pass"].tolist() == [1] * 5
    assert outcome.counts.n_passing == 5


def test_pass_is_left_out_on_request(model, make_events, write_events, tmp_path):
    events = make_events(5)
    del events["trigger"]
    source = write_events(tmp_path / "a.root", events)
    outcome = predict_file(make_task(model, source, tmp_path / "s.root", with_pass=False))
    assert "pass" not in open_reader(tmp_path / "s.root").columns
    assert outcome.counts.n_passing is None


def test_numbers_are_spectators_of_a_friend_but_text_is_not(model, make_events, write_events, tmp_path):
    events = make_events(5)
    source = write_events(tmp_path / "a.root", events)
    predict_file(make_task(model, source, tmp_path / "s.root", spectators=("event",)))
    np.testing.assert_array_equal(read(tmp_path / "s.root", ["event"])["event"], events["event"])
    texts = {**events, "label": np.array(list("abcde"), dtype=object)}
    source = write_events(tmp_path / "a.csv", texts)
    with pytest.raises(DataError, match=r"'label' cannot be written to .*: found text, expected numbers"):
        predict_file(make_task(model, source, tmp_path / "t.root", spectators=("label",)))
    assert not (tmp_path / "t.root").exists()


def test_scores_that_fit_are_kept(model, make_events, write_events, tmp_path):
    source = write_events(tmp_path / "a.root", make_events(5))
    task = make_task(model, source, tmp_path / "s.root")
    predict_file(task)
    written = (tmp_path / "s.root").stat().st_mtime_ns
    outcome = predict_file(task)
    assert outcome.is_kept
    assert outcome.counts.n_events == 5
    assert (tmp_path / "s.root").stat().st_mtime_ns == written


def test_a_file_of_others_is_never_taken_for_scores(model, make_events, write_events, tmp_path):
    source = write_events(tmp_path / "a.root", make_events(5))
    other = write_events(tmp_path / "s.root", make_events(5))
    before = other.read_bytes()
    with pytest.raises(VerificationError, match=r"holds no scores of Rapidity\. Choose another --output"):
        predict_file(make_task(model, source, other))
    assert other.read_bytes() == before


def test_an_input_is_never_written_to(model, make_events, write_events, tmp_path):
    source = write_events(tmp_path / "a.root", make_events(5))
    before = source.read_bytes()
    (tmp_path / "link.root").symlink_to(source)
    for output in (source, tmp_path / "link.root"):
        for inject in (False, True):
            with pytest.raises(DataError, match=r"which is read here. Choose another --output"):
                predict_file(make_task(model, source, output, overwrite=True, inject=inject))
    assert source.read_bytes() == before


@pytest.fixture
def write_source(make_events, write_events, tmp_path):
    """Return a function that writes a file of that many events."""
    return lambda name, n_events=5: write_events(tmp_path / name, make_events(n_events))


def lose_entries(digests):
    digests.n_rows = 9


def change_a_score(digests):
    digests._digests["score_signal"].update(b"x")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lose_entries, "was to hold 9 entries, but 5 are read back"),
        (change_a_score, "reads back with other values than were written, in: score_signal"),
    ],
)
@pytest.mark.parametrize("output_format", FORMATS)
def test_a_file_that_reads_back_otherwise_is_not_kept(
    model, write_source, tmp_path, monkeypatch, output_format, change, message
):
    verify_written = rapidity.delivery.friends.verify_written

    def verify_spoilt(path, table, written, shown):
        change(written)
        verify_written(path, table, written, shown)

    monkeypatch.setattr(rapidity.delivery.friends, "verify_written", verify_spoilt)
    source = write_source("a.root")
    output = tmp_path / f"s{FORMATS[output_format]}"
    with pytest.raises(VerificationError, match=message):
        predict_file(make_task(model, source, output, output_format))
    assert [path.name for path in tmp_path.iterdir()] == ["a.root"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
@pytest.mark.parametrize("inject", [False, True])
@pytest.mark.parametrize("suffix", [".root", ".h5", ".parquet", ".csv"])
def test_an_interrupted_prediction_leaves_nothing(
    model, write_source, tmp_path, monkeypatch, error, inject, suffix
):
    def fail(*_):
        raise error

    source = write_source(f"a{suffix}", 50)
    monkeypatch.setattr("rapidity.delivery.scoring.CHUNK_SIZE", 20)
    real = rapidity.delivery.friends.hash_entries
    monkeypatch.setattr(
        rapidity.delivery.friends,
        "hash_entries",
        lambda model, chunk: fail() if chunk.first_entry == 20 else real(model, chunk),
    )
    kind = {".root": "root", ".h5": "hdf5", ".parquet": "parquet", ".csv": "csv"}[suffix]
    with pytest.raises((KeyboardInterrupt, DataError)):
        predict_file(make_task(model, source, tmp_path / f"s{suffix}", kind, inject=inject))
    assert list(tmp_path.iterdir()) == [source]
