"""Collections in arrays of a fixed number of places: converted as `data.collections` of a run reads them."""

from __future__ import annotations

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from rapidity.config.collections import ObjectArrays
from rapidity.config.conversion import ConvertedCollection
from rapidity.core.errors import ConfigError, DataError
from rapidity.core.jagged import JaggedType
from rapidity.data.conversion.changes import find_changes
from rapidity.data.conversion.journal import part_key
from rapidity.data.conversion.looking import FileTask, SourceTable, look_at_file
from rapidity.data.conversion.padded_arrays import find_object_arrays
from rapidity.data.conversion.plan import PartPlan
from rapidity.data.object_arrays import with_objects
from rapidity.data.readers import open_reader
from rapidity.data.readers.reader import ColumnInfo

N_EVENTS, N_PLACES = 50, 6
FIELDS = {"array": "X", "fields": ["pt", "eta", "id"], "absent": {"pt": 0}}
COLUMNS = {"columns": ["jet_pt", "jet_eta"], "absent": {"jet_pt": 0}}


@pytest.fixture
def arrays():
    """Return jets in six places of which some are empty, anywhere, and values of the event beside them."""
    rng = np.random.default_rng(1)
    pt = rng.uniform(10, 90, (N_EVENTS, N_PLACES)).astype(np.float32)
    pt[rng.random(pt.shape) < 0.4] = 0
    pt[3] = 0  # an event without jets
    eta = np.where(pt == 0, 0, rng.normal(size=pt.shape)).astype(np.float32)
    kind = np.where(pt == 0, 0, rng.integers(1, 4, pt.shape)).astype(np.float32)
    return {
        "X": np.stack([pt, eta, kind], axis=-1), "jet_pt": pt, "jet_eta": eta,
        "met": rng.exponential(20, N_EVENTS), "njet": rng.integers(0, N_PLACES + 1, N_EVENTS),
    }  # fmt: skip


@pytest.fixture
def save(tmp_path, arrays):
    """Return a writer of some of the arrays in one of the formats."""

    def run(suffix, *names):
        path = tmp_path / f"jets{suffix}"
        chosen = {name: arrays[name] for name in names}
        if suffix == ".h5":
            with h5py.File(path, "w") as file:
                for name, values in chosen.items():
                    file[f"events/{name}"] = values
        elif suffix == ".npz":
            np.savez(path, **chosen)
        else:
            listed = {
                name: pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), N_PLACES)
                if values.ndim == 2
                else pa.array(values)
                for name, values in chosen.items()
            }
            pq.write_table(pa.table(listed), path)
        return path

    return run


def read_objects(path, *names):
    """Return columns of objects of a converted file, event by event."""
    (chunk,) = open_reader(path).read(dict.fromkeys(names, JaggedType.of(np.float32)), 1000)
    return [chunk[name] for name in names]


@pytest.mark.parametrize("suffix", [".h5", ".npz"])
@pytest.mark.parametrize("output", ["out.h5", "out.parquet"])
def test_fields_of_an_array_are_converted_as_a_run_reads_them(convert, save, tmp_path, suffix, output):
    path = save(suffix, "X", "met")
    convert(path, output, collections={"constituents": {**FIELDS, "order_by": "file"}})
    reader = with_objects(open_reader(path), {"constituents": ObjectArrays.model_validate(FIELDS)})
    types = {name: JaggedType.of(np.float32) for name in FIELDS["fields"]}
    (expected,) = reader.read(types, 1000)
    for name, found in zip(types, read_objects(tmp_path / output, *types), strict=True):
        np.testing.assert_array_equal(found.offsets, expected[name].offsets)
        np.testing.assert_array_equal(found.content, expected[name].content)
    converted = open_reader(tmp_path / output).columns
    assert converted["pt"].collection == "constituents"
    assert "X" not in converted


@pytest.mark.parametrize("suffix", [".h5", ".npz", ".parquet"])
@pytest.mark.parametrize("way", ["absent", "count"])
def test_objects_are_selected_ordered_and_cut(convert, save, arrays, tmp_path, suffix, way):
    """Expressions and conditions, of the event too, see the objects alone."""
    path = save(suffix, "jet_pt", "jet_eta", "met", "njet")
    keys = {"absent": {"jet_pt": 0}} if way == "absent" else {"count": "njet"}
    summary = convert(
        path,
        columns=["met", {"ht": "sum(jet_pt)"}, {"n": "count(jet_pt)"}],
        selection="count(jet_pt) > 0",
        collections={
            "jets": {
                **keys, "columns": ["jet_pt", {"x": "jet_pt / met"}], "select": "abs(jet_eta) < 1",
                "order_by": "-jet_eta", "n_objects": 2,
            }
        },
    )  # fmt: skip
    pt, eta = arrays["jet_pt"], arrays["jet_eta"]
    is_jet = pt > 0 if way == "absent" else np.arange(N_PLACES) < arrays["njet"][:, np.newaxis]
    rows = np.flatnonzero(is_jet.any(axis=1))
    expected = []
    for row in rows:
        chosen = np.flatnonzero(is_jet[row] & (np.abs(eta[row]) < 1))
        expected.append(pt[row, chosen[np.argsort(eta[row, chosen], kind="stable")][:2]])
    found, x = read_objects(tmp_path / "out.h5", "jet_pt", "x")
    assert [values.tolist() for values in np.split(found.content, found.offsets[1:-1])] == [
        values.tolist() for values in expected
    ]
    np.testing.assert_allclose(
        x.content, found.content / np.repeat(arrays["met"][rows], found.counts), rtol=1e-6
    )
    with h5py.File(tmp_path / "out.h5") as file:
        np.testing.assert_allclose(file["events/ht"], (pt * is_jet).sum(axis=1)[rows], rtol=1e-6)
        assert file["events/n"][()].tolist() == is_jet.sum(axis=1)[rows].tolist()
    assert summary.n_written == len(rows)
    assert summary.collections[0].n_cut > 0


def test_without_a_value_every_place_holds_an_object(convert, save, arrays, tmp_path):
    convert(
        save(".h5", "jet_pt", "jet_eta", "met"),
        collections={"jet": {"columns": ["jet_*"], "order_by": "file"}},
    )
    (found,) = read_objects(tmp_path / "out.h5", "jet_pt")
    np.testing.assert_array_equal(found.content, arrays["jet_pt"].ravel())


def test_arrays_that_no_collection_names_stay_arrays(convert, save, arrays, tmp_path):
    convert(save(".h5", "jet_pt", "met"))
    with h5py.File(tmp_path / "out.h5") as file:
        np.testing.assert_array_equal(file["events/jet_pt"], arrays["jet_pt"])
        assert "n_jet" not in file["events"]


@pytest.mark.parametrize("second", [{**COLUMNS, "columns": ["jet_eta"]}, {"columns": [{"e": "jet_eta"}]}])
def test_one_collection_may_be_written_twice(convert, save, arrays, tmp_path, second):
    convert(
        save(".h5", "jet_pt", "jet_eta", "met"),
        columns=["met"],
        collections={
            "central": {**COLUMNS, "columns": ["jet_pt"], "select": "abs(jet_eta) < 1"},
            "forward": {**second, "select": "abs(jet_eta) >= 1"},
        },
    )
    with h5py.File(tmp_path / "out.h5") as file:
        both = file["events/n_central"][()] + file["events/n_forward"][()]
    assert both.tolist() == (arrays["jet_pt"] > 0).sum(axis=1).tolist()


def test_an_object_may_name_the_fields(convert, save, arrays, tmp_path):
    convert(
        save(".h5", "X", "met"),
        columns=["met", {"m": "mass(sum(particles))"}],
        objects={"particles": {"pt": "pt", "eta": "eta", "phi": "0 * pt", "mass": "0 * pt"}},
        collections={"constituents": {**FIELDS, "columns": ["pt"]}},
    )
    (found,) = read_objects(tmp_path / "out.h5", "pt")
    assert found.counts.tolist() == (arrays["jet_pt"] > 0).sum(axis=1).tolist()
    assert (np.diff(found[np.array([0])].content) <= 0).all()


def test_parts_are_known_by_the_places_that_hold_objects(save):
    """A conversion that goes on must not take parts in which other places were objects."""
    path = str(save(".h5", "X", "met"))

    def key(**changes):
        block = ConvertedCollection.model_validate({**FIELDS, **changes})
        look = look_at_file(FileTask(path, SourceTable(0), {"jets": block}))
        return part_key(PartPlan((), ()), look.file, None)

    assert key() == key() != key(absent={"pt": 0, "eta": 0})


def test_a_model_of_converted_events_knows_which_places_were_taken(convert, save, tmp_path):
    path = save(".h5", "jet_pt", "jet_eta", "njet")
    convert(path, collections={"jets": {**COLUMNS, "select": "abs(jet_eta) < 1"}})
    changes = find_changes([tmp_path / "out.h5"], ["jet_eta"])
    assert changes["columns"]["jet_eta"]["select"] == "not (jet_pt == 0.0) and abs(jet_eta) < 1"
    convert(path, "count.h5", collections={"jets": {"columns": ["jet_pt"], "count": "njet"}})
    changes = find_changes([tmp_path / "count.h5"], ["jet_pt"])
    assert changes["columns"]["jet_pt"]["select"] == "place < njet"


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({**FIELDS, "array": "XX"}, r"collections.jets: column 'XX' is not in .*Closest: 'X'"),
        ({**FIELDS, "fields": ["pt", "eta"]}, r"collections.jets.fields names 2 fields, but 'X' of"),
        ({**COLUMNS, "absent": {"jetpt": 0}}, r"jets.absent: column 'jetpt' is not in the file. Closest"),
        ({"columns": ["jet_pt"], "count": "n_jet"}, r"collections.jets.count: column 'n_jet' of .* is not"),
        ({"columns": ["jet_pt", "met"], "count": "njet"}, r"column 'met' of .* holds float64 values"),
        ({"columns": ["jet_pt"], "count": "wrong"}, r"collections.jets: 'wrong' is 9 at entry 0 of"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_arrays_is_said(convert, save, arrays, tmp_path, block, message):
    arrays["wrong"] = np.full(N_EVENTS, 9)
    path = save(".h5", "X", "jet_pt", "jet_eta", "met", "njet", "wrong")
    with pytest.raises(DataError, match=message):
        convert(path, collections={"jets": block})
    assert not (tmp_path / "out.h5").exists()


def test_two_ways_of_one_array_are_refused():
    blocks = {"a": FIELDS, "b": {**FIELDS, "absent": {"eta": 0}}}
    declared = {name: ConvertedCollection.model_validate(block) for name, block in blocks.items()}
    info = ColumnInfo("X", "array", "float32", shape=(6, 3), dtype="float32")
    expected = r"collections.a and collections.b make objects of the same arrays \(X\) in different ways"
    with pytest.raises(ConfigError, match=expected):
        find_object_arrays(declared, {}, {"X": info})


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"array": "X"}, "`array` and `fields` belong together"),
        ({"fields_first": True}, "fields_first belongs to `array`"),
        ({**FIELDS, "count": "n"}, "absent and count both say"),
        ({**FIELDS, "absent": {"phi": 0}}, r"absent names \['phi'\], but there are"),
    ],
)
def test_keys_that_do_not_belong_together_are_refused(block, message):
    with pytest.raises(ValidationError, match=message):
        ConvertedCollection.model_validate(block)
