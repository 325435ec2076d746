from __future__ import annotations

import json
import shutil
import sys
from concurrent.futures import Future

import awkward as ak
import h5py
import numpy as np
import pytest
import uproot

from rapidity.core.errors import ConfigError, DataError, EngineError, RapidityError
from rapidity.core.jagged import Jagged
from rapidity.core.processors import default_workers
from rapidity.core.progress import SilentProgress
from rapidity.core.random import make_generator
from rapidity.data.readers import open_reader
from rapidity.samples import SAMPLES, generate, generation, pythia
from rapidity.samples.blocks import BLOCK_SIZE, CHUNK_SIZE, CHUNKS_PER_BLOCK, Block, BlockTask
from rapidity.samples.event_columns import concatenate_columns, to_arrays
from rapidity.samples.worker import pack, unpack
from rapidity.samples.workers import Worker, WorkerPool

TASK = BlockTask("hww_ttbar", "signal", 2, 1, underlying_event=False, n_wanted=300, selection="dilepton")
EFFICIENCY = {"signal": 0.4, "background": 0.6}


def make_block(task: BlockTask) -> Block:
    """Return a block as the generator would, of random numbers instead of events."""
    rng = make_generator(task.seed, task.process, task.block)
    described = SAMPLES[task.sample].columns
    columns, numbers, cross_sections = [], [], []
    for chunk in range(CHUNKS_PER_BLOCK):
        selected = np.flatnonzero(rng.random(CHUNK_SIZE) < EFFICIENCY[task.process])
        columns.append(
            {name: make_column(rng, len(selected), column.collection) for name, column in described.items()}
        )
        numbers.append(task.block * BLOCK_SIZE + chunk * CHUNK_SIZE + selected)
        cross_sections.append(10.0 + rng.random())
        if sum(map(len, numbers)) >= task.n_wanted:
            break
    return Block(concatenate_columns(columns), np.concatenate(numbers), np.array(cross_sections))


def make_column(rng, n_events, collection):
    """Return a value an event, or as many as it has objects: one, two or three in turn."""
    if not collection:
        return 100 * rng.random(n_events)
    counts = 1 + np.arange(n_events) % 3
    return Jagged.from_counts(100 * rng.random(counts.sum()), counts)


class StandInPool:
    """Takes tasks; `finish_latest` then finishes the latest first, an order that no one planned."""

    def __init__(self, n_workers: int = 1) -> None:
        self.n_workers = n_workers

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def submit(self, task):
        return _FutureOfTask(task)


class _FutureOfTask(Future):
    def __init__(self, task: BlockTask) -> None:
        super().__init__()
        self.task = task


def finish_latest(under_way, return_when):
    latest = list(under_way)[-1]
    latest.set_result(make_block(latest.task))
    return {latest}, set(under_way) - {latest}


class CountingProgress(SilentProgress):
    """Counts what is reported."""

    def __init__(self) -> None:
        self.total = 0
        self.done = 0

    def task(self, description, total=None, unit=""):
        self.total = total
        progress = self

        class Task:
            def __enter__(self):
                return self

            def __exit__(self, *exception):
                pass

            def advance(self, amount=1, **fields):
                progress.done += amount

        return Task()


@pytest.fixture
def stand_in(monkeypatch):
    """Replace Pythia by random numbers."""
    monkeypatch.setattr(generation, "check_generators", lambda sample: None)
    monkeypatch.setattr(generation, "WorkerPool", StandInPool)
    monkeypatch.setattr(generation, "InlinePool", StandInPool)
    monkeypatch.setattr(generation, "wait", finish_latest)


def make(path, **settings):
    defaults = {"n_events": 9000, "seed": 3, "workers": 1, "progress": SilentProgress()}
    return generate(settings.pop("sample", "hww_ttbar"), path, **(defaults | settings))


def read(path):
    with h5py.File(path) as file:
        return file["Signal"][:], file["Background"][:]


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("n_events", [2, 3, 500, 9000])
def test_any_number_of_workers_gives_the_same_file(tmp_path, n_events):
    one = make(tmp_path / "1.h5", n_events=n_events)
    three = make(tmp_path / "3.h5", n_events=n_events, workers=3)
    assert one.processes == three.processes
    for first, second in zip(read(tmp_path / "1.h5"), read(tmp_path / "3.h5"), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.usefixtures("stand_in")
def test_half_of_the_selected_events_are_signal(tmp_path):
    summary = make(tmp_path / "a.h5", n_events=1001)
    signal, background = read(tmp_path / "a.h5")
    assert (len(signal), len(background)) == (501, 500)
    assert summary.n_selected == 1001


@pytest.mark.usefixtures("stand_in")
def test_a_smaller_sample_is_the_beginning_of_a_larger_one(tmp_path):
    make(tmp_path / "small.h5", n_events=600)
    make(tmp_path / "large.h5", n_events=6000)
    for small, large in zip(read(tmp_path / "small.h5"), read(tmp_path / "large.h5"), strict=True):
        for name in ("event_number", "HT_all"):
            np.testing.assert_array_equal(small[name], large[name][: len(small)])


@pytest.mark.usefixtures("stand_in")
def test_another_seed_gives_other_events(tmp_path):
    make(tmp_path / "a.h5", n_events=100)
    make(tmp_path / "b.h5", n_events=100, seed=4)
    assert not np.any(read(tmp_path / "a.h5")[0]["HT_all"] == read(tmp_path / "b.h5")[0]["HT_all"])


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("n_events", [300, 9000])
def test_weights_add_up_to_cross_section_times_efficiency(tmp_path, n_events):
    summary = make(tmp_path / "a.h5", n_events=n_events)
    for (name, process), events in zip(summary.processes.items(), read(tmp_path / "a.h5"), strict=True):
        efficiency = len(events) / process.n_generated
        assert efficiency == pytest.approx(EFFICIENCY[name], rel=0.15)
        expected = process.cross_section_pb * 1000 * efficiency
        assert events["event_weight"].sum() == pytest.approx(expected)
        assert process.expected_yield == pytest.approx(expected)
        assert process.efficiency == efficiency


@pytest.mark.usefixtures("stand_in")
def test_event_numbers_are_unique_within_a_process(tmp_path):
    summary = make(tmp_path / "a.h5")
    for process, events in zip(summary.processes.values(), read(tmp_path / "a.h5"), strict=True):
        assert np.all(np.diff(events["event_number"]) > 0)
        assert events["event_number"][-1] == process.n_generated - 1
        assert events["event_number"].dtype == np.int64


@pytest.mark.usefixtures("stand_in")
def test_the_file_says_where_it_came_from(tmp_path):
    make(tmp_path / "a.h5", n_events=100, seed=12, underlying_event=True)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file.attrs["rapidity_format"] == 1
        assert file.attrs["seed"] == 12
        assert file.attrs["underlying_event"]
        assert file.attrs["luminosity_fb"] == 1
        assert "pythia8mc_version" in file.attrs
        units = json.loads(file["Signal"].attrs["units"])
        assert units["HT_all"] == "GeV"
        assert units["angle_between_jets"] == "rad"
        assert 10 < file.attrs["Background.cross_section_pb"] < 11
        assert file["Signal"].dtype.names == (*units, "event_number", "event_weight")


@pytest.mark.usefixtures("stand_in")
def test_events_with_objects_are_one_tree(tmp_path):
    summary = make(tmp_path / "a.root", sample="tth_bb", n_events=1001)
    with uproot.open(tmp_path / "a.root") as file:
        tree = file["events"]
        assert tree["process"].array().tolist() == [1] * 501 + [0] * 500
        assert len(np.unique(tree["event_number"].array())) == 1001
        assert tree["n_jet"].array()[:4].tolist() == [1, 2, 3, 1]
        assert ak.num(tree["jet_pt"].array())[:4].tolist() == [1, 2, 3, 1]
        weight = np.asarray(tree["weight"].array())
        assert file["selection"] == "5j3b"
        assert json.loads(str(file["units"]))["jet_pt"] == "GeV"
        assert float(file["Signal.cross_section_pb"]) == summary.processes["signal"].cross_section_pb
    columns = open_reader(tmp_path / "a.root").columns
    assert [columns[name].unit for name in ("jet_pt", "n_jet", "process")] == ["GeV", None, None]
    for process, rows in (("signal", slice(0, 501)), ("background", slice(501, None))):
        assert weight[rows].sum() == pytest.approx(summary.processes[process].expected_yield)


@pytest.mark.usefixtures("stand_in")
def test_a_tree_is_the_same_for_any_number_of_workers(tmp_path):
    trees = []
    for workers in (1, 3):
        path = tmp_path / f"{workers}.root"
        make(path, sample="tth_bb", workers=workers, selection="6j4b")
        with uproot.open(path) as file:
            trees.append({name: branch.array() for name, branch in file["events"].items()})
    one, three = trees
    assert all(ak.array_equal(values, three[name]) for name, values in one.items())


@pytest.mark.usefixtures("stand_in")
def test_predicted_cross_sections_take_the_place_of_those_of_the_generator(tmp_path):
    summary = make(tmp_path / "a.root", sample="tth_bb", n_events=100)
    # 507 fb, 58.2 % and 832 pb; two charges, two flavours at 10.86 %, hadrons at 67.41 %.
    decays = 2 * 2 * 0.1086 * 0.6741
    assert summary.processes["signal"].cross_section_pb == pytest.approx(0.507 * 0.582 * decays)
    assert summary.processes["background"].cross_section_pb == pytest.approx(832 * decays)


@pytest.mark.parametrize(
    ("sample", "selection", "message"),
    [
        ("tth_bb", "6j4", "unknown selection of tth_bb '6j4'. Did you mean '6j4b'"),
        ("lhcb_pid", "6j4b", "sample 'lhcb_pid' has no selection '6j4b'"),
    ],
)
def test_a_selection_that_is_not_there_is_refused(tmp_path, sample, selection, message):
    with pytest.raises(ConfigError, match=message):
        make(tmp_path / "a.root", sample=sample, selection=selection)


@pytest.mark.usefixtures("stand_in")
def test_progress_counts_the_selected_events(tmp_path):
    progress = CountingProgress()
    make(tmp_path / "a.h5", workers=3, progress=progress)
    assert progress.total == progress.done == 9000


@pytest.mark.usefixtures("stand_in")
def test_a_path_as_text_and_no_progress_will_do(tmp_path):
    summary = generate("hww_ttbar", str(tmp_path / "a.h5"), n_events=10, seed=3, workers=1)
    assert summary.path == tmp_path / "a.h5"
    assert [len(events) for events in read(summary.path)] == [5, 5]


@pytest.mark.usefixtures("stand_in")
def test_a_failure_leaves_the_earlier_file_alone(tmp_path, monkeypatch):
    path = tmp_path / "a.h5"
    path.write_text("earlier")

    def fail(self, task):
        message = "out of memory"
        raise RapidityError(message)

    monkeypatch.setattr(StandInPool, "submit", fail)
    with pytest.raises(RapidityError, match="out of memory"):
        make(path)
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("stand_in")
def test_a_failure_leaves_no_folder_that_was_made_for_the_file(tmp_path, monkeypatch):
    def fail(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(StandInPool, "submit", fail)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "new" / "newer" / "a.h5")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_sample_shows_the_near_names(tmp_path):
    with pytest.raises(ConfigError, match=r"unknown sample 'hww_tbar'\. Did you mean 'hww_ttbar'"):
        generate("hww_tbar", tmp_path / "a.h5", n_events=10, seed=1, progress=SilentProgress())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_events": 1}, "number of events is 1; give 2 to"),
        ({"seed": -1}, "seed is -1; give 0 to"),
        ({"seed": 2**63}, "seed is 9223372036854775808; give 0 to 9223372036854775807"),
        ({"workers": 0}, "number of workers is 0; give 1 to 1024"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(tmp_path, settings, message):
    with pytest.raises(DataError, match=message):
        make(tmp_path / "a.h5", **settings)


def test_a_file_that_is_not_called_hdf5_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"ends in .h5, .hdf5, .hdf. Call it events.csv.h5"):
        make(tmp_path / "events.csv")


def test_a_tree_is_not_written_into_another_format(tmp_path):
    with pytest.raises(DataError, match=r"it is a ROOT file, .* ends in .root. Call it a.h5.root"):
        make(tmp_path / "a.h5", sample="tth_bb")


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "a.h5").mkdir()
    with pytest.raises(DataError, match="a folder stands there"):
        make(tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("absent", "message"),
    [
        ({"fastjet"}, "FastJet is not installed. Run: pip install 'rapidity"),
        ({"fastjet", "pythia8mc"}, "Pythia 8 and FastJet are not installed"),
    ],
)
def test_a_missing_generator_is_reported_with_the_command(tmp_path, monkeypatch, absent, message):
    monkeypatch.setattr(pythia, "find_spec", lambda name: None if name in absent else object())
    with pytest.raises(EngineError, match=message):
        make(tmp_path / "a.h5")


def test_blocks_travel_between_processes_unchanged():
    block = make_block(TASK)
    numbers = {"event_number": block.event_number, "cross_section_pb": block.cross_section_pb}
    returned = unpack(pack(**numbers, **to_arrays(block.columns)))
    assert list(returned.columns) == list(block.columns)
    for name, values in block.columns.items():
        np.testing.assert_array_equal(returned.columns[name], values)
    np.testing.assert_array_equal(returned.event_number, block.event_number)
    np.testing.assert_array_equal(returned.cross_section_pb, block.cross_section_pb)


def test_an_error_in_a_worker_is_raised_here():
    with pytest.raises(RapidityError, match="Pythia gave up"):
        unpack(pack(error=np.array("Pythia gave up after 3 of 500 events")))


def test_a_worker_that_dies_is_reported(monkeypatch):
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with WorkerPool(1) as pool:
        future = pool.submit(TASK)
        with pytest.raises(RapidityError, match=r"ended early \(exit code 1\).*use fewer workers"):
            future.result(timeout=20)


def test_a_stopped_worker_leaves_nothing_behind():
    worker = Worker()
    worker.stop()
    assert worker._process.returncode is not None


def test_there_is_at_least_one_worker():
    assert default_workers() >= 1
