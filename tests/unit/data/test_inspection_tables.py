"""Inspection of jagged tables, of samples, of classes and missing values, and how it is printed."""

from __future__ import annotations

import json

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from rapidity.core.errors import DataError, MissingNameError
from rapidity.data.inspection import ASCII, Histogram, Sentinel, format_summary, inspect_file
from rapidity.data.inspection.histogram import make_histogram
from rapidity.data.inspection.summary import FileSummary
from rapidity.data.readers import TableInfo

N_EVENTS = 400


@pytest.fixture
def tree_file(tmp_path):
    """A tree with objects, missing values, classes and a few equal events."""
    rng = np.random.default_rng(5)
    counts = rng.poisson(1.5, N_EVENTS)
    counts[:3] = (0, 5, 2)
    jets = ak.zip({"pt": ak.unflatten(rng.exponential(40, counts.sum()), counts)})
    jets["n_tracks"] = ak.values_astype(jets["pt"] // 10, "i4")
    is_lost = np.arange(N_EVENTS) % 4 == 0
    path = tmp_path / "events.root"
    with uproot.recreate(path) as file:
        kinds = {"event": "i8", "jet": 'var * {"pt": float64, "n_tracks": int32}', "label": "i4"}
        tree = file.mktree("events", {**kinds, "mass": "f8", "eta": "f8", "isolation": "f8"})
        tree.extend(
            {
                "event": np.arange(N_EVENTS),
                "jet": jets,
                "label": np.arange(N_EVENTS, dtype="i4") % 3 // 2,
                "mass": np.where(is_lost, -999.0, rng.normal(90, 5, N_EVENTS)),
                "eta": np.where(is_lost, np.nan, rng.normal(0, 1, N_EVENTS)),
                "isolation": np.where(np.arange(N_EVENTS) % 7 == 0, np.nan, rng.random(N_EVENTS)),
            }
        )
    return path


def column_of(summary, name):
    return {column.name: column for column in summary.columns}[name]


def test_objects_per_event_are_counted(tree_file):
    summary = inspect_file(tree_file)
    pt = column_of(summary, "jet_pt")
    with uproot.open(tree_file) as file:
        expected = file["events/jet_pt"].array()
    counts = ak.to_numpy(ak.num(expected))
    assert pt.objects is not None
    assert (pt.objects.minimum, pt.objects.maximum) == (0, counts.max())
    assert pt.objects.mean == pytest.approx(counts.mean())
    assert pt.objects.n_empty == (counts == 0).sum()
    assert (pt.n_values, pt.collection) == (counts.sum(), "jet")
    assert pt.mean == pytest.approx(ak.mean(expected))
    assert f"jet: 0 to {counts.max()} objects per event, {counts.mean():.3g} on average" in str(summary)


def test_what_is_alike_in_every_event_is_said_in_short(tmp_path):
    """One lepton in each was "1 to 1 objects per event"; ten names of files stood there, each "(1)"."""
    with uproot.recreate(tmp_path / "events.root") as file:
        values = ak.unflatten(np.arange(8.0), np.ones(8, int))
        one = ak.zip({"pt": values, "eta": values})
        file.mktree("events", {"lepton": ak.type(one).content, "x": np.float64})
        file["events"].extend({"lepton": one, "x": np.arange(8.0)})
    assert "lepton: 1 object in every event (" in str(inspect_file(tmp_path / "events.root"))
    (tmp_path / "names.csv").write_text("name,x\n" + "".join(f"n{k},{k}\n" for k in range(8)))
    text = str(inspect_file(tmp_path / "names.csv"))
    assert "n0, ..., each once" in text
    assert "(1)" not in text


def test_columns_that_are_missing_together_are_found(tree_file):
    summary = inspect_file(tree_file)
    (group,) = summary.missing_together
    assert group.columns == ("mass", "eta")
    assert (group.n_missing, group.correlation) == (100, 1.0)
    assert "Missing together in 100 entries: mass, eta" in str(summary)


def test_columns_that_are_nearly_missing_together_say_how_nearly(tmp_path):
    rng = np.random.default_rng(3)
    values = {name: rng.normal(size=1000) for name in ("a", "b", "c")}
    values["a"][:300] = np.nan
    values["b"][:280] = np.nan
    values["c"][500:] = np.nan
    pq.write_table(pa.table(values), tmp_path / "a.parquet")
    (group,) = inspect_file(tmp_path / "a.parquet").missing_together
    assert group.columns == ("a", "b")
    is_missing = [np.isnan(values[name]) for name in ("a", "b")]
    assert group.correlation == pytest.approx(np.corrcoef(is_missing)[0, 1], abs=1e-4)
    assert group.n_missing == 280


def test_classes_are_guessed_or_named(tree_file):
    guessed = inspect_file(tree_file).class_balance
    assert guessed is not None
    assert (guessed.column, guessed.is_guess) == ("label", True)
    assert guessed.classes == (("0", 267), ("1", 133))
    named = inspect_file(tree_file, target="label")
    assert named.class_balance is not None
    assert not named.class_balance.is_guess
    assert "Classes in column label\n  0  267   66.8%\n  1  133   33.2%" in str(named)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("labl", r"column 'labl' is not in tree 'events' of .*\n  Closest: 'label'"),
        ("jet_pt", r"column 'jet_pt' of .* \(jagged\) cannot hold the classes: expected one value"),
        ("event", r"column 'event' of .* holds 400 different values, expected at most 100 classes"),
    ],
)
def test_column_that_cannot_hold_classes_is_refused(tree_file, target, expected):
    with pytest.raises((DataError, MissingNameError), match=expected):
        inspect_file(tree_file, target=target)


def test_equal_events_with_objects_are_counted(tmp_path):
    lists = [[1.0, 2.0], [3.0], [1.0, 2.0], [1.0], [2.0]]
    met = [1.0, 2.0, 1.0, 1.0, 1.0]
    pq.write_table(pa.table({"pt": lists, "met": met}), tmp_path / "a.parquet")
    assert inspect_file(tmp_path / "a.parquet").n_duplicates == 1


@pytest.fixture
def long_file(tmp_path):
    """A tree in many baskets; values grow along the file."""
    path = tmp_path / "long.root"
    n_events = 3000
    rng = np.random.default_rng(2)
    values = np.arange(n_events, dtype="f8")
    values[rng.random(n_events) < 0.2] = -999.0
    kind = np.arange(n_events, dtype="i4") % 2
    counts = np.arange(n_events) % 3
    with uproot.recreate(path) as file:
        tree = file.mktree("t", {"x": "f8", "type": "i4", "pt": "var * float32", "word": "f4"})
        for start in range(0, n_events, 100):
            part = slice(start, start + 100)
            lists = ak.unflatten(np.ones(counts[part].sum(), "f4"), counts[part])
            word = np.zeros(100, "f4")
            tree.extend({"x": values[part], "type": kind[part], "pt": lists, "word": word})
    return path


def test_sample_is_spread_over_the_file_and_says_so(long_file):
    summary = inspect_file(long_file, max_entries=300)
    assert summary.is_sampled
    assert summary.n_entries == 3000
    assert summary.n_read == 300
    assert len(summary.parts) == 10
    assert summary.parts[-1][0] >= 2500
    assert column_of(summary, "x").maximum > 2500
    assert "Only a sample was looked at: 300 entries, in 10 parts spread over the file." in str(summary)


def test_all_entries_are_counted_on_request(long_file):
    exact = inspect_file(long_file)
    summary = inspect_file(long_file, max_entries=300, read_all=True)
    assert (summary.n_read, summary.is_sampled, summary.from_sample) == (3000, False, True)
    assert summary.class_balance == exact.class_balance
    assert summary.n_duplicates == exact.n_duplicates
    for name in ("x", "type", "pt", "word"):
        one, other = column_of(summary, name), column_of(exact, name)
        assert (one.n_values, one.n_nan, one.n_inf) == (other.n_values, other.n_nan, other.n_inf)
        assert (one.minimum, one.maximum) == (other.minimum, other.maximum)
        assert one.mean == pytest.approx(other.mean)
        assert one.objects == other.objects
        assert one.most_frequent == other.most_frequent
    assert column_of(summary, "x").sentinels == column_of(exact, "x").sentinels
    shown = column_of(summary, "x").histogram
    assert shown is not None
    n_ordinary = 3000 - column_of(exact, "x").sentinels[0].count
    assert sum(shown.counts) + shown.n_below + shown.n_above == n_ordinary
    assert "All entries were read." in str(summary)


def test_long_csv_is_sampled_in_parts_that_do_not_overlap(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("n,text\n" + "".join(f"{n},{'a' * (n % 5)}\n" for n in range(5000)))
    summary = inspect_file(path, max_entries=1000)
    n = column_of(summary, "n")
    assert n.n_unique == n.n_values == summary.n_read
    assert summary.n_read == pytest.approx(1000, rel=0.1)
    assert summary.n_estimated == pytest.approx(5000, rel=0.1)
    assert n.minimum == 0
    assert n.maximum > 4500


def test_bad_value_in_a_part_of_a_csv_names_the_place(tmp_path):
    path = tmp_path / "a.csv"
    lines = [f"{n}.5,1" for n in range(300_000)]
    lines[150_000:200_000] = ["oops,1"] * 50_000
    path.write_text("x,y\n" + "\n".join(lines) + "\n")
    with pytest.raises(DataError, match=r"a\.csv, in the lines after byte [\d,]+: .*'oops'"):
        inspect_file(path, max_entries=20_000)


def test_gzipped_csv_is_read_from_its_beginning(tmp_path):
    import gzip

    with gzip.open(tmp_path / "a.csv.gz", "wt") as stream:
        stream.write("n\n" + "".join(f"{n}\n" for n in range(500)))
    summary = inspect_file(tmp_path / "a.csv.gz", max_entries=100)
    assert (summary.n_read, summary.columns[0].maximum) == (100, 99)
    assert "the first 100 entries" in str(summary)


def test_whole_numbers_beyond_int64_are_kept_exactly(tmp_path):
    values = np.array([2**64 - 1, 2**64 - 2, 5], dtype=np.uint64)
    pq.write_table(pa.table({"key": values, "n": [1, 2, 2]}), tmp_path / "a.parquet")
    summary = inspect_file(tmp_path / "a.parquet")
    assert summary.columns[0].maximum == 2**64 - 1
    assert summary.row_numbers == ("key",)


def test_histogram_leaves_out_sentinels_and_far_tails():
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(0, 1, 10_000), [1e6, -1e6]])
    found = make_histogram(*np.unique(values, return_counts=True))
    assert found is not None
    assert -6 < found.low < found.high < 6
    assert sum(found.counts) + found.n_below + found.n_above == len(values)
    assert found.n_below >= 1
    assert found.n_above >= 1


def test_few_whole_numbers_get_a_bin_each():
    found = make_histogram(np.array([0, 1, 3]), np.array([5, 2, 1]))
    assert found == Histogram(-0.5, 3.5, (5, 2, 0, 1))
    assert make_histogram(np.array([0.0, 1.0, 3.0]), np.array([5, 2, 1])) == found


def test_histogram_of_a_constant_is_none():
    assert make_histogram(np.array([1.0]), np.array([9])) is None
    assert make_histogram(np.array([]), np.array([], int)) is None


def test_histogram_can_be_drawn_without_block_characters():
    assert Histogram(0, 4, (8, 0, 1, 4)).draw(4, ASCII) == "# _-"
    assert Histogram(0, 4, (8, 0, 1, 4)).draw(2) == "█▅"


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_lines_fit_the_terminal(tree_file, width):
    lines = format_summary(inspect_file(tree_file), width).splitlines()
    assert max(map(len, lines[1:])) <= width
    names = [line.split()[0] for line in lines if line]
    assert {"jet_pt", "mass", "isolation"} <= set(names)


def test_terminal_shows_histograms_and_plain_text_does_not(tree_file):
    summary = inspect_file(tree_file)
    assert any(block in format_summary(summary, 120) for block in "▁▂▃▄▅▆▇")
    assert not any(block in format_summary(summary) for block in "▁▂▃▄▅▆▇█")
    assert "distribution" not in format_summary(summary)


def test_many_constants_are_a_list_on_a_terminal(tmp_path):
    table = {f"flag_{index}": np.zeros(10) for index in range(20)} | {"x": np.arange(10.0)}
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    summary = inspect_file(tmp_path / "a.parquet")
    assert "The same in all entries (20 columns): flag_0 = 0," in format_summary(summary, 100)
    assert "constant" in format_summary(summary)


def test_columns_that_are_not_read_are_listed_by_kind(tmp_path):
    table = pa.table({"x": [1.0, 2.0], "tracks": [[[1.0]], []], "names": [["a"], []]})
    pq.write_table(table, tmp_path / "a.parquet")
    text = str(inspect_file(tmp_path / "a.parquet"))
    assert "doubly jagged: tracks (list<element: list<element: double>>)" in text
    assert "jagged: names (list<element: string>)" in text


def test_keys_of_the_json_are_stable(tree_file):
    """Programs read them: a key that is removed or renamed needs a new format version."""
    content = json.loads(json.dumps(inspect_file(tree_file).to_dict(), allow_nan=False))
    assert content["format_version"] == 1
    assert set(content) == {
        "format_version", "path", "file_format", "table", "tables", "n_entries", "n_estimated", "n_read",
        "is_sampled", "from_sample", "parts", "n_duplicates", "row_numbers", "columns", "class_balance",
        "missing_together",
    }  # fmt: skip
    assert set(content["columns"][0]) == {
        "name", "kind", "type_name", "unit", "shape", "collection", "n_values", "n_nan", "n_inf", "minimum",
        "maximum", "mean", "n_unique", "sentinels", "most_frequent", "histogram", "objects",
    }  # fmt: skip
    mass = next(column for column in content["columns"] if column["name"] == "mass")
    assert mass["sentinels"] == [{"value": -999.0, "count": 100}]
    assert set(mass["histogram"]) == {"low", "high", "counts", "n_below", "n_above"}
    assert content["missing_together"] == [{"columns": ["mass", "eta"], "n_missing": 100, "correlation": 1.0}]
    assert content["class_balance"]["classes"] == [["0", 267], ["1", 133]]


def test_sentinels_of_objects_are_found(tmp_path):
    rng = np.random.default_rng(4)
    values = rng.random(300)
    values[::10] = -999.0
    lists = ak.to_list(ak.unflatten(values, np.full(100, 3)))
    pq.write_table(pa.table({"jet_tag": lists}), tmp_path / "a.parquet")
    column = inspect_file(tmp_path / "a.parquet").columns[0]
    assert column.sentinels == (Sentinel(-999.0, 30),)
    assert column.histogram is not None
    assert column.histogram.low >= 0


def test_tables_are_listed_with_their_entries_where_these_are_known(tmp_path):
    tables = (TableInfo("one", "group", 1), TableInfo("text", "array", None))
    listed = str(FileSummary(tmp_path / "a.h5", "HDF5", "", tables)).splitlines()
    assert listed[0].endswith("HDF5, 2 tables")
    assert listed[1:3] == ["  one   (group, 1 entry)", "  text  (array)"]
