"""Events from files to batches: reading, classes, splits, guards, preparation, training weights.

Importing this package is cheap; the modules of a step are imported where it is used:

- `data.assembly.read_table` reads the sources into a `data.table.Table`,
- `data.split.split_events` divides the events,
- `data.guards.run_guards` looks for what would spoil a training,
- `data.preparation.fit_preparation` fits fills and transforms to the training split,
- `data.weights.training_weights` and `data.batches.make_batch` make what an engine takes,
- `data.events.iterate_events` goes through new files for prediction.
"""

from __future__ import annotations

from rapidity.data.table import SPLITS, SourceCounts, Table

__all__ = ["SPLITS", "SourceCounts", "Table"]
