from __future__ import annotations

import h5py
import numpy as np
import pytest

from rapidity.data.writers import OutputColumn, open_writer
from rapidity.data.writers.hdf5_contiguous import ContiguousHdf5Writer
from rapidity.data.writers.regions import has_fixed_size, write_rows

COLUMNS = {
    "pt": OutputColumn(np.float32, "GeV", source_branch="jet_pt", shape=(3,)),
    "passes": OutputColumn(np.bool_),
    "class": OutputColumn(np.int32, class_names=("signal", "background")),
}
N_ROWS = 10


@pytest.fixture
def rows(rng):
    return {
        "pt": rng.normal(size=(N_ROWS, 3)).astype(np.float32),
        "passes": rng.random(N_ROWS) > 0.5,
        "class": rng.integers(0, 2, N_ROWS).astype(np.int32),
    }


def pick(rows, start, stop):
    return {name: values[start:stop] for name, values in rows.items()}


def read(path):
    with h5py.File(path) as file:
        group = file["events"]
        attributes = {key: str(value) for key, value in group.attrs.items()}
        return attributes, {
            name: (dataset[()], dataset.dtype, {key: str(value) for key, value in dataset.attrs.items()})
            for name, dataset in group.items()
        }


def test_rows_in_any_order_give_the_file_of_the_other_writer(tmp_path, rows):
    with ContiguousHdf5Writer(tmp_path / "a.h5", COLUMNS, N_ROWS) as writer:
        write_rows(writer.temporary, writer.regions, 4, pick(rows, 4, N_ROWS))
        write_rows(writer.temporary, writer.regions, 0, pick(rows, 0, 4))
        writer.describe({"made": "here"})
    with open_writer(tmp_path / "b.h5", columns=COLUMNS, compression="none") as other:
        other.write(rows)
        other.describe({"made": "here"})
    (attributes, found), (expected_attributes, expected) = read(tmp_path / "a.h5"), read(tmp_path / "b.h5")
    assert attributes == expected_attributes
    assert list(found) == list(expected)
    for name, (values, dtype, facts) in expected.items():
        np.testing.assert_array_equal(found[name][0], values)
        assert found[name][1:] == (dtype, facts)


def test_rows_can_be_appended_too(tmp_path, rows):
    with ContiguousHdf5Writer(tmp_path / "a.h5", COLUMNS, N_ROWS) as writer:
        writer.write(pick(rows, 0, 3))
        writer.write(pick(rows, 3, N_ROWS))
    np.testing.assert_array_equal(read(tmp_path / "a.h5")[1]["pt"][0], rows["pt"])


def test_names_of_many_files_fit(tmp_path):
    names = tuple(f"/a/long/folder/with/many/files/file_{number}.root" for number in range(3000))
    columns = {"source_file": OutputColumn(np.int32, class_names=names)}
    with ContiguousHdf5Writer(tmp_path / "a.h5", columns, 1) as writer:
        writer.write({"source_file": np.array([2], np.int32)})
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["events/source_file"].attrs["names"][2999] == names[2999]


def test_nothing_appears_after_an_error(tmp_path, rows):
    def fail():
        with ContiguousHdf5Writer(tmp_path / "a.h5", COLUMNS, N_ROWS) as writer:
            writer.write(rows)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_text_and_lists_have_no_fixed_size():
    assert has_fixed_size(COLUMNS["pt"])
    assert not has_fixed_size(OutputColumn(object))
    assert not has_fixed_size(OutputColumn(np.float32, is_jagged=True))
