"""The YAML of `rapidity convert`: which events and columns of which files become one file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from rapidity.config.block_file import load_block
from rapidity.config.cluster import ClusterBlock
from rapidity.config.collections import ArrayKeys
from rapidity.core.block import Block

if TYPE_CHECKING:
    from collections.abc import Sequence

Layout = Literal["columnar", "compound", "pandas"]
Compression = Literal["none", "gzip", "lzf", "zstd", "lz4", "snappy"]
ColumnType = Literal["float32", "float64", "int32", "int64", "bool", "text"]

FILE_ORDER = "file"
"""What `order_by` says to leave the objects in the order of the file."""
SUM = "sum"
"""What `sum_of_weights` says to add up the generator weights of all entries that are read."""

_NAMED = re.compile(r"^\s*([A-Za-z_][\w.]*)\s*=(?!=)\s*(.+)$", re.DOTALL)
_META_COLUMN = re.compile(r"^[^:]+:[^:]+$")
_GLOB = re.compile(r"[*?\[]")


class ConvertedColumn(Block):
    """A column of the output: `met`, `"lep_*"`, `ht: sum(jet_pt)`, or a block with a unit."""

    name: Annotated[str, Field(min_length=1)]
    """Name in the output; alone it is that of a column of the files, or a glob for several."""
    expression: Annotated[str, Field(min_length=1)] | None = None
    """How it follows from the columns of the files, such as `jet_pt / 1000`."""
    unit: str | None = None
    """Unit of the values in the output. Left out: that of the file, if the column is taken as it is."""
    type: ColumnType | None = None
    """What the values are stored as. Left out: as in the files; of expressions float32, unless a float64
    column takes part."""

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, values: Any) -> Any:
        if isinstance(values, str):
            named = _NAMED.match(values)
            return {"name": named[1], "expression": named[2].strip()} if named else {"name": values}
        if isinstance(values, dict) and len(values) == 1:
            ((name, expression),) = values.items()
            return {"name": name, "expression": expression}
        return values

    @model_validator(mode="after")
    def _glob_stands_alone(self) -> Self:
        if self.is_glob and (self.expression or self.unit):
            message = f"'{self.name}' stands for several columns, which have no one unit or expression"
            raise ValueError(message)
        return self

    @property
    def is_glob(self) -> bool:
        """Whether it may stand for several columns."""
        return self.expression is None and _GLOB.search(self.name) is not None


class ConvertedCollection(ArrayKeys):
    """The objects of a collection: which of them are kept, in which order, with which columns.

    Objects in arrays with room for a fixed number of them are told from empty places by the same keys as in
    `data.collections` of a run: `array` with `fields`, or `columns`, and `absent` or `count`.
    """

    columns: tuple[ConvertedColumn, ...] | None = None
    """What is written of each object. Left out: those columns of the collection that `columns` takes. With
    `absent` or `count`, or if all are columns of arrays `(n_objects,)`, their places hold the objects."""
    select: str | None = None
    """Condition that an object must fulfil to be kept, such as `jet_pt > 20 and abs(jet_eta) < 2.5`."""
    order_by: str | None = None
    """Column or expression that is largest for the first object. Left out: the transverse momentum, if there
    is a column of that name; `file`: as in the file."""
    n_objects: Annotated[int, Field(gt=0)] | None = None
    """Keep at most so many objects, the first in this order. Left out: `n_objects` of the whole file."""


class ConversionSource(Block):
    """Files of events that belong together: one sample."""

    path: str | tuple[str, ...]
    """A file, a glob such as `sig*.root`, or a list of them; relative to the configuration file."""
    tree: str | None = None
    """Tree or RNTuple inside ROOT files; may be left out when there is only one."""
    dataset: str | None = None
    """Dataset, group or pandas key inside HDF5 files, or array name inside NPZ files."""
    columns: tuple[str, ...] | None = None
    """Names of the columns, for files that carry none (CSV without a header, plain arrays)."""
    class_name: str | None = Field(default=None, alias="class")
    """Class of all these events."""
    generator_weight: str | float | None = None
    """Expression for the generator weight of an event, or 1. Left out: that of the whole file."""
    cross_section: Annotated[float, Field(gt=0)] | None = None
    """Cross-section of the process in pb, k-factor and filter efficiency included."""
    luminosity: Annotated[float, Field(gt=0)] | None = None
    """Integrated luminosity in 1/fb. Left out: that of the whole file."""
    sum_of_weights: Annotated[float, Field(gt=0)] | str | None = None
    """Sum of the generator weights of all generated events: a number; `sum`, over all entries of these files,
    before the selection; or `TREE:COLUMN`, such as `Runs:genEventSumw`, summed over these files."""

    @model_validator(mode="after")
    def _sum_of_weights_is_understood(self) -> Self:
        total = self.sum_of_weights
        if isinstance(total, str) and total != SUM and not _META_COLUMN.match(total):
            message = (
                f"sum_of_weights is '{total}', expected a number, `sum`, or TREE:COLUMN such as "
                "Runs:genEventSumw"
            )
            raise ValueError(message)
        if (total is None) != (self.cross_section is None):
            there, missing = ("cross_section", "sum_of_weights")
            if self.cross_section is None:
                there, missing = missing, there
            message = (
                f"{there} is given without {missing}. The physics weight is generator_weight * "
                "cross_section * luminosity / sum_of_weights and needs both"
            )
            raise ValueError(message)
        return self

    @property
    def meta_column(self) -> tuple[str, str] | None:
        """Table and column that hold the sum of weights, if it stands in a table of its own."""
        if not isinstance(self.sum_of_weights, str) or self.sum_of_weights == SUM:
            return None
        table, _, column = self.sum_of_weights.partition(":")
        return table, column


class ConversionConfig(Block):
    """One conversion: ntuples in, one columnar file out."""

    output: str | None = None
    """The file to write (.h5, .hdf5, .parquet), relative to this file; `--output` replaces it."""
    sources: Annotated[tuple[ConversionSource, ...], Field(min_length=1)]
    """Files of events, sample by sample."""
    columns: Literal["all"] | tuple[ConvertedColumn, ...] = "all"
    """Columns of the output: names, globs, `name: expression`, blocks with a unit; or `all` that can be
    read."""
    exclude: tuple[str, ...] = ()
    """Columns, by name or glob, that `all` and globs do not take."""
    objects: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Names for expressions: `jets: {pt: jet_pt, eta: jet_eta, phi: jet_phi, mass: jet_m}`."""
    collections: dict[str, ConvertedCollection] = Field(default_factory=dict)
    """Collections of objects by name: which objects are kept, in which order, how many."""
    n_objects: Annotated[int, Field(gt=0)] | None = None
    """Keep at most so many objects of each collection. Left out: all, so as many as the fullest event has."""
    selection: str | None = None
    """Expression that an event must fulfil to be written."""
    event_key: tuple[str, ...] = ()
    """Columns that identify an event, such as `[run, lumi, event]`: always written, as int64."""
    generator_weight: str | float | None = None
    """Expression for the generator weight of an event; it may be negative."""
    luminosity: Annotated[float, Field(gt=0)] | None = None
    """Integrated luminosity in 1/fb."""
    layout: Layout = "columnar"
    """How HDF5 is laid out: a dataset a column, compound datasets (one a class), or a pandas table."""
    compression: Compression | None = None
    """Left out: none for HDF5, zstd for Parquet. HDF5 knows none, gzip, lzf; Parquet all but lzf."""
    chunk_size: Annotated[int, Field(gt=0)] | None = None
    """Entries in memory at a time, in each process. Left out: as many as 64 MB hold."""
    cluster: ClusterBlock | None = None
    """Machines that share the work."""

    @model_validator(mode="after")
    def _all_sources_have_a_class_or_none(self) -> Self:
        named = [source.class_name is not None for source in self.sources]
        if any(named) and not all(named):
            number = named.index(False)
            message = f"sources[{number}] has no `class:`, but others have. Give all a class, or none of them"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _normalised_sources_have_a_luminosity(self) -> Self:
        for number, source in enumerate(self.sources):
            if source.cross_section is not None and source.luminosity is None and self.luminosity is None:
                message = (
                    f"sources[{number}] has a cross_section, but no luminosity. Set `luminosity` in 1/fb"
                )
                raise ValueError(message)
        return self

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, as the sources list them."""
        return tuple(
            dict.fromkeys(source.class_name for source in self.sources if source.class_name is not None)
        )

    @property
    def is_weighted(self) -> bool:
        """Whether a physics weight is written."""
        return self.generator_weight is not None or any(
            source.generator_weight is not None or source.cross_section is not None for source in self.sources
        )

    @property
    def has_globs(self) -> bool:
        """Whether columns are asked for other than by their names."""
        listed = [block.columns or () for block in self.collections.values()]
        return self.columns == "all" or any(
            column.is_glob for columns in (self.columns, *listed) for column in columns
        )

    def name_of(self, source: int) -> str:
        """Return what messages call a source, by its number: its class and its files."""
        block = self.sources[source]
        path = block.path if isinstance(block.path, str) else ", ".join(block.path[:3])
        return f"{block.class_name} ({path})" if block.class_name else path

    def generator_weight_of(self, source: ConversionSource) -> str | float | None:
        """Return the generator weight of a source: its own, else that of the whole file."""
        return self.generator_weight if source.generator_weight is None else source.generator_weight


@dataclass(frozen=True)
class LoadedConversion:
    """A conversion and where it came from.

    Attributes
    ----------
    base
        The folder that relative paths start from: that of the file.
    """

    config: ConversionConfig
    path: Path
    base: Path


def load_conversion(path: Path | str, overrides: Sequence[str] = ()) -> LoadedConversion:
    """Read and check the YAML of a conversion.

    Parameters
    ----------
    overrides
        Single values to replace, such as ``selection=n_jets > 3`` or ``sources.0.cross_section=48.6``.

    Raises
    ------
    ConfigError
        With every problem at once: line, key, what is wrong, what is allowed.
    """
    path = Path(path)
    config = load_block(path, ConversionConfig, overrides, needs="sources")
    return LoadedConversion(config, path, path.resolve().parent)
