"""What is found in a file."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from rapidity.core.errors import DataError
from rapidity.data.inspection import Sentinel, find_sentinels, inspect_file

RNG_SEED = 7


@pytest.fixture
def events_file(tmp_path):
    path = tmp_path / "events.csv"
    rng = np.random.default_rng(RNG_SEED)
    lines = ["event,jet_pt,weight,class"]
    for row in range(60):
        jet_pt = "-999" if row % 3 == 0 else f"{rng.exponential(40) + 20:.3f}"
        weight = {10: "", 20: "inf"}.get(row, f"{rng.normal():.3f}")
        lines.append(f"{row},{jet_pt},{weight},{'signal' if row % 4 == 0 else 'background'}")
    lines.append("60," + lines[-1].partition(",")[2])
    path.write_text("\n".join(lines) + "\n")
    return path


def test_columns_are_summarised(events_file):
    summary = inspect_file(events_file)
    columns = {column.name: column for column in summary.columns}
    assert (summary.n_entries, summary.n_read, summary.is_sampled) == (61, 61, False)
    weight = columns["weight"]
    assert (weight.n_values, weight.n_nan, weight.n_inf) == (60, 1, 1)
    assert weight.maximum is not None
    assert np.isfinite(weight.maximum)
    assert columns["event"].minimum == 0
    assert columns["event"].maximum == 60
    assert columns["event"].mean == pytest.approx(30)
    assert columns["jet_pt"].sentinels == (Sentinel(-999.0, 20),)
    assert columns["class"].most_frequent == (("background", 46), ("signal", 15))
    assert columns["class"].n_unique == 2


def test_equal_rows_are_counted_whatever_their_number(events_file):
    summary = inspect_file(events_file)
    assert summary.row_numbers == ("event",)
    assert summary.n_duplicates == 1


def test_summary_prints_and_is_json(events_file):
    summary = inspect_file(events_file)
    text = str(summary)
    assert "CSV text, 61 entries, 4 columns" in text
    assert "sentinel? -999 (20)" in text
    assert "1 entry equals an earlier one (not counting event, different in each)" in text
    content = json.loads(json.dumps(summary.to_dict(), allow_nan=False))
    assert content["path"] == str(events_file)
    assert content["columns"][1]["sentinels"] == [{"value": -999.0, "count": 20}]


def test_long_files_are_sampled_and_say_so(events_file):
    summary = inspect_file(events_file, max_entries=20)
    # Of text only reading it tells how many entries there are.
    assert summary.n_entries is None
    assert summary.n_estimated == pytest.approx(61, rel=0.1)
    assert summary.n_read == pytest.approx(20, abs=10)
    assert summary.is_sampled
    assert summary.columns[0].maximum is not None
    assert summary.columns[0].maximum > 50
    assert "Only a sample was looked at" in str(summary)


def test_several_tables_are_listed(tmp_path):
    path = tmp_path / "events.h5"
    with h5py.File(path, "w") as file:
        file["Signal"] = np.zeros(2, dtype=[("pt", "f4"), ("eta", "f4")])
        file["Background"] = np.zeros(3, dtype=[("pt", "f4")])
    summary = inspect_file(path)
    assert [table.name for table in summary.tables] == ["Background", "Signal"]
    assert summary.columns == ()
    assert "Signal      (compound dataset, 2 entries)" in str(summary)
    assert [column.name for column in inspect_file(path, "Signal").columns] == ["pt", "eta"]
    with pytest.raises(DataError, match="Closest: 'Signal'"):
        inspect_file(path, "Sgnal")


def test_columns_that_are_not_numbers_are_listed_unread(tmp_path):
    np.save(tmp_path / "words.npy", np.full((5, 2, 3), "x"))
    summary = inspect_file(tmp_path / "words.npy")
    assert summary.n_entries == 5
    assert not summary.is_sampled
    assert "Not read\n  array: words (text[2, 3])" in str(summary)


def test_arrays_are_described_by_shape_and_range(tmp_path):
    images = np.arange(5 * 2 * 3, dtype=np.float32).reshape(5, 2, 3)
    images[3] = images[1]
    images[4, 0, 0], images[4, 0, 1] = np.nan, np.inf
    np.savez(tmp_path / "a.npz", image=images, label=np.zeros(5, int))
    summary = inspect_file(tmp_path / "a.npz")
    column = summary.columns[0]
    assert (column.kind, column.shape, column.type_name) == ("array", (2, 3), "float32[2, 3]")
    assert (column.n_values, column.n_nan, column.n_inf) == (29, 1, 1)
    finite = images[np.isfinite(images)]
    assert (column.minimum, column.maximum) == (0.0, finite.max())
    assert column.mean == pytest.approx(finite.mean())
    assert summary.n_duplicates == 1
    assert summary.to_dict()["columns"][0]["shape"] == (2, 3)


def test_images_of_a_long_file_are_a_sample_that_is_spread(write_idx):
    images = np.arange(40, dtype=np.uint8).reshape(10, 2, 2)
    images[9] = images[0]
    path = write_idx("a.idx", images)
    summary = inspect_file(path, max_entries=4)
    assert (summary.n_entries, summary.n_read, summary.is_sampled) == (10, 4, True)
    assert summary.columns[0].maximum is not None
    assert summary.columns[0].maximum > 15
    assert inspect_file(path).n_duplicates == 1


def test_whole_numbers_with_gaps_are_summarised(tmp_path):
    (tmp_path / "a.csv").write_text("n,x\n1,2\n,3\n4,5\n")
    column = inspect_file(tmp_path / "a.csv").columns[0]
    assert (column.n_values, column.n_nan, column.maximum) == (2, 1, 4)


def test_empty_table_is_summarised(tmp_path):
    (tmp_path / "a.csv").write_text("n,x\n")
    summary = inspect_file(tmp_path / "a.csv")
    assert summary.n_entries == 0
    assert summary.columns[0].minimum is None
    assert "0 entries" in str(summary)


def make_values(kind, n_values=5000):
    rng = np.random.default_rng(RNG_SEED)
    values = {
        "gauss": rng.normal(0, 1, n_values),
        "exponential": rng.exponential(50, n_values),
        "mass": rng.exponential(60, n_values) + 20,
        "uniform integers": rng.integers(0, 1000, n_values),
        "charge": rng.choice([-1.0, 1.0], n_values),
        "flag": rng.choice([0.0, 1.0], n_values, p=[0.99, 0.01]),
        "jets": rng.poisson(2, n_values),
        "phi": rng.uniform(-np.pi, np.pi, n_values).round(2),
        "score": rng.random(n_values),
    }
    return np.asarray(values[kind], dtype=np.float64)


@pytest.mark.parametrize(
    "kind", ["gauss", "exponential", "mass", "uniform integers", "charge", "flag", "jets", "phi", "score"]
)
def test_ordinary_columns_have_no_sentinels(kind):
    assert find_sentinels(make_values(kind)) == ()


@pytest.mark.parametrize(
    ("kind", "sentinels"),
    [
        ("gauss", [-999.0]),
        ("mass", [-999.0]),
        ("mass", [-99.0]),
        ("mass", [0.0]),
        ("exponential", [-1.0]),
        ("score", [-1.0]),
        ("jets", [-9999.0]),
        ("exponential", [9999.0]),
        ("gauss", [-1000.0]),
        ("gauss", [np.finfo(np.float32).max]),
        ("gauss", [-999.0, -9999.0]),
    ],
)
def test_sentinels_are_found(kind, sentinels):
    values = make_values(kind)
    for index, sentinel in enumerate(sentinels):
        values[index :: 20 * (index + 1)] = sentinel
    assert {found.value for found in find_sentinels(values)} == set(sentinels)


def test_sentinel_among_larger_and_smaller_values_is_found():
    values = np.random.default_rng(RNG_SEED).normal(0, 2000, 5000)
    values[::10] = -999.0
    assert find_sentinels(values) == (Sentinel(-999.0, 500),)


def test_nines_among_whole_numbers_are_no_sentinel():
    assert find_sentinels(np.random.default_rng(RNG_SEED).integers(0, 2000, 100_000)) == ()


def test_single_outlier_is_no_sentinel():
    values = make_values("gauss")
    values[0] = -999.0
    assert find_sentinels(values) == ()


def test_sentinels_of_nothing_and_of_nan():
    assert find_sentinels(np.array([])) == ()
    assert find_sentinels(np.full(10, np.nan)) == ()
