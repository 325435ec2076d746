"""Writing model.onnx and checking, on real rows, that it says what the engine says."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.artefact import OnnxModel, check_all_outputs, write_model
from rapidity.core.random import make_generator
from rapidity.core.records import ResidentBatches
from rapidity.data.batches import make_batch
from rapidity.data.conversion.changes import find_changes
from rapidity.data.split import SplitRows
from rapidity.engines import get_engine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.artefact import ParityReport
    from rapidity.core.records import Model
    from rapidity.network.graph import Network
    from rapidity.workflow.prepare import PreparedRun

PARITY_ROWS = 2048
"""Events of each split that the engine and ONNX Runtime both score."""
PARITY_NUMBERS = 2**19
"""Of events of many numbers (images) fewer: this many numbers of each split, since both score all at once."""


def export_model(path: Path, prepared: PreparedRun, model: Model, metadata: dict[str, str]) -> ParityReport:
    """Write the model file, and keep it only if it reproduces the engine's scores.

    Of a network that is not continuous a few events may differ (`artefact.parity`). A declared network is
    written by `artefact`, as is a user's own object that its engine can describe as
    one; otherwise the engine exports the object.

    Raises
    ------
    ParityError
        If a probability differs by more than the tolerance of `artefact.parity`; the file is then left under
        ``<name>.rejected.onnx`` for inspection.
    """
    candidate = path.with_suffix(".rejected.onnx")
    engine = get_engine(prepared.config.training.engine)
    declared = engine.describe(model)
    network, parameters = declared or (None, None)
    write_model(
        candidate,
        network=network,
        parameters=parameters,
        body=None if declared else engine.to_onnx(model),
        preparation=prepared.preparation,
        classes=prepared.table.classes,
        signature=prepared.config.deliver.signature,
        metadata=metadata,
        outputs=prepared.outputs,
    )
    report = _check(OnnxModel.load(candidate), prepared, model, network)
    candidate.replace(path)
    return report


def _check(artefact: OnnxModel, prepared: PreparedRun, model: Model, network: Network | None) -> ParityReport:
    """Compare on a random part of every split."""
    rng = make_generator(prepared.config.training.seed, "parity")
    splits = prepared.splits
    most = most_parity_rows(prepared)
    rows = np.concatenate(
        [
            rng.choice(split.rows, size=min(most, split.n_events), replace=False)
            for split in (splits.train, splits.validation, splits.test)
        ]
    )
    columns = {name: prepared.table.columns[name][rows] for name in artefact.inputs}
    return check_all_outputs(
        artefact,
        columns,
        engine_outputs(prepared, model, rows),
        is_continuous=network is None or network.is_continuous,
    )


def most_parity_rows(prepared: PreparedRun) -> int:
    """Return how many events of a split to compare at most."""
    return min(PARITY_ROWS, max(PARITY_NUMBERS // _numbers_of_an_event(prepared), 2))


def engine_outputs(prepared: PreparedRun, model: Model, rows: NDArray[np.int64]) -> dict[str, Any]:
    """Return what the engine says of some rows of the table, as `artefact.check_all_outputs` takes it."""
    chosen = SplitRows(prepared.table, rows)
    batch = make_batch(chosen, prepared.preparation, None, prepared.outputs)
    results = model.predict(ResidentBatches(batch, batch_size=len(rows)))
    return prepared.outputs.finish(results, chosen, prepared.preparation)


def _numbers_of_an_event(prepared: PreparedRun) -> int:
    return sum(math.prod(shape) for shape in prepared.preparation.input_shapes().values())


def model_metadata(prepared: PreparedRun, configuration: str, data_hashes: dict[str, str]) -> dict[str, str]:
    """Return what the model file says of its origin."""
    metadata = {
        "name": prepared.config.name,
        "configuration": configuration,
        "data_hashes": json.dumps(data_hashes),
    }
    changes = find_changes(map(Path, data_hashes), prepared.features.columns)
    return metadata | ({"conversion": json.dumps(changes)} if changes else {})
