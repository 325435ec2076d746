"""One cloud input with everything that was fitted for the features of its objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rapidity.data.cloud_columns import make_momenta
from rapidity.data.clouds import CloudColumns
from rapidity.data.collections import OBJECTS_AT_ONCE, iterate_chunks
from rapidity.data.fitted_feature import FittedFeature
from rapidity.data.kept_objects import KeptObjects, count_selected, find_offsets, keep_objects
from rapidity.data.number_names import NumberNames
from rapidity.expressions import parse_expression

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.core.records import FloatArray

MASK, MOMENTA, COORDINATES = ".mask", ".momenta", ".coordinates"
"""What follows the name of a cloud in those of its further network inputs."""


@dataclass(frozen=True)
class CloudCounts:
    """How many objects of some events a cloud keeps.

    Attributes
    ----------
    n_kept
        At most so many objects of an event are kept.
    n_events, n_objects
        Events, and their objects that fulfil the selection.
    n_truncated
        Events with more than are kept.
    n_lost
        Objects that are left out for that.
    most
        Objects of the fullest event.
    """

    n_kept: int
    n_events: int
    n_objects: int
    n_truncated: int
    n_lost: int
    most: int


@dataclass(frozen=True)
class FittedCloud:
    """From raw columns to the objects of each event and what goes with them (a `FittedInput`).

    Attributes
    ----------
    cloud
        The columns, and which objects are kept in which order.
    features
        The numbers of an object, in the order of the last axis of the input's array.
    momenta
        px, py, pz and energy, which are not scaled; or nothing.
    coordinates
        Not scaled; or nothing.
    """

    cloud: CloudColumns
    features: tuple[FittedFeature, ...]
    momenta: tuple[FittedFeature, ...] = ()
    coordinates: tuple[FittedFeature, ...] = ()
    kind: Literal["cloud"] = "cloud"

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Name of each number of an object, indicators included."""
        return tuple(name for feature in self.features for name in feature.names)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of objects that are kept, number of numbers of each."""
        return self.cloud.n_objects, len(self.feature_names)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """What follows the name of the input in that of a network input -> shape of one event."""
        n_objects = self.cloud.n_objects
        shapes: dict[str, tuple[int, ...]] = {"": self.shape, MASK: (n_objects,)}
        for suffix, numbers in self._unscaled.items():
            shapes[suffix] = (n_objects, len(numbers))
        return shapes

    @property
    def number_names(self) -> Mapping[str, Sequence[str]]:
        """What follows the name of the input -> name of each number of an event."""
        of_objects = {"": self.feature_names, MASK: ("mask",)}
        of_objects |= {key: tuple(one.name for one in listed) for key, listed in self._unscaled.items()}
        return {suffix: ObjectNames(names, self.cloud.n_objects) for suffix, names in of_objects.items()}

    @property
    def _unscaled(self) -> dict[str, tuple[FittedFeature, ...]]:
        given = {MOMENTA: self.momenta, COORDINATES: self.coordinates}
        return {suffix: listed for suffix, listed in given.items() if listed}

    @property
    def all(self) -> tuple[FittedFeature, ...]:
        """Features, momenta and coordinates."""
        return (*self.features, *self.momenta, *self.coordinates)

    @property
    def columns(self) -> tuple[str, ...]:
        """Raw columns that it needs, each once."""
        return self.cloud.columns

    @property
    def rows_at_once(self) -> int:
        """Number of events whose numbers fit into the processor's cache."""
        return max(OBJECTS_AT_ONCE // (self.cloud.n_objects * len(self.all)), 1)

    def prepare(self, columns: Mapping[str, Any]) -> dict[str, FloatArray]:
        """Return each network input, float32 ``(n_events, n_objects, ...)``, zero where there is no object.

        Computed in float64 for all objects of the events, kept or not: ``cand_pt / sum(cand_pt)`` is the
        part of the sum of all.
        """
        exact = exact_columns(columns, self.columns)
        kept = keep_objects(self.cloud, exact)
        n_events, n_objects = len(kept.n_found), self.cloud.n_objects
        values = {"": [value for one in self.features for value in one.apply_to(exact, kept.places)]}
        values |= {
            suffix: [value for one in listed for value in one.apply_to(exact, kept.places)]
            for suffix, listed in self._unscaled.items()
        }
        slots = kept.rows * n_objects + kept.positions
        prepared: dict[str, FloatArray] = {}
        for suffix, listed in values.items():
            made = np.zeros((n_events * n_objects, len(listed)), np.float32)
            with np.errstate(all="ignore"):
                made[slots] = np.array(listed, np.float32).reshape(len(listed), -1).T
            prepared[suffix] = made.reshape(n_events, n_objects, len(listed))
        mask = np.zeros(n_events * n_objects, np.float32)
        mask[slots] = 1
        prepared[MASK] = mask.reshape(n_events, n_objects)
        return prepared

    def show(self, columns: Mapping[str, Any]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the features of the objects that are kept in their own units, and the event of each.

        The features are ``(n_kept, n_features)``, NaN where one is missing.
        """
        exact = exact_columns(columns, self.columns)
        kept = keep_objects(self.cloud, exact)
        shown = np.empty((len(kept.places), len(self.features)), np.float32)
        for number, feature in enumerate(self.features):
            values, is_missing = feature.screen_at(exact, kept.places)
            shown[:, number] = values if is_missing is None else np.where(is_missing, np.nan, values)
        return shown, kept.rows

    def count_objects(self, columns: Mapping[str, Any]) -> NDArray[np.int64]:
        """Return how many objects each event has that fulfil the selection, kept or not ``(n_events,)``."""
        chunks = iterate_chunks(columns, self.columns)
        counts = [count_selected(self.cloud, exact_columns(chunk, self.columns)) for _, chunk in chunks]
        return np.concatenate([np.empty(0, np.int64), *counts])

    def count_lost(self, columns: Mapping[str, Any]) -> CloudCounts:
        """Return how many objects some events have, and how many of them are left out."""
        found = self.count_objects(columns)
        lost = np.maximum(found - self.cloud.n_objects, 0)
        return CloudCounts(
            n_kept=self.cloud.n_objects,
            n_events=len(found),
            n_objects=int(found.sum()),
            n_truncated=int(np.count_nonzero(lost)),
            n_lost=int(lost.sum()),
            most=int(found.max(initial=0)),
        )

    def find_unusable(
        self,
        columns: Mapping[str, Any],
        rows: NDArray[np.int64] | None,
        name_row: Callable[[int], str],
    ) -> Iterator[str]:
        """Yield each feature with NaN or infinities in objects that are kept, where that is refused."""
        for feature in self.all:
            n_bad, n_kept, place = 0, 0, ""
            for part, chunk in iterate_chunks(columns, self.columns, rows):
                exact = exact_columns(chunk, self.columns)
                kept = keep_objects(self.cloud, exact)
                values, is_missing = feature.screen_at(exact, kept.places)
                refused = ~np.isfinite(values)
                if is_missing is not None:
                    refused &= ~is_missing
                n_bad, n_kept = n_bad + int(np.count_nonzero(refused)), n_kept + len(values)
                if refused.any() and not place:
                    place = self._name_object(exact, kept, int(np.argmax(refused)), part, rows, name_row)
                    found = values[np.argmax(refused)]
            if n_bad:
                yield f"'{feature.name}' is {found} in {n_bad} of {n_kept} objects, first in {place}"

    def _name_object(
        self,
        exact: Mapping[str, Any],
        kept: KeptObjects,
        number: int,
        part: slice,
        rows: NDArray[np.int64] | None,
        name_row: Callable[[int], str],
    ) -> str:
        event = int(kept.rows[number])
        position = int(kept.places[number] - find_offsets(self.cloud, exact)[event])
        row = part.start + event
        return f"object {position} (from 0) of {name_row(row if rows is None else int(rows[row]))}"

    def to_dict(self) -> dict[str, Any]:
        """Return the input as plain values for JSON."""
        cloud = self.cloud
        return {
            "kind": self.kind,
            "collection": cloud.collection,
            "n_objects": cloud.n_objects,
            "order_by": cloud.order_by.text if cloud.order_by else None,
            "selection": cloud.selection.text if cloud.selection else None,
            "components": dict(cloud.components),
            "features": [feature.to_dict() for feature in self.features],
            "coordinates": [feature.to_dict() for feature in self.coordinates],
        }

    @classmethod
    def from_dict(
        cls,
        values: Mapping[str, Any],
        objects: Mapping[str, Mapping[str, str]],
        collections: Mapping[str, str],
    ) -> FittedCloud:
        """Return the input that `to_dict` wrote, with the objects and collections that it was read with."""
        order_by, selection = (
            None if text is None else parse_expression(text, objects, collections)
            for text in (values["order_by"], values["selection"])
        )
        momenta = make_momenta(values["components"], objects, collections)
        fitted = {
            part: tuple(FittedFeature.from_dict(one, objects, collections) for one in values[part])
            for part in ("features", "coordinates")
        }
        cloud = CloudColumns(
            collection=values["collection"],
            features=tuple(one.feature for one in fitted["features"]),
            n_objects=values["n_objects"],
            order_by=order_by,
            selection=selection,
            components=values["components"],
            momenta=momenta,
            coordinates=tuple(one.feature for one in fitted["coordinates"]),
        )
        return cls(cloud, fitted["features"], fit_momenta(cloud), fitted["coordinates"])


def fit_momenta(cloud: CloudColumns) -> tuple[FittedFeature, ...]:
    """Return the momenta as they go into the network: as they are; NaN in them is always refused."""
    return tuple(FittedFeature(feature) for feature in cloud.momenta)


def exact_columns(columns: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the columns in float64, in which everything is computed."""
    return {name: columns[name].astype(np.float64, copy=False) for name in names}


@dataclass(frozen=True)
class ObjectNames(NumberNames):
    """The names of all numbers of an event, object by object, made when they are asked for.

    Examples
    --------
    >>> names = ObjectNames(("pt", "eta"), 30)
    >>> len(names), names[3]
    (60, 'eta[1]')
    """

    of_one: tuple[str, ...]
    n_objects: int

    def __len__(self) -> int:
        return self.n_objects * len(self.of_one)

    def name(self, position: int) -> str:
        """Return the name of one number."""
        place, number = divmod(position, len(self.of_one))
        return f"{self.of_one[number]}[{place}]"
