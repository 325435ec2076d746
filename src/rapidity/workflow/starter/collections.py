"""Features over jagged columns: what a first network usually takes of jets, leptons, photons."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.jagged import Jagged
from rapidity.data.features import quote_column
from rapidity.data.guards.truth_like_name import looks_like_truth
from rapidity.workflow.starter.roles import describe_range

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rapidity.data.readers import ColumnInfo
    from rapidity.workflow.starter.sample import Values

COMPONENTS = {
    "pt": "pt", "eta": "eta", "phi": "phi", "m": "mass", "mass": "mass", "e": "energy", "energy": "energy",
    "px": "px", "py": "py", "pz": "pz",
}  # fmt: skip
"""End of a column's name, in small letters -> component of an object."""

N_LEADING = 3
"""Objects of which the columns become features one by one."""
COMMON_SHARE = 0.05
"""An object is worth features of its own where so many entries have it."""
SHARE_IN_A_CLOUD = 0.95
"""Part of the events whose objects all find a place in a cloud."""


@dataclass(frozen=True)
class Collection:
    """A collection found in the files.

    Attributes
    ----------
    components
        Component of a four-vector -> column, as it stands in an expression.
    features
        Expression -> comment.
    members
        Columns of the objects, as they stand in an expression.
    n_objects
        How many objects 95 of 100 events have at most.
    order_by
        Column that objects are usually ordered by; empty where none is known.
    has_gaps
        Whether a sampled event lacks one of the objects that features name, so that these are NaN.
    """

    name: str
    components: Mapping[str, str]
    features: Mapping[str, str]
    members: tuple[str, ...] = ()
    n_objects: int = 1
    order_by: str = ""
    has_gaps: bool = False


def find_collections(columns: Mapping[str, ColumnInfo], values: Mapping[str, Values]) -> list[Collection]:
    """Return the collections of the jagged columns, with features for each."""
    return [_describe(name, members, values) for name, members in _group(columns, values).items()]


def find_counts(columns: Mapping[str, ColumnInfo], values: Mapping[str, Values]) -> dict[str, str]:
    """Return the columns that hold nothing but the number of objects of a collection -> that collection."""
    of_collection = {name: values[members[0]].counts for name, members in _group(columns, values).items()}
    return {
        name: collection
        for name, array in values.items()
        if not isinstance(array, Jagged) and array.dtype.kind in "iu"
        for collection, counts in of_collection.items()
        if counts.any() and np.array_equal(array, counts)
    }


def _group(columns: Mapping[str, ColumnInfo], values: Mapping[str, Values]) -> dict[str, list[str]]:
    """Return the jagged columns of each collection, if they hold equally many values."""
    groups: dict[str, list[str]] = {}
    for name, array in values.items():
        if isinstance(array, Jagged) and not why_not(name, array):
            groups.setdefault(columns[name].collection or _stem(name), []).append(name)
    return {
        name: members
        for name, members in groups.items()
        if len({tuple(values[member].counts[:1000]) for member in members}) == 1
    }


def _stem(name: str) -> str:
    return re.split(r"[_.]", name, maxsplit=1)[0]


def why_not(name: str, values: Values | None) -> str:
    """Return why a column of objects is no feature; empty where nothing speaks against it."""
    if looks_like_truth(name):
        return "named like truth information"
    if isinstance(values, Jagged) and is_constant(values.content):
        return f"{values.content[0]:g} in every sampled object"
    return ""


def is_constant(values: NDArray[Any]) -> bool:
    """Whether all values are one and the same number, which teaches nothing."""
    return len(values) > 0 and bool((values == values[0]).all())


def _describe(name: str, members: list[str], values: Mapping[str, Values]) -> Collection:
    components: dict[str, str] = {}
    for member in members:
        end = re.split(r"[_.]", member)[-1].lower()
        if end in COMPONENTS:
            components.setdefault(COMPONENTS[end], quote_column(member))
    counts = values[members[0]].counts
    features = {}
    if not is_constant(counts):
        features[f"count({quote_column(members[0])})"] = f"{counts.min()} to {counts.max()} objects"
    n_leading = sum(float((counts > index).mean()) >= COMMON_SHARE for index in range(N_LEADING))
    for index in range(n_leading):
        for member in members:
            leading = values[member][counts > index].padded(index + 1)[:, index]
            if not is_constant(leading):
                features[f"{quote_column(member)}[{index}]"] = describe_range(leading)
    label = _object_name(name, values)
    if n_leading > 1 and _is_complete(components):
        features[f"mass({label}[0], {label}[1])"] = "invariant mass of the first two"
    if "pt" in components and counts.max(initial=0) > 1:
        features[f"sum({components['pt']})"] = "scalar sum"
    return Collection(
        label,
        components if _is_complete(components) else {},
        features,
        tuple(map(quote_column, members)),
        max(int(np.quantile(counts, SHARE_IN_A_CLOUD, method="higher")), 1),
        components.get("pt", ""),
        has_gaps=n_leading > 0 and bool((counts < n_leading).any()),
    )


def _object_name(name: str, values: Mapping[str, Values]) -> str:
    """Return a name for the objects that no column has."""
    plain = re.sub(r"\W", "_", name)
    plural = plain if plain.endswith("s") else f"{plain}s"
    return plural if plural not in values else f"{plural}_"


def _is_complete(components: Mapping[str, str]) -> bool:
    """Whether a four-vector follows from the components."""
    polar = {"pt", "eta", "phi"} <= components.keys() and {"mass", "energy"} & components.keys()
    return bool(polar or {"px", "py", "pz", "energy"} <= components.keys())
