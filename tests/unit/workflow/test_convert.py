"""Conversions of many files: bad ones among them, interruptions, any number of workers."""

from __future__ import annotations

import json
import shutil

import h5py
import numpy as np
import pytest
from workflow.small_parts import look_for_small_parts

from rapidity.core.errors import ConfigError, DataError, InterruptedRunError
from rapidity.core.progress import SilentProgress
from rapidity.data.conversion import looking, part
from rapidity.workflow import convert

N_FILES = 4
COLUMNS = ["x", "w"]


class Notes(SilentProgress):
    """What was said."""

    def __init__(self):
        self.said = []

    def note(self, message):
        self.said.append(message)


@pytest.fixture
def write_files(tmp_path):
    """Return a writer of HDF5 files with 100 events each, and the list of their paths."""

    def write(n_files=N_FILES, **others):
        paths = []
        for number in range(n_files):
            rng = np.random.default_rng(number)
            path = tmp_path / f"in_{number}.h5"
            with h5py.File(path, "w") as file:
                group = file.create_group("table")
                group["x"] = rng.normal(number, 1, 100)
                group["w"] = rng.choice([-1.0, 1.0, 1.0], 100)
                for name, values in others.items():
                    group[name] = values
            paths.append(path)
        return paths

    return write


@pytest.fixture
def small_parts(monkeypatch):
    """Let 100 events be four parts."""
    monkeypatch.setattr(looking, "PART_BYTES", 1)
    monkeypatch.setattr(looking, "FEWEST_ENTRIES", 25)


@pytest.fixture
def count_parts(monkeypatch):
    """Count the parts that are converted, and stop before one of them if asked to."""
    done = []
    convert_part = convert.convert_part

    class Counter:
        stop_before = None
        error = KeyboardInterrupt

        def __len__(self):
            return len(done)

    counter = Counter()

    def counted(task):
        if counter.stop_before == len(done):
            raise counter.error
        done.append(task)
        return convert_part(task)

    monkeypatch.setattr(convert, "convert_part", counted)
    return counter


def run(paths, tmp_path, **keys):
    options = {"n_workers": 1, "columns": COLUMNS} | keys
    return convert.convert_files(paths, tmp_path / "out.h5", **options)


def read(path):
    with h5py.File(path) as file:
        return {name: node[()] for name, node in file["events"].items()}


def metadata(path):
    with h5py.File(path) as file:
        return json.loads(file["events"].attrs["metadata"])


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


# Going on


def test_an_interrupted_conversion_goes_on_where_it_was(write_files, tmp_path, count_parts):
    paths = write_files()
    count_parts.stop_before = 2
    with pytest.raises(
        InterruptedRunError, match=r"2 of 4 parts are done and stay in .*out.h5.parts. The same"
    ):
        run(paths, tmp_path)
    assert not (tmp_path / "out.h5").exists()
    count_parts.stop_before = None
    notes = Notes()
    summary = run(paths, tmp_path, progress=notes)
    assert len(count_parts) == 4
    assert (summary.n_parts, summary.n_parts_found) == (4, 2)
    assert notes.said[0].startswith("Going on: 2 of 4 parts are done already")
    assert not (tmp_path / "out.h5.parts").exists()
    shutil.move(tmp_path / "out.h5", tmp_path / "resumed.h5")
    run(paths, tmp_path)
    assert (tmp_path / "out.h5").read_bytes() == (tmp_path / "resumed.h5").read_bytes()


def test_another_configuration_begins_anew_and_says_so(write_files, tmp_path, count_parts):
    paths = write_files()
    count_parts.stop_before = 2
    with pytest.raises(InterruptedRunError):
        run(paths, tmp_path)
    count_parts.stop_before = None
    notes = Notes()
    run(paths, tmp_path, selection="x > 0", progress=notes)
    assert len(count_parts) == 6
    assert (
        notes.said[0]
        == "The configuration or the files have changed since the earlier attempt: beginning anew."
    )


def test_a_file_that_changed_is_converted_anew_the_others_are_kept(write_files, tmp_path, count_parts):
    paths = write_files()
    count_parts.stop_before = 3
    with pytest.raises(InterruptedRunError):
        run(paths, tmp_path)
    with h5py.File(paths[0], "a") as file:
        file["table/x"][:] = 7.0
        file["more"] = np.arange(10)
    count_parts.stop_before = None
    notes = Notes()
    run(paths, tmp_path, progress=notes, dataset="table")
    assert notes.said[0].endswith("beginning anew.")  # another table is asked for
    assert set(read(tmp_path / "out.h5")["x"][:100]) == {7.0}


def test_only_what_depends_on_a_change_is_made_again(write_files, tmp_path, count_parts):
    paths = write_files()
    count_parts.stop_before = 3
    with pytest.raises(InterruptedRunError):
        run(paths, tmp_path, generator_weight="w", cross_section=1.0, sum_of_weights="sum", luminosity=1.0)
    count_parts.stop_before = None
    paths[0].touch()
    notes = Notes()
    # The luminosity enters when the parts are put together.
    run(
        paths,
        tmp_path,
        progress=notes,
        generator_weight="w",
        cross_section=1.0,
        sum_of_weights="sum",
        luminosity=2.0,
    )
    assert len(count_parts) == 5
    assert notes.said[0].endswith("2 of 4 parts can be kept.")
    found = read(tmp_path / "out.h5")
    np.testing.assert_allclose(found["event_weight"], found["w"] * 2000.0 / found["w"].sum())


def test_a_damaged_journal_and_part_are_made_again(write_files, tmp_path, count_parts):
    paths = write_files()
    count_parts.stop_before = 3
    with pytest.raises(InterruptedRunError):
        run(paths, tmp_path)
    folder = tmp_path / "out.h5.parts"
    next(folder.glob("*.part")).write_bytes(b"half")
    with (folder / "journal.jsonl").open("a") as stream:
        stream.write('{"key": "ab')
    count_parts.stop_before = None
    assert run(paths, tmp_path).n_parts_found == 2
    assert len(read(tmp_path / "out.h5")["x"]) == 400


def test_two_conversions_do_not_write_the_same_output(write_files, tmp_path):
    paths = write_files(1)
    with (
        convert.Journal(tmp_path / "out.h5"),
        pytest.raises(DataError, match="another conversion writes this output"),
    ):
        run(paths, tmp_path)


def test_nothing_stays_of_a_conversion_that_failed_before_its_first_part(write_files, tmp_path):
    with pytest.raises(DataError, match="column 'z'"):
        run(write_files(1), tmp_path, columns=["z"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in_0.h5"]


def test_a_file_that_changes_meanwhile_is_an_error(write_files, tmp_path, monkeypatch):
    paths = write_files(1)
    monkeypatch.setattr(part, "identify_file", lambda path: (1, 1))
    with pytest.raises(DataError, match="has changed since the conversion began"):
        run(paths, tmp_path)


# Bad files


def test_a_bad_file_is_named_and_stops_the_work(write_files, tmp_path):
    paths = write_files()
    truncate(paths[2])
    with pytest.raises(DataError, match=r"in_2.h5 is truncated.*--skip-bad-files leaves such files out"):
        run(paths, tmp_path)
    assert not (tmp_path / "out.h5").exists()


def test_bad_files_are_skipped_and_listed(write_files, tmp_path):
    paths = write_files()
    truncate(paths[2])
    summary = run(paths, tmp_path, skip_bad_files=True)
    assert [bad.path for bad in summary.skipped] == [str(paths[2])]
    assert "skipped: 1 bad file" in str(summary)
    assert "in_2.h5 is truncated" in metadata(tmp_path / "out.h5")["skipped_files"][0]["reason"]
    found = read(tmp_path / "out.h5")
    assert len(found["x"]) == 300
    with h5py.File(tmp_path / "out.h5") as file:
        names = file["events/source_file"].attrs["names"]
    assert [names[code] for code in found["source_file"][::100]] == [str(paths[i]) for i in (0, 1, 3)]


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("skip_bad_files", [False, True])
def test_a_file_that_is_bad_in_its_middle_leaves_nothing_behind(write_files, tmp_path, skip_bad_files):
    paths = write_files()
    with h5py.File(paths[1], "a") as file:
        file["table/w"][60] = np.nan
    options = {"generator_weight": "w", "cross_section": 1.0, "sum_of_weights": "sum", "luminosity": 1.0}
    if not skip_bad_files:
        with pytest.raises(DataError, match=r"is nan at entry 60 of .*\n  6 of 16 parts are done and stay"):
            run(paths, tmp_path, **options)
        return
    summary = run(paths, tmp_path, skip_bad_files=True, **options)
    found = read(tmp_path / "out.h5")
    assert [file.n_written for file in summary.files] == [100, 100, 100]
    assert set(found["source_file"]) == {0, 2, 3}
    np.testing.assert_allclose(found["event_weight"].sum(), 1000.0)


def test_a_file_with_other_columns_is_bad(write_files, tmp_path):
    paths = write_files(3)
    with h5py.File(paths[1], "a") as file:
        del file["table/w"]
        file["table/v"] = np.zeros(100)
    with pytest.raises(DataError, match=r"column 'w' is not in 'table' of .*in_1.h5"):
        run(paths, tmp_path)
    with pytest.raises(DataError, match=r"column 'w' is not in"):
        run(paths, tmp_path, columns="all")
    assert run(paths, tmp_path, columns="all", skip_bad_files=True).n_written == 200


def test_a_file_with_more_columns_is_bad_if_all_are_taken(write_files, tmp_path):
    paths = write_files(2)
    with h5py.File(paths[1], "a") as file:
        file["table/v"] = np.zeros(100)
    with pytest.raises(DataError, match=r"`columns: all` means other columns in .* \(only here: v\)"):
        run(paths, tmp_path, columns="all")
    assert run(paths, tmp_path).n_written == 200


def test_a_column_of_another_nature_is_bad(write_files, tmp_path):
    paths = write_files(2)
    with h5py.File(paths[1], "a") as file:
        del file["table/w"]
        file["table/w"] = ["a"] * 100
    with pytest.raises(
        DataError, match=r"column 'w' of .*in_1.h5 holds text \(text\), but float64 \(float64\) in"
    ):
        run(paths, tmp_path)


def test_numbers_of_different_types_become_float64(write_files, tmp_path):
    paths = write_files(2)
    with h5py.File(paths[1], "a") as file:
        del file["table/w"]
        file["table/w"] = np.arange(100)
    run(paths, tmp_path)
    assert read(tmp_path / "out.h5")["w"].dtype == np.float64


def test_nothing_but_bad_files(write_files, tmp_path):
    paths = write_files(2)
    for path in paths:
        truncate(path)
    with pytest.raises(DataError, match=r"none of the 2 files can be converted:\n  .*in_0.h5"):
        run(paths, tmp_path, skip_bad_files=True)


def test_a_file_of_which_nothing_is_selected_is_said(write_files, tmp_path):
    paths = write_files(2)
    with h5py.File(paths[0], "a") as file:
        file["table/x"][:] = 0.0
    notes = Notes()
    run(paths, tmp_path, selection="x > 0", progress=notes)
    assert notes.said == [f"Warning: no event of {tmp_path / 'in_0.h5'} is selected (100 entries read)."]


# Workers


def test_the_output_is_the_same_whatever_the_number_of_workers(write_files, tmp_path, monkeypatch):
    monkeypatch.setattr(convert, "look_at_file", look_for_small_parts)
    paths = write_files()
    options = {"generator_weight": "w", "cross_section": 1.0, "sum_of_weights": "sum", "luminosity": 1.0}
    summary = run(paths, tmp_path, selection="x > 0.5", **options)
    assert summary.n_parts == 16
    shutil.move(tmp_path / "out.h5", tmp_path / "one.h5")
    assert run(paths, tmp_path, selection="x > 0.5", n_workers=2, **options).n_parts == 16
    assert (tmp_path / "out.h5").read_bytes() == (tmp_path / "one.h5").read_bytes()


class Backwards:
    """An executor that does the last tasks first."""

    n_workers = 1
    is_local = True

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def prepare(self, function, task):
        pass

    def run(self, function, tasks):
        for index in reversed(range(len(tasks))):
            yield index, function(tasks[index])


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_parts_are_put_together_in_order_however_they_come(write_files, tmp_path, monkeypatch, compression):
    """Uncompressed they are written to their places, else one after the other."""
    paths = write_files()
    run(paths, tmp_path, compression=compression)
    expected = read(tmp_path / "out.h5")
    monkeypatch.setattr(convert, "open_executor", lambda *_, **__: Backwards())
    run(paths, tmp_path, overwrite=True, compression=compression)
    found = read(tmp_path / "out.h5")
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.usefixtures("small_parts")
def test_other_machines_do_not_write_the_output(write_files, tmp_path, monkeypatch):
    """Several of them may not write to one file on a network file system."""
    asked = []

    class Remote(Backwards):
        is_local = False

        def run(self, function, tasks):
            asked.append(function.__name__)
            return super().run(function, tasks)

    paths = write_files()
    run(paths, tmp_path)
    expected = (tmp_path / "out.h5").read_bytes()
    monkeypatch.setattr(convert, "open_executor", lambda *_, **__: Remote())
    run(paths, tmp_path, overwrite=True)
    assert asked == ["look_at_file", "convert_part"]
    assert (tmp_path / "out.h5").read_bytes() == expected


def test_a_conversion_that_stops_while_it_writes_goes_on_there(
    write_files, tmp_path, count_parts, monkeypatch
):
    def stop(task):
        raise KeyboardInterrupt

    paths = write_files()
    with monkeypatch.context() as patched:
        patched.setattr("rapidity.data.conversion.assembly.place_part", stop)
        with pytest.raises(InterruptedRunError, match="4 of 4 parts are done and stay in"):
            run(paths, tmp_path)
    assert not (tmp_path / "out.h5").exists()
    summary = run(paths, tmp_path)
    assert len(count_parts) == summary.n_parts_found == 4
    assert len(read(tmp_path / "out.h5")["x"]) == 400


# Options


def test_a_yaml_file_gives_all(write_files, tmp_path):
    write_files(2)
    (tmp_path / "convert.yaml").write_text("sources: [{path: in_*.h5}]\ncolumns: [x]\noutput: made.h5\n")
    summary = convert.convert_files(tmp_path / "convert.yaml", n_workers=1, overrides=["selection=x > 0"])
    assert summary.output == tmp_path / "made.h5"
    assert (read(tmp_path / "made.h5")["x"] > 0).all()
    with pytest.raises(ConfigError, match=r"columns: given beside .*convert.yaml"):
        convert.convert_files(tmp_path / "convert.yaml", columns=["x"])


def test_options_are_checked_like_a_yaml_file(write_files, tmp_path):
    with pytest.raises(ConfigError, match=r"2 problems in the options\n  given  column: unknown key"):
        convert.convert_files(write_files(1), tmp_path / "out.h5", column=["x"], n_objects=0)


def test_without_an_output_nothing_is_done(write_files):
    with pytest.raises(ConfigError, match="no output is given"):
        convert.convert_files(write_files(1))
