"""Conversions that cannot be: each is explained, and nothing is written."""

from __future__ import annotations

import errno
import os

import pytest

from rapidity.core.errors import ConfigError, DataError, ExpressionError, MissingNameError
from rapidity.data.readers import open_reader


@pytest.mark.parametrize(
    ("keys", "error", "message"),
    [
        (
            {"columns": ["mett"]},
            MissingNameError,
            r"column 'mett' \(columns\) is not in tree 'events'.*Closest: 'met'.*inspect \S+\.root$",
        ),
        ({"columns": ["met / 1000"]}, MissingNameError, r"give it a name: `my_name: met / 1000`"),
        ({"columns": ["mu_*"]}, MissingNameError, r"column 'mu_\*' \(columns\) is not in"),
        ({"exclude": ["mu_*"]}, MissingNameError, r"'mu_\*' \(exclude\) is not in"),
        ({"columns": [{"a": "met"}, {"a": "weight"}]}, ConfigError, "two columns are called 'a'"),
        ({"columns": ["met", {"source_entry": "event"}]}, ConfigError, "columns source_entry of its own"),
        ({"columns": [{"n_jet": "count(jet_pt)"}, "jet_pt"]}, ConfigError, "columns n_jet of its own"),
        ({"columns": [{"a": "met +"}]}, ExpressionError, r"columns, 'a':"),
        (
            {"columns": ["met"], "event_key": ["evnt"]},
            ConfigError,
            "event_key: column 'evnt' is not in .*Closest: event",
        ),
        ({"exclude": ["*"]}, ConfigError, "no column is left to be written"),
        (
            {"collections": {"jets": {"n_objects": 3}}},
            ConfigError,
            "has no collection 'jets'. Did you mean 'jet'",
        ),
        (
            {"collections": {"jet": {"columns": ["jet_pt", {"a": "met"}]}}},
            ConfigError,
            r"its columns must be of one collection, found jet_pt \(jet\), a \(one value an event\)",
        ),
        (
            {"collections": {"jet": {"order_by": "met"}}},
            ConfigError,
            "gives one value an event, expected one for each",
        ),
        (
            {"collections": {"jet": {"columns": [{"a": "jet_pt[jet_pt > 20000]"}]}}},
            ConfigError,
            "has another number of values than the collection",
        ),
        ({"selection": "met"}, DataError, r"selection 'met' gives .* at entry 0 of tree 'events'"),
        (
            {"selection": "met > 1e9"},
            DataError,
            "no event is left: 60 entries of 1 files were read, and the selection",
        ),
    ],
)
def test_mistakes_are_explained(convert, root_file, tmp_path, keys, error, message):
    with pytest.raises(error, match=message):
        convert(root_file, **keys)
    assert not (tmp_path / "out.h5").exists()


def test_text_is_not_computed_with(convert, tmp_path):
    (tmp_path / "a.csv").write_text("x,kind\n1,a\n2,b\n")
    with pytest.raises(DataError, match="column 'kind' holds text"):
        convert(tmp_path / "a.csv", columns=[{"y": "kind + 1"}])
    convert(tmp_path / "a.csv")
    assert open_reader(tmp_path / "out.h5").columns["kind"].kind == "text"
    with pytest.raises(DataError, match="kind hold text, which pandas keeps as pickled objects"):
        convert(tmp_path / "a.csv", "pandas.h5", layout="pandas")


@pytest.mark.parametrize(
    ("output", "keys", "error", "message"),
    [
        ("out.root", {}, DataError, "found '.root', expected a name that ends in .h5, .hdf5 or .parquet"),
        ("out", {}, DataError, "found no suffix"),
        ("out.parquet", {"layout": "pandas"}, ConfigError, "layout 'pandas' is one of HDF5"),
        (
            "out.h5",
            {"compression": "zstd"},
            ConfigError,
            "compression 'zstd' does not fit .* Allowed: none, gzip, lzf",
        ),
    ],
)
def test_outputs_that_cannot_be(convert, root_file, output, keys, error, message):
    with pytest.raises(error, match=message):
        convert(root_file, output, **keys)


def test_an_output_is_not_overwritten_unasked(convert, root_file, tmp_path, read_hdf5):
    (tmp_path / "out.h5").write_text("mine")
    with pytest.raises(DataError, match=r"exists already\. Give --overwrite"):
        convert(root_file)
    assert (tmp_path / "out.h5").read_text() == "mine"
    convert(root_file, overwrite=True)
    assert len(read_hdf5("out.h5")["met"]) == 60


def test_an_input_is_never_the_output(convert, root_file, tmp_path):
    convert(root_file)
    with pytest.raises(DataError, match=r"it is .*out.h5, which is read here"):
        convert(tmp_path / "out.h5", overwrite=True)


def test_inputs_are_not_touched(convert, root_file):
    before = (root_file.read_bytes(), root_file.stat().st_mtime_ns)
    convert(root_file)
    assert (root_file.read_bytes(), root_file.stat().st_mtime_ns) == before


def test_a_full_disk_is_no_fault_of_the_file(convert, root_file, monkeypatch):
    """It was a traceback; and a file that cannot be stored must not be skipped as a bad one."""

    def refuse(stream, arrays):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("rapidity.data.conversion.part_file._write_arrays", refuse)
    with pytest.raises(DataError, match=r"cannot write .*a part of the conversion: No space left"):
        convert(root_file, skip_bad_files=True)


def test_a_disk_that_is_full_at_the_end_keeps_the_parts(convert, root_file, tmp_path, monkeypatch):
    def refuse(handle, content, place):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("rapidity.data.writers.regions.os.pwrite", refuse)
        with pytest.raises(DataError, match=r"cannot write .*out.h5: no space is left on the disk"):
            convert(root_file)
    assert not (tmp_path / "out.h5").exists()
    assert convert(root_file).n_parts_found == 1
