"""Augmentation of the training events of a run: what it needs of the prepared events."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rapidity.config.augmentation import MixUp
from rapidity.core.jagged import Jagged
from rapidity.data.collections import iterate_chunks, pick_rows
from rapidity.data.guards import GuardFinding
from rapidity.data.raw_blocks import RawBlocks
from rapidity.data.raw_events import RawTrainingEvents, truth_column
from rapidity.data.settings import SettingsTable
from rapidity.training.augmentation import (
    Sources,
    check_mixable,
    find_stale_columns,
    find_unnamed_columns,
    make_augmenter,
)
from rapidity.training.augmentation.augmenter import WINDOW_NUMBERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rapidity.core.records import FloatArray, OutputObjective
    from rapidity.training.augmentation import Augmenter
    from rapidity.training.augmentation.stale_columns import StaleColumn
    from rapidity.workflow.prepare import PreparedRun

MEMORY_SHARE = 16
"""Of a bound on memory, a window of augmented events takes this part; two or three are there at a time."""
N_LOOKED_AT = 1000
"""Events in which columns that were computed from objects are looked for."""


def check_augmentation(prepared: PreparedRun) -> tuple[GuardFinding, ...]:
    """Return warnings about columns that do not follow what is augmented.

    Raises
    ------
    ConfigError
        If the augmentation cannot be made of these events.
    """
    blocks = prepared.config.training.augmentation
    if not blocks:
        return ()
    if isinstance(blocks[-1], MixUp):
        weights = prepared.train_weights
        targets = prepared.outputs.make_targets(weights.rows, prepared.preparation)
        tasks = {name: one.task for name, one in prepared.outputs.outputs.items()}
        check_mixable(f"training.augmentation[{len(blocks) - 1}] (mix_up)", targets, weights.values, tasks)
    augmenter = build_augmenter(prepared, {})
    if augmenter is None or augmenter.raw is None:
        return ()
    if prepared.is_streamed:
        # Too little memory for a window with its raw columns is better said now.
        prepared.streamed_splits(Path(), raw_events(augmenter))
    return _warn_of_stiff_columns(prepared, augmenter)


def build_augmenter(prepared: PreparedRun, outputs: Mapping[str, OutputObjective]) -> Augmenter | None:
    """Return what augments the training events; None where nothing is to be changed.

    Parameters
    ----------
    outputs
        What the network is trained to do.
    """
    training, spool = prepared.config.training, prepared.table.spool
    if not training.augmentation:
        return None
    numbers = WINDOW_NUMBERS
    if spool is not None:
        numbers = min(numbers, spool.memory // (4 * MEMORY_SHARE))
    augmenter = make_augmenter(
        training.augmentation,
        _find_sources(prepared),
        training.seed,
        make_raw=lambda changed, further: RawTrainingEvents(
            prepared.train_weights.rows, prepared.preparation, changed, further, prepared.outputs
        ),
        outputs=outputs,
        window_numbers=numbers,
    )
    raw = raw_events(augmenter)
    if raw is None or not prepared.is_streamed:
        return augmenter
    # The columns are there as well, in float64: objects that no input keeps may be many more.
    n_prepared = prepared.event_bytes / 4
    share = n_prepared / (n_prepared + 2 * RawBlocks(raw).n_numbers)
    return replace(augmenter, window_numbers=int(numbers * share))


def raw_events(augmenter: Augmenter | None) -> RawTrainingEvents | None:
    """Return the columns of training events that are changed; None where none are."""
    raw = None if augmenter is None else augmenter.raw
    return raw if isinstance(raw, RawTrainingEvents) else None


def _find_sources(prepared: PreparedRun) -> Sources:
    preparation, table, config = prepared.preparation, prepared.table, prepared.config
    collections = {
        name: collection
        for name, collection in prepared.features.collections.items()
        if name in table.columns
    }
    # What is true of objects is dropped with them.
    truths = {truth_column(name): one.collection for name, one in prepared.outputs.assignments.items()}
    settings = SettingsTable(config.preparation)
    listed = {
        column: {
            value for name in config.inputs for value in settings.of_column(name, column).missing.sentinels
        }
        for column in table.columns
    }
    return Sources(
        objects=config.data.objects,
        columns=(*table.columns, *truths),
        used_columns=preparation.columns,
        collections={**collections, **truths},
        sentinels={
            # Columns may be read as float32.
            column: tuple(dict.fromkeys(x for value in values for x in (value, float(np.float32(value)))))
            for column, values in listed.items()
            if values
        },
        from_zero=_angles_from_zero(prepared),
        count_columns=_find_counts(prepared, collections),
        empty_images=_prepare_zeros(prepared),
    )


def _angles_from_zero(prepared: PreparedRun) -> tuple[str, ...]:
    """Return the columns of azimuths that are never negative, but go beyond half a turn."""
    phis = {components.get("phi", "") for components in prepared.config.data.objects.values()}
    ranges = prepared.preparation.ranges
    return tuple(name for name in phis if name in ranges and ranges[name][0] >= 0 and ranges[name][1] > np.pi)


def _find_counts(prepared: PreparedRun, collections: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the columns that hold the number of objects of a collection in every training event."""
    columns, rows = prepared.table.columns, prepared.train_weights.rows.rows
    plain = [
        name
        for name in prepared.preparation.columns
        if not isinstance(columns[name], Jagged) and columns[name].ndim == 1
    ]
    first: dict[str, str] = {}
    for name, collection in collections.items():
        first.setdefault(collection, name)
    return {
        collection: tuple(
            name
            for name in plain
            if all(
                np.array_equal(chunk[name], chunk[jagged].counts)
                for _, chunk in iterate_chunks(columns, [name, jagged], rows)
            )
        )
        for collection, jagged in first.items()
    }


def _prepare_zeros(prepared: PreparedRun) -> dict[str, FloatArray]:
    """Return what an image of zeros, as stored, becomes through the preparation."""
    preparation, columns = prepared.preparation, prepared.table.columns
    found = {}
    for name, image in preparation.images.items():
        zeros = {
            column: np.zeros((1, *columns[column].shape[1:]), columns[column].dtype)
            for column in image.columns
        }
        found[name] = replace(preparation, inputs={name: image}).apply(zeros)[name][0]
    return found


def _warn_of_stiff_columns(prepared: PreparedRun, augmenter: Augmenter) -> tuple[GuardFinding, ...]:
    """Return warnings about features that should follow what is augmented, as far as can be told."""
    blocks = prepared.config.training.augmentation
    raw = raw_events(augmenter)
    changed = set() if raw is None else set(raw.changed)
    unchanged = [name for name in prepared.preparation.columns if name not in changed]
    messages = [
        f"the column '{found.column}' holds {found.expression}, which training.augmentation changes, but it "
        f"stays as it is in the file. Write the feature as {found.expression}, so that it follows."
        for found in _find_stale_columns(prepared, augmenter, unchanged)
    ]
    messages += [
        f"the column '{name}' is called like a direction, but {kind} changes no object that it is of. If "
        "it is one, name it in data.objects, as in `met: {pt: met, phi: met_phi}`, so that it follows."
        for name, kind in find_unnamed_columns(unchanged, [block.type for block in blocks]).items()
    ]
    return tuple(GuardFinding("augmentation", "warn", message) for message in messages)


def _find_stale_columns(
    prepared: PreparedRun, augmenter: Augmenter, unchanged: Sequence[str]
) -> list[StaleColumn]:
    table, rows = prepared.table, prepared.train_weights.rows.rows[:N_LOOKED_AT]
    numeric = [name for name, values in table.columns.items() if values.dtype.kind in "fiu"]
    columns = pick_rows(table.columns, numeric, rows)
    if augmenter.raw is not None:
        columns |= augmenter.raw.pick(np.arange(len(rows)))
    plain = [name for name in unchanged if not isinstance(columns[name], Jagged) and columns[name].ndim == 1]
    steps = [step for _, step in augmenter.column_steps]
    objects = prepared.config.data.objects
    return find_stale_columns(columns, plain, steps, objects, prepared.features.collections)
