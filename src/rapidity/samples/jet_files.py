"""The files of jets: images in nested lists (Parquet), constituents padded beside their counts (HDF5)."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.files import write_atomically
from rapidity.samples.dijets.constituents import JET_UNITS, OBJECT_UNITS
from rapidity.samples.dijets.images import CHANNELS
from rapidity.samples.output import PACKAGES, package_version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.samples.dijets.simulation import JetBlock
    from rapidity.samples.jet_sample import JetSample
    from rapidity.samples.simulated_rows import RowOptions

ROW_GROUP = 128
"""Jets of a row group: 24 MB of pixels when read."""
N_OBJECTS = 128
"""Room for constituents of a jet; softer ones are left out where there are more."""
COLLECTION = "constituents"
COUNT = f"n_{COLLECTION}"
WHOLE_NUMBERS = ("constituent_charge", "constituent_is_")
"""Beginnings of the names of columns of small whole numbers."""


class ImageWriter:
    """Writes the columns of the public files (`X_jets`, `pt`, `m0`, `y`), and the number of the event."""

    def __init__(self, file: Any, schema: Any, *, labelled: bool) -> None:
        self._file, self._schema, self._labelled = file, schema, labelled
        self._waiting: list[JetBlock] = []

    def write(self, block: JetBlock) -> None:
        """Append jets; they are written in groups of the same size, made dense one group at a time."""
        for first in range(0, block.n_jets, ROW_GROUP):
            self._waiting.append(block.slice(first, first + ROW_GROUP))
            n_waiting = sum(part.n_jets for part in self._waiting)
            if n_waiting >= ROW_GROUP:
                joined = type(block).join(self._waiting)
                self._write(joined.first(ROW_GROUP))
                self._waiting = [joined.slice(ROW_GROUP, n_waiting)] if n_waiting > ROW_GROUP else []

    def finish(self) -> None:
        """Write what is left."""
        if self._waiting:
            self._write(type(self._waiting[0]).join(self._waiting))

    def _write(self, block: JetBlock) -> None:
        import pyarrow as pa

        images = block.images
        if images is None:
            message = "jets without images cannot be written as images. Ask for blocks that have them"
            raise ValueError(message)
        columns = {
            "X_jets": nest(images.to_dense()),
            "pt": pa.array(block.columns["jet_pt"].astype(np.float32)),
            "m0": pa.array(block.columns["jet_mass"].astype(np.float32)),
            "y": pa.array(block.kind),
            "event_number": pa.array(block.event),
        }
        table = pa.Table.from_arrays([columns[name] for name in self._schema.names], schema=self._schema)
        self._file.write_table(table, row_group_size=ROW_GROUP)


def nest(values: NDArray[np.float32]) -> Any:
    """Return an array as an Arrow array of lists of lists of lists, without copying numbers.

    Examples
    --------
    >>> nest(np.arange(4, dtype="f4").reshape(1, 2, 2)).to_pylist()
    [[[0.0, 1.0], [2.0, 3.0]]]
    """
    import pyarrow as pa

    array = pa.array(values.reshape(-1))
    for length in reversed(values.shape[1:]):
        offsets = pa.array(np.arange(0, len(array) + 1, length, dtype=np.int32))
        array = pa.ListArray.from_arrays(offsets, array)
    return array


@contextmanager
def open_images(path: Path, sample: JetSample, options: RowOptions) -> Iterator[ImageWriter]:
    """Yield what writes images; the file appears whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    lists = pa.list_(pa.list_(pa.list_(pa.float32())))
    about = {"channels": ", ".join(CHANNELS), "unit": "GeV"}
    fields = [
        pa.field("X_jets", lists, metadata=about),
        pa.field("pt", pa.float32(), metadata={"unit": "GeV"}),
        pa.field("m0", pa.float32(), metadata={"unit": "GeV"}),
        *(
            [pa.field("y", pa.int64(), metadata={"class_names": json.dumps(sample.classes)})]
            * options.labelled
        ),
        pa.field("event_number", pa.int64()),
    ]
    schema = pa.schema(fields, metadata=_about(sample, options))
    # The lists are called "item" in the public files too. A dictionary of pixels takes twice the time.
    settings = {"compression": "zstd", "use_dictionary": False, "use_compliant_nested_type": False}
    with (
        write_atomically(path) as temporary,
        pq.ParquetWriter(str(temporary), schema, **settings) as file,
    ):
        writer = ImageWriter(file, schema, labelled=options.labelled)
        yield writer
        writer.finish()


class CloudWriter:
    """Writes columns of jets and padded columns of constituents."""

    def __init__(self, writer: Any, *, labelled: bool) -> None:
        self._writer, self._labelled = writer, labelled

    def write(self, block: JetBlock) -> None:
        """Append jets."""
        chunk: dict[str, NDArray[Any]] = {"y": block.kind} if self._labelled else {}
        chunk["event_number"] = block.event
        chunk |= {name: values.astype(np.float32) for name, values in block.columns.items()}
        counts = np.minimum(block.n_objects, N_OBJECTS)
        chunk[COUNT] = counts.astype(np.int32)
        starts = np.cumsum(block.n_objects) - block.n_objects
        is_kept = np.arange(N_OBJECTS) < counts[:, np.newaxis]
        rows = (starts[:, np.newaxis] + np.arange(N_OBJECTS))[is_kept]
        for name, values in block.objects.items():
            padded = np.zeros(is_kept.shape, dtype=_dtype(name))
            padded[is_kept] = values[rows]
            chunk[name] = padded
        self._writer.write(chunk)


@contextmanager
def open_clouds(path: Path, sample: JetSample, options: RowOptions) -> Iterator[CloudWriter]:
    """Yield what writes clouds; the file appears whole or not at all."""
    from rapidity.data.writers import OutputColumn, open_writer

    columns = {"y": OutputColumn("i1", class_names=sample.classes)} if options.labelled else {}
    columns["event_number"] = OutputColumn("i8")
    columns |= {name: OutputColumn("f4", unit=unit or None) for name, unit in JET_UNITS.items()}
    columns[COUNT] = OutputColumn("i4")
    columns |= {
        name: OutputColumn(_dtype(name), unit=unit or None, collection=COLLECTION, shape=(N_OBJECTS,))
        for name, unit in OBJECT_UNITS.items()
    }
    with open_writer(path, columns=columns, attributes=_about(sample, options)) as writer:
        yield CloudWriter(writer, labelled=options.labelled)


def _dtype(name: str) -> str:
    return "i1" if name.startswith(WHOLE_NUMBERS) else "f4"


def _about(sample: JetSample, options: RowOptions) -> dict[str, str]:
    settings = {
        f"generator_settings.{sample.classes[kind]}": "\n".join((*sample.settings, *lines))
        for kind, lines in sample.class_settings.items()
    }
    versions = {f"{package}_version": package_version(package) for package in PACKAGES}
    return {"sample": sample.name, "title": sample.title, "seed": str(options.seed), **settings, **versions}
