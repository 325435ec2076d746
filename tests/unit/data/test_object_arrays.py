"""Arrays with room for a fixed number of objects become columns of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from rapidity.config.collections import ObjectArrays
from rapidity.config.data import Source
from rapidity.core.errors import DataError, MissingNameError
from rapidity.core.jagged import JaggedType
from rapidity.data.object_arrays import with_objects
from rapidity.data.readers import open_reader
from rapidity.data.sources import open_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rapidity.data.readers import Reader

FLOATS = JaggedType.of(np.float32)
PT = [[9.0, 5.0, 0.0, 0.0], [7.0, 0.0, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
ETA = [[0.1, 0.2, 0.0, 0.0], [0.3, 0.5, 0.4, 0.0], [0.0, 0.0, 0.0, 0.0]]
FIELDS = {"array": "jets", "fields": ["pt", "eta"], "absent": {"pt": 0}}


def block(**keys: Any) -> dict[str, ObjectArrays]:
    return {"constituents": ObjectArrays.model_validate(keys)}


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Reader]:
    """Return a writer of one array `jets`, by default of events, objects and fields."""

    def run(values: Any = None) -> Reader:
        array = np.stack([PT, ETA], axis=-1) if values is None else np.asarray(values)
        np.save(tmp_path / "jets.npy", array)
        return open_reader(tmp_path / "jets.npy")

    return run


@pytest.fixture
def save_columns(tmp_path: Path) -> Callable[..., Reader]:
    """Return a writer of HDF5 columns, by default of pt, eta and their number."""

    def run(**columns: Any) -> Reader:
        with h5py.File(tmp_path / "jets.h5", "w") as file:
            for name, values in {
                "pt": PT,
                "eta": ETA,
                "n": [2, 3, 0],
                "met": [1.0, 2.0, 3.0],
                **columns,
            }.items():
                if values is not None:
                    file[f"events/{name}"] = np.asarray(values)
        return open_reader(tmp_path / "jets.h5")

    return run


def read_all(reader: Reader, *names: str, chunk_size: int = 2) -> dict[str, list[list[float]]]:
    chunks = list(reader.read(dict.fromkeys(names, FLOATS), chunk_size))
    events: dict[str, list[list[float]]] = {name: [] for name in names}
    for chunk in chunks:
        for name in names:
            for row in range(len(chunk[name])):
                events[name].append(chunk[name][slice(row, row + 1)].content.round(3).tolist())
    return events


def test_fields_of_an_array_are_columns_without_the_empty_places(save: Any) -> None:
    reader = with_objects(save(), block(**FIELDS))
    assert {name: info.kind for name, info in reader.columns.items()} == {"pt": "jagged", "eta": "jagged"}
    assert reader.columns["pt"].collection == "constituents"
    found = read_all(reader, "pt", "eta")
    assert found["pt"] == [[9.0, 5.0], [7.0, 3.0], []]
    np.testing.assert_allclose(found["eta"][1], [0.3, 0.4], atol=1e-6)


def test_fields_may_come_first(save: Any) -> None:
    reader = with_objects(save(np.stack([PT, ETA], axis=1)), block(**FIELDS, fields_first=True))
    assert read_all(reader, "pt")["pt"] == [[9.0, 5.0], [7.0, 3.0], []]


@pytest.mark.parametrize(("absent", "filler"), [({"pt": "nan"}, np.nan), ({"pt": -999.1}, -999.1)])
def test_other_values_may_mean_no_object(save: Any, absent: dict[str, Any], filler: float) -> None:
    pt = np.where(np.array(PT) == 0, filler, PT).astype(np.float32)
    reader = with_objects(
        save(np.stack([pt, np.array(ETA, np.float32)], axis=-1)), block(**{**FIELDS, "absent": absent})
    )
    assert read_all(reader, "pt")["pt"] == [[9.0, 5.0], [7.0, 3.0], []]


def test_of_several_values_all_must_be_there(save: Any) -> None:
    reader = with_objects(save(), block(**{**FIELDS, "absent": {"pt": 0, "eta": 0}}))
    assert read_all(reader, "pt")["pt"] == [[9.0, 5.0], [7.0, 0.0, 3.0], []]


def test_without_a_value_every_place_holds_an_object(save: Any) -> None:
    reader = with_objects(save(), block(array="jets", fields=["pt", "eta"]))
    assert read_all(reader, "pt")["pt"] == PT


def test_columns_are_cut_by_their_count(save_columns: Any) -> None:
    reader = with_objects(save_columns(), block(columns=["pt", "eta"], count="n"))
    assert read_all(reader, "pt")["pt"] == [[9.0, 5.0], [7.0, 0.0, 3.0], []]
    (chunk,) = reader.read({"met": np.float32, "pt": FLOATS, "n": np.int64}, 10)
    assert chunk["met"].tolist() == [1, 2, 3]
    assert chunk["n"].tolist() == [2, 3, 0]


def test_files_without_the_arrays_and_with_jagged_ones_stay_as_they_are(save: Any, save_columns: Any) -> None:
    plain = save_columns()
    assert with_objects(plain, block(**FIELDS)) is plain
    made = with_objects(save(), block(**FIELDS))
    assert with_objects(made, block(columns=["pt", "eta"])) is made


def test_a_range_of_entries_is_read(save_columns: Any) -> None:
    reader = with_objects(save_columns(), block(columns=["pt", "eta"], count="n"))
    (chunk,) = reader.read({"pt": FLOATS}, 10, (1, 3))
    assert chunk["pt"].counts.tolist() == [3, 0]
    assert reader.entry_ranges(2)[-1][1] == 3


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"fields": ["pt"]},
            r"fields names 1 fields, but 'jets' of .*jets.npy holds arrays \(4, 2\), 2 fields",
        ),
        ({"fields_first": True}, r"holds arrays \(4, 2\), 4 fields, fields first"),
    ],
)
def test_an_array_of_another_shape_is_refused(save: Any, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        with_objects(save(), block(**{**FIELDS, **changed}))


def test_an_array_of_one_number_a_place_is_refused(save: Any) -> None:
    message = r"column 'jets' of .* holds arrays \(4, 2, 1\) .*, expected arrays \(n_objects, n_fields\)"
    with pytest.raises(DataError, match=message):
        with_objects(save(np.zeros((3, 4, 2, 1))), block(**FIELDS))


def test_columns_of_different_lengths_are_refused(save_columns: Any) -> None:
    reader = save_columns(eta=np.zeros((3, 5)))
    with pytest.raises(DataError, match=r"differ in the number of places \(pt \(4,\), eta \(5,\)\)"):
        with_objects(reader, block(columns=["pt", "eta"]))


def test_a_column_of_single_numbers_is_refused(save_columns: Any) -> None:
    with pytest.raises(
        DataError, match=r"column 'met' of .* holds float64 values .*expected arrays \(n_objects,\)"
    ):
        with_objects(save_columns(), block(columns=["pt", "met"]))


def test_the_name_of_a_field_must_be_free(save_columns: Any) -> None:
    reader = save_columns(jets=np.zeros((3, 4, 2)))
    with pytest.raises(DataError, match=r"fields: pt, eta are columns of .* already"):
        with_objects(reader, block(**FIELDS))


@pytest.mark.parametrize(
    ("count", "message"),
    [
        ("met", r"count: column 'met' of .* holds float64 values, expected a whole number"),
        ("nn", r"count: column 'nn' of .* is not there, .* Closest: 'n'"),
    ],
)
def test_a_count_that_is_none_is_refused(save_columns: Any, count: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        with_objects(save_columns(), block(columns=["pt", "eta"], count=count))


@pytest.mark.parametrize("wrong", [5, -1])
def test_more_objects_than_places_are_refused_with_file_and_entry(save_columns: Any, wrong: int) -> None:
    reader = with_objects(save_columns(n=[2, 4, wrong]), block(columns=["pt", "eta"], count="n"))
    message = rf"'n' is {wrong} at entry 2 of .*jets.h5, expected a number of objects from 0 to 4"
    with pytest.raises(DataError, match=message):
        read_all(reader, "pt")


def test_arrays_may_be_in_a_joined_file_and_must_be_in_one(
    save: Any, save_columns: Any, tmp_path: Path
) -> None:
    save()
    save_columns(pt=None, eta=None)
    source = Source.model_validate({"path": "jets.h5", "join": "jets.npy"})
    (file,) = open_source(0, source, tmp_path, block(**FIELDS)).files
    (chunk,) = file.read({"pt": FLOATS, "met": np.float32})
    assert chunk["pt"].counts.tolist() == [2, 2, 0]
    message = r"data.collections.constituents: column 'jet' is not in .*jets.h5.*. Closest: 'jets'"
    with pytest.raises(MissingNameError, match=message):
        open_source(0, source, tmp_path, block(**{**FIELDS, "array": "jet"}))
