"""What is done with the events of a file, decided: columns with their types, collections, weights.

A plan is small and picklable; a part is converted by it wherever that happens. Expressions are carried
as text and parsed where they are used.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.jagged import JaggedType
from rapidity.data.conversion.part_file import FORMAT

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class RawColumn:
    """A column of the files, and how it is read.

    Attributes
    ----------
    dtype
        NumPy's name of the type of its values; ``object`` for text.
    shape
        Of one event, where it holds arrays.
    """

    name: str
    dtype: str
    is_jagged: bool = False
    shape: tuple[int, ...] = ()

    @property
    def type(self) -> Any:
        """What a reader is asked for."""
        if self.is_jagged:
            return JaggedType.of(self.dtype)
        return np.dtype((self.dtype, self.shape)) if self.shape else np.dtype(self.dtype)


@dataclass(frozen=True)
class PlannedColumn:
    """A column of the output.

    Attributes
    ----------
    text
        The column of the files, or the expression, that it follows from.
    collection
        The collection of the output whose objects have it; None: one value per event.
    dtype, shape
        What is stored; `shape` of arrays per event.
    """

    name: str
    text: str
    is_column: bool
    dtype: str
    collection: str | None = None
    shape: tuple[int, ...] = ()
    unit: str | None = None


@dataclass(frozen=True)
class PlannedCollection:
    """A collection of the output.

    Attributes
    ----------
    source
        The collection of the files that the objects come from.
    order_by
        Text of what they are ordered by, the largest first; None: as in the file.
    """

    name: str
    source: str
    order_by: str | None = None
    select: str | None = None
    n_objects: int | None = None

    @property
    def count_name(self) -> str:
        """The column with the number of objects kept."""
        return f"n_{self.name}"


@dataclass(frozen=True)
class PartPlan:
    """What is done with the files of one sample.

    Attributes
    ----------
    raw
        The columns that are read.
    generator_weight
        Expression or number; None where no weight is written.
    collection_of
        Jagged column of the files -> its collection there.
    is_padded
        Whether objects are stored in rows of `n_objects`, where that is known; else end to end.
    """

    raw: tuple[RawColumn, ...]
    columns: tuple[PlannedColumn, ...]
    collections: tuple[PlannedCollection, ...] = ()
    selection: str | None = None
    generator_weight: str | float | None = None
    objects: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    collection_of: Mapping[str, str] = field(default_factory=dict)
    is_padded: bool = False
    chunk_size: int = 65_536

    @property
    def event_columns(self) -> tuple[PlannedColumn, ...]:
        """The columns with one value (or array) per event."""
        return tuple(column for column in self.columns if column.collection is None)

    def columns_of(self, collection: PlannedCollection) -> tuple[PlannedColumn, ...]:
        """Return the columns of a collection."""
        return tuple(column for column in self.columns if column.collection == collection.name)

    def width_of(self, collection: PlannedCollection) -> int | None:
        """Return the width of the rows in which its objects are stored; None: end to end."""
        return collection.n_objects if self.is_padded else None

    def fingerprint(self) -> str:
        """Return what identifies the plan: equal plans make equal parts of equal files."""
        text = json.dumps([FORMAT, asdict(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
