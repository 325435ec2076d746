"""A feature that alone tells the classes apart: usually truth in disguise, or a difference between files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import shorten
from rapidity.core.random import make_generator
from rapidity.data.features import evaluate_feature, evaluate_object_feature
from rapidity.data.guards.finding import GuardedEvents, GuardFinding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


AUC_LIMIT = 0.999
# More events of a class do not change an AUC in the third digit by more than its error.
MAX_EVENTS_OF_CLASS = 20_000


def find_separating_features(events: GuardedEvents, level: Level) -> Iterator[GuardFinding]:
    """Yield a finding if a feature has an AUC above 0.999 (or below 0.001) for a class against the rest.

    A missing value (NaN) counts as one above all others, so a feature that is missing for just one class
    is found. Of a cloud the mean of each feature over the objects of an event counts, and how many there are.
    Classes of more than 20,000 events are represented by that many of them, at random.
    """
    table = events.split_table.table
    n_classes = len(table.classes)
    rows, scale = _sample_rows(table.class_index, n_classes)
    class_index = table.class_index[rows]
    found = []
    for name, values in _list_values(events, rows):
        auc = class_aucs(values, class_index, scale)
        best = int(np.argmax(np.abs(auc - 0.5)))
        if max(auc[best], 1 - auc[best]) > AUC_LIMIT:
            found.append(f"{name} (AUC {auc[best]:.5f} for class {table.classes.names[best]})")
    if found:
        sampled = f", from {len(rows)} of {table.n_events} events" if len(rows) < table.n_events else ""
        message = (
            f"{shorten(found)} alone separates a class from the rest{sampled}. Usually that is truth in "
            "disguise, or "
            "an artefact of how the files were made. Remove it from the inputs (`exclude`)."
        )
        yield GuardFinding("separating_feature", level, message)


def _list_values(
    events: GuardedEvents, rows: NDArray[np.int64]
) -> Iterator[tuple[str, NDArray[np.floating]]]:
    """Yield the name and the values of each number of some events that is looked at."""
    columns = events.split_table.table.columns
    for feature in events.features.all:
        yield f"'{feature.name}'", evaluate_feature(feature, columns, rows)
    counted = set()
    for feature in events.features.of_objects:
        objects = evaluate_object_feature(feature, columns, rows)
        collection = feature.expression.collection
        if collection not in counted:
            counted.add(collection)
            yield f"the number of objects of '{collection}'", objects.counts.astype(np.float64)
        event_of = np.repeat(np.arange(len(objects)), objects.counts)
        total = np.bincount(event_of, objects.content, minlength=len(objects))
        mean = np.divide(total, objects.counts, out=np.full(len(total), np.nan), where=objects.counts > 0)
        yield f"the mean of '{feature.name}' over the objects", mean


def _sample_rows(
    class_index: NDArray[np.int64], n_classes: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return rows with at most so many events of each class, and how many events one row of it stands for."""
    rng = make_generator(0, "separating_feature")
    rows, scale = [], np.ones(n_classes)
    for index in range(n_classes):
        members = np.flatnonzero(class_index == index)
        if len(members) > MAX_EVENTS_OF_CLASS:
            scale[index] = len(members) / MAX_EVENTS_OF_CLASS
            members = np.sort(rng.choice(members, MAX_EVENTS_OF_CLASS, replace=False))
        rows.append(members)
    return np.concatenate(rows), scale


def class_aucs(
    values: NDArray[np.floating], class_index: NDArray[np.int64], scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the AUC of one feature for each class against the rest ``(n_classes,)``.

    The probability that an event of the class has a larger value than one of the rest, ties counting half
    (Mann-Whitney). NaN is larger than everything. A class without events, or without a rest, has 0.5.

    Parameters
    ----------
    scale
        Weight of each event of a class ``(n_classes,)``.

    Examples
    --------
    >>> class_aucs(np.array([1.0, 2.0, 3.0, np.nan]), np.array([0, 0, 1, 1]), np.ones(2))
    array([0., 1.])
    """
    order = np.argsort(values, kind="stable")  # NaN come last
    ordered = values[order]
    is_new = np.ones(len(order), dtype=np.bool_)
    is_new[1:] = (ordered[1:] != ordered[:-1]) & ~np.isnan(ordered[:-1])
    group = np.cumsum(is_new) - 1
    n_groups, n_classes = int(group[-1]) + 1, len(scale)
    # Events of each class at each distinct value.
    counts = np.bincount(group * n_classes + class_index[order], minlength=n_groups * n_classes)
    weight = counts.reshape(n_groups, n_classes) * scale
    rest = weight.sum(axis=1, keepdims=True) - weight
    rest_below = np.cumsum(rest, axis=0) - rest / 2
    pairs = weight.sum(axis=0) * rest.sum(axis=0)
    wins = (weight * rest_below).sum(axis=0)
    auc: NDArray[np.float64] = np.divide(wins, pairs, out=np.full(n_classes, 0.5), where=pairs > 0)
    return auc
