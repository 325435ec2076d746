"""NPY and NPZ files."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.core.errors import DataError, MissingNameError
from rapidity.data.readers import list_tables, open_reader


def read_all(path, dtypes, chunk_size=2, **options):
    chunks = list(open_reader(path, **options).read(dtypes, chunk_size))
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in dtypes}


ROWS = np.array(
    [(1, 2.5, "a"), (2, 3.5, "b"), (3, 4.5, "c")], dtype=[("n", "i8"), ("pt", "f8"), ("name", "U3")]
)


def test_structured_npy(tmp_path):
    np.save(tmp_path / "a.npy", ROWS)
    table = read_all(tmp_path / "a.npy", {"name": object, "pt": "f4", "n": "i8"})
    assert table["name"].tolist() == ["a", "b", "c"]
    assert table["pt"].tolist() == [2.5, 3.5, 4.5]
    assert table["pt"].dtype == np.float32


def test_matrix_npy_with_names(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(6).reshape(3, 2))
    assert read_all(tmp_path / "a.npy", {"eta": "f4"}, column_names=["pt", "eta"])["eta"].tolist() == [
        1,
        3,
        5,
    ]


def test_matrix_npy_without_names_is_one_column_that_says_what_to_do(tmp_path):
    np.save(tmp_path / "jets.npy", np.zeros((3, 2, 4)))
    reader = open_reader(tmp_path / "jets.npy")
    assert reader.columns["jets"].kind == "array"
    assert reader.columns["jets"].type_name == "float64[2, 4]"
    with pytest.raises(DataError, match="give the names of its columns with `columns:`"):
        reader.read({"jets": np.float32})


def test_one_dimensional_npy_is_called_like_its_file_or_as_told(tmp_path):
    np.save(tmp_path / "labels.npy", np.array([1.0, 0.0]))
    assert read_all(tmp_path / "labels.npy", {"labels": "i8"})["labels"].tolist() == [1, 0]
    assert list(open_reader(tmp_path / "labels.npy", column_names=["is_quark"]).columns) == ["is_quark"]


@pytest.mark.parametrize("n_kept", [40, 140])
def test_truncated_npy_is_refused(tmp_path, n_kept):
    np.save(tmp_path / "a.npy", np.zeros(100))
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content[:n_kept])
    with pytest.raises(DataError, match=r"a.npy cannot be read as a NumPy array: .*truncated"):
        open_reader(tmp_path / "a.npy")


def test_npy_of_objects_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="Python objects, which are not read because they can run code"):
        open_reader(tmp_path / "a.npy")


def test_npy_of_a_single_value_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.array(1.0))
    with pytest.raises(DataError, match="holds a single value, expected an array with one row an event"):
        open_reader(tmp_path / "a.npy")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_of_columns(tmp_path, save):
    save(
        tmp_path / "a.npz",
        pt=np.array([1.5, 2.5, 3.5]),
        event=np.array([2**53 + 1, 2, 3]),
        name=np.array(["a", "b", "c"]),
    )
    table = read_all(tmp_path / "a.npz", {"event": "i8", "name": object, "pt": "f4"})
    assert table["event"].tolist() == [2**53 + 1, 2, 3]
    assert table["name"].tolist() == ["a", "b", "c"]
    assert table["pt"].tolist() == [1.5, 2.5, 3.5]


@pytest.mark.parametrize("order", ["C", "F"])
def test_npz_of_matrix_and_target(tmp_path, order):
    np.savez(tmp_path / "a.npz", X=np.asarray(np.arange(6.0).reshape(3, 2), order=order), y=[1, 0, 1])
    table = read_all(tmp_path / "a.npz", {"eta": "f4", "y": "i8"}, column_names=["pt", "eta"])
    assert table["eta"].tolist() == [1, 3, 5]
    assert table["y"].tolist() == [1, 0, 1]


def test_npz_with_arrays_of_different_lengths_asks_for_one(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=np.zeros((3, 2)), y_train=np.zeros(3), x_test=np.zeros((1, 2)))
    with pytest.raises(
        DataError, match=r"holds 3 tables, and none is named: 'x_train' \(array \(3, 2\), 3 entries\)"
    ):
        open_reader(tmp_path / "a.npz")
    assert open_reader(tmp_path / "a.npz", dataset="x_train", column_names=["a", "b"]).n_entries == 3
    with pytest.raises(MissingNameError, match="Closest: 'x_train'"):
        open_reader(tmp_path / "a.npz", dataset="xtrain")


def test_npz_with_structured_array(tmp_path):
    np.savez(tmp_path / "a.npz", events=ROWS)
    assert [table.name for table in list_tables(tmp_path / "a.npz")] == ["events"]
    assert read_all(tmp_path / "a.npz", {"pt": "f4"})["pt"].tolist() == [2.5, 3.5, 4.5]


def test_npz_of_objects_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", things=np.array([{}, {}], dtype=object), allow_pickle=True)
    reader = open_reader(tmp_path / "a.npz", dataset="things")
    with pytest.raises(DataError, match="cannot be read"):
        list(reader.read({"things": object}))


def test_truncated_npz_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", pt=np.zeros(1000))
    (tmp_path / "a.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:-100])
    with pytest.raises(DataError, match=r"a.npz cannot be read, perhaps it is truncated"):
        open_reader(tmp_path / "a.npz")


def test_zip_without_arrays_is_refused(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("readme.txt", "hello\0")
    with pytest.raises(DataError, match=r"is a zip archive without NumPy arrays; it holds: readme.txt"):
        open_reader(tmp_path / "a.npz")
