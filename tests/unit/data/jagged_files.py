"""Small files with jagged columns, of every format that has them, and what they must be read as."""

from __future__ import annotations

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import uproot

from rapidity.core.jagged import Jagged, JaggedType
from rapidity.data.readers import open_reader

N_EVENTS = 60
FLOAT = JaggedType.of(np.float32)
DOUBLE = JaggedType.of(np.float64)


def make_counts(n_events=N_EVENTS):
    return np.arange(n_events) % 4


def make_lists(dtype="f8", n_events=N_EVENTS):
    counts = make_counts(n_events)
    return ak.unflatten(np.arange(counts.sum()).astype(dtype) % 100, counts)


def read_all(path, dtypes, chunk_size=16, entries=None, **options):
    chunks = list(open_reader(path, **options).read(dtypes, chunk_size, entries))
    return {
        name: Jagged.concatenate([chunk[name] for chunk in chunks])
        if isinstance(dtype, JaggedType)
        else np.concatenate([chunk[name] for chunk in chunks])
        for name, dtype in dtypes.items()
    }


def as_lists(column):
    return ak.to_list(ak.unflatten(column.content, column.counts))


def write_tree(path):
    jets = ak.zip({"pt": make_lists(), "n_tracks": make_lists("u1"), "is_b": make_lists("i4") % 2 == 0})
    with uproot.recreate(path) as file:
        tree = file.mktree(
            "events",
            {
                "Jet": 'var * {"pt": float64, "n_tracks": uint8, "is_b": bool}',
                "track_pt": "var * float32",
                "met": np.float32,
                "cov": (np.dtype("f4"), (3,)),
            },
        )
        # Baskets of different sizes, none of which is a multiple of a chunk.
        for part in (slice(0, 7), slice(7, 40), slice(40, None)):
            n_events = len(range(N_EVENTS)[part])
            tree.extend(
                {
                    "Jet": jets[part],
                    "track_pt": make_lists("f4")[part],
                    "met": np.arange(N_EVENTS, dtype="f4")[part],
                    "cov": np.ones((n_events, 3), "f4"),
                }
            )
    return path


def write_ntuple(path):
    inner = ak.zip({"mass": make_lists()})
    jets = ak.zip({"pt": make_lists(), "n_tracks": make_lists("u1"), "sub": inner}, depth_limit=2)
    with uproot.recreate(path) as file:
        events = {
            "jets": jets,
            "is_b": make_lists("i4") % 2 == 0,
            "tracks": ak.Array([[[1.0], []]] * N_EVENTS),
            "names": ak.Array([["a", "b"]] * N_EVENTS),
            "met": np.arange(N_EVENTS, dtype="f4"),
        }
        table = file.mkrntuple("events", ak.Array({name: values[:20] for name, values in events.items()}))
        table.extend(ak.Array({name: values[20:] for name, values in events.items()}))
    return path


def write_lists(path):
    lists = ak.to_list(make_lists())
    table = pa.table(
        {
            "jet_pt": pa.array(lists, pa.list_(pa.float64())),
            "jet_n": pa.array(lists, pa.large_list(pa.float64())).cast(pa.large_list(pa.int16())),
            "jet_is_b": pa.array([[value > 3 for value in values] for values in lists]),
            "tracks": pa.array([[[1.0], []]] * N_EVENTS),
            "names": pa.array([["a"]] * N_EVENTS),
            "met": pa.array(np.arange(N_EVENTS, dtype="f4")),
        }
    )
    pq.write_table(table, path, row_group_size=13)
    return path


def write_columnar(path, counts=None, width=3, **attributes):
    with h5py.File(path, "w") as file:
        group = file.create_group("events")
        group.attrs["rapidity_format"] = 1
        lists = make_lists()
        padded = ak.to_numpy(ak.fill_none(ak.pad_none(lists, width, clip=True), 0.0))
        dataset = group.create_dataset("jet_pt", data=padded, chunks=(16, width))
        dataset.attrs.update({"unit": "GeV", "collection": "jet", **attributes})
        group["n_jet"] = make_counts() if counts is None else counts
        group["met"] = np.arange(N_EVENTS, dtype="f4")
        group["class"] = np.arange(N_EVENTS, dtype="i4") % 2
        group["class"].attrs["names"] = ["background", "signal"]
    return path
