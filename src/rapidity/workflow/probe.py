"""Probing a layer of a finished run: what can be read off it by a weighted sum of its values."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.config import load_config
from rapidity.core.errors import DataError, MissingNameError, closest, shorten
from rapidity.core.files import hash_file, write_text
from rapidity.core.progress import SilentProgress
from rapidity.core.random import make_generator
from rapidity.core.records import ResidentBatches
from rapidity.data.batches import make_batch
from rapidity.data.collections import find_columns
from rapidity.data.features import require_one_value
from rapidity.data.split import SplitRows
from rapidity.data.table import SPLITS
from rapidity.evaluation import ScoredEvents, evaluate
from rapidity.explanation import Embeddings, find_planes, fit_probe, make_target
from rapidity.expressions import parse_expression
from rapidity.metrics import Estimate
from rapidity.report import draw_probe
from rapidity.workflow.rebuild import rebuild_run
from rapidity.workflow.run import Run, summarise_metrics

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.core.progress import Progress
    from rapidity.core.records import FloatArray, Model
    from rapidity.evaluation import EvaluationResult
    from rapidity.explanation import LinearProbe, ProbeTarget
    from rapidity.workflow.prepare import PreparedRun
    from rapidity.workflow.rebuild import RebuiltRun

MAX_VALUES = 2**28
"""Numbers in memory at a time (1 GiB); of a wide layer, fewer events are taken."""
MAX_DRAWN = 4000
"""Events in the pictures; more would only cover each other."""
MAX_FITTED = 20_000
"""Events that the axes of the pictures are found with."""
BATCH_SIZE = 1024


@dataclass(frozen=True)
class ProbeSummary:
    """What a probe found.

    Attributes
    ----------
    folder
        Holds ``metrics.json`` and the pictures.
    metrics
        The content of ``metrics.json``.
    """

    folder: Path
    metrics: dict[str, Any]

    @property
    def accuracy(self) -> Estimate:
        """Fraction of the judged events whose class the probe names, with its interval."""
        return Estimate(self.metrics["accuracy"], *self.metrics["accuracy_interval"])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"folder": str(self.folder), "metrics": self.metrics}

    def __str__(self) -> str:
        """Return the headline numbers, for a terminal."""
        metrics, probe = self.metrics, self.metrics["probe"]
        low, high = metrics["accuracy_interval"]
        *aucs, _ = summarise_metrics(metrics)
        return "\n".join(
            [
                f"Layer {probe['layer']} ({probe['n_values']:,} values an event), target {probe['target']}",
                *aucs,
                f"  {metrics['split']} accuracy   {metrics['accuracy']:.4f}  [{low:.4f}, {high:.4f}]",
                f"  always {probe['majority_class']}: accuracy {probe['majority_accuracy']:.4f}",
                f"  penalty C = {probe['strength']:g}, chosen on the validation split",
                *[f"  note: {note}" for note in metrics["notes"]],
                f"  files   {self.folder}",
            ]
        )


def probe_run(
    folder: Path | str,
    layer: str,
    target: str,
    *,
    engine: str | None = None,
    progress: Progress | None = None,
) -> ProbeSummary:
    """Fit a logistic regression on what a layer makes of the events, and judge it on the test split.

    Writes ``probes/<layer>_<target>/`` into the folder of the run, in place of an earlier probe of the
    same layer and target. Every event counts alike, whatever its weight.

    Parameters
    ----------
    folder
        The folder of a finished run.
    layer
        A layer of the network, or an input of it for comparison.
    target
        Expression over raw columns (the target column included); its values are the classes.
    engine
        What computes the embeddings; left out, the engine that trained.

    Raises
    ------
    MissingNameError
        If there is no such layer or column.
    DataError
        If the data are no longer those of the run, or the values of the target are no classes, or not
        in every split.
    GraphError
        If the network is a module of the user's own, which cannot be rebuilt.
    """
    progress = progress or SilentProgress()
    run = Run.open(folder)
    objects = load_config(run.path.config).config.data.objects
    needed_by = f"the target '{target}' of the probe"
    rebuilt = rebuild_run(run, find_columns(target, objects), needed_by, engine=engine, progress=progress)
    expression = parse_expression(target, objects, rebuilt.prepared.features.collections)
    require_one_value(expression, needed_by)
    table = rebuilt.prepared.table
    _check_layer(layer, rebuilt.prepared)
    truth = make_target(expression, table.columns, table.name_row)
    rows = _choose_events(rebuilt.prepared, layer)
    _check_every_split_has_every_class(truth, rows)
    with progress.task(f"Probing {layer}", total=sum(map(len, rows.values())), unit="event") as task:
        embeddings = {}
        for split, chosen in rows.items():
            values = _embed(rebuilt.model, rebuilt.prepared, layer, chosen)
            embeddings[split] = Embeddings(values, truth.class_index[chosen])
            task.advance(len(chosen))
    probe = fit_probe(embeddings["train"], embeddings["validation"], truth.classes)
    probed = _Probed(layer, truth, rebuilt, embeddings, probe, hash_file(run.path.model))
    return probed.write(run.path.probes / folder_name(layer, target))


def folder_name(layer: str, target: str) -> str:
    """Return the name of the folder of a probe, distinct for every target.

    Examples
    --------
    >>> folder_name("dense_1", "label % 2")
    'dense_1_label_mod_2'
    """
    words = {"%": "mod", "//": "div", ">=": "ge", "<=": "le", "==": "eq", "!=": "ne", ">": "gt", "<": "lt"}
    tokens = re.findall(r"[\w.]+|//|[<>=!]=|\S", target)
    spelt = [words.get(token, token) for token in tokens]
    slug = "_".join(token for token in spelt if re.fullmatch(r"[\w.]+", token))[:60]
    if len(slug) < len("_".join(spelt)):
        # Something was left out, so another target could have the same words.
        slug += f"-{hashlib.sha256(target.encode()).hexdigest()[:6]}"
    return f"{layer}_{slug}"


def _check_layer(layer: str, prepared: PreparedRun) -> None:
    network = prepared.network
    names = [*network.inputs, *(node.name for node in network.nodes)]
    if layer not in names:
        near = closest(layer, names)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        message = f"the network has no layer '{layer}'.{hint} Inputs and layers: {shorten(names, 40)}"
        raise MissingNameError(message)


def _choose_events(prepared: PreparedRun, layer: str) -> dict[str, NDArray[np.int64]]:
    """Return split -> rows that embeddings are computed of: all, or a random part for a wide layer."""
    splits = prepared.splits
    share = MAX_VALUES / (prepared.table.n_events * int(np.prod(prepared.network.shape_of(layer))))
    rng = make_generator(prepared.config.training.seed, "probe")
    chosen = {}
    for split in SPLITS:
        rows = getattr(splits, split).rows
        if len(rows) and share < 1:
            rows = np.sort(rng.choice(rows, size=max(1, int(share * len(rows))), replace=False))
        if len(rows):
            chosen[split] = rows
    return chosen


def _check_every_split_has_every_class(truth: ProbeTarget, rows: dict[str, NDArray[np.int64]]) -> None:
    for split, chosen in rows.items():
        n_events = np.bincount(truth.class_index[chosen], minlength=len(truth.classes))
        absent = [name for name, n in zip(truth.classes.names, n_events, strict=True) if not n]
        if absent:
            message = (
                f"the target '{truth.text}' of the probe is {shorten(absent)} for none of the "
                f"{len(chosen):,} events of the {split} split, but for some elsewhere. Every split needs "
                "every value: join rare ones, as in `n_jets >= 4`."
            )
            raise DataError(message)


def _embed(model: Model, prepared: PreparedRun, layer: str, rows: NDArray[np.int64]) -> FloatArray:
    """Return what a layer (or an input) makes of some events, ``(n_events, n_values)``."""
    batch = make_batch(SplitRows(prepared.table, rows), prepared.preparation)
    if layer in batch.inputs:
        values = batch.inputs[layer]
    else:
        values = model.predict(ResidentBatches(batch, BATCH_SIZE), names=[layer])[layer]
    return values.reshape(len(rows), -1)


def _some(events: Embeddings, n_events: int, seed: int) -> Embeddings:
    """Return so many of the events, in a random order: neither classes nor files come one after the other."""
    rows = make_generator(seed, "probe", "pictures").permutation(len(events.values))[:n_events]
    return Embeddings(events.values[rows], events.class_index[rows])


@dataclass(frozen=True)
class _Probed:
    """A probe with all that it was made from."""

    layer: str
    truth: ProbeTarget
    rebuilt: RebuiltRun
    embeddings: dict[str, Embeddings]
    probe: LinearProbe
    model_sha256: str

    @property
    def split(self) -> str:
        """The split that the probe is judged on."""
        return "test" if "test" in self.embeddings else "validation"

    def write(self, folder: Path) -> ProbeSummary:
        """Write numbers and pictures."""
        config = self.rebuilt.prepared.config
        result = evaluate(self._score(), config.evaluation, config.training.seed, split=self.split)
        metrics = self._metrics(result)
        fitted = _some(self.embeddings["train"], MAX_FITTED, config.training.seed)
        shown = _some(self.embeddings[self.split], MAX_DRAWN, config.training.seed)
        planes = find_planes(self.probe, fitted.values, shown.values, config.training.seed)
        formats = tuple(dict.fromkeys(("png", *config.evaluation.formats)))
        draw_probe(result, planes, shown.class_index, self.truth.text, folder, formats)
        # Last, so that numbers are never found beside pictures of another probe.
        write_text(folder / "metrics.json", json.dumps(metrics, indent=2) + "\n")
        return ProbeSummary(folder, metrics)

    def _score(self) -> ScoredEvents:
        """Return the events of all splits with what the probe says of them."""
        logits = np.concatenate([self.probe.logits(events.values) for events in self.embeddings.values()])
        codes = [
            np.full(len(events.class_index), SPLITS.index(split), dtype=np.int8)
            for split, events in self.embeddings.items()
        ]
        return ScoredEvents(
            classes=self.probe.classes,
            class_index=np.concatenate([events.class_index for events in self.embeddings.values()]),
            split=np.concatenate(codes),
            event_weight=None,
            logits=logits,
            probabilities=self.probe.classes.probabilities(logits),
        )

    def _metrics(self, result: EvaluationResult) -> dict[str, Any]:
        """Return what ``metrics.json`` holds: the numbers of any evaluation, and what the probe is."""
        names = self.truth.classes.names
        majority = int(np.bincount(self.embeddings["train"].class_index).argmax())
        is_right = self.embeddings[self.split].class_index == majority
        about = {
            "layer": self.layer,
            "target": self.truth.text,
            "engine": self.rebuilt.engine,
            "model_sha256": self.model_sha256,
            "n_values": self.probe.directions.shape[0],
            "n_events": {split: len(events.class_index) for split, events in self.embeddings.items()},
            "strength": self.probe.strength,
            "validation_log_loss": {f"{c:g}": loss for c, loss in self.probe.validation_losses.items()},
            "majority_class": names[majority],
            "majority_accuracy": float(is_right.mean()),
        }
        metrics = {"probe": about, **result.to_metrics()}
        metrics["notes"] = [*metrics["notes"], *self._notes()]
        return metrics

    def _notes(self) -> list[str]:
        notes = []
        n_used = sum(len(events.class_index) for events in self.embeddings.values())
        n_events = self.rebuilt.prepared.table.n_events
        if n_used < n_events:
            notes.append(f"The layer is wide: a random {n_used:,} of {n_events:,} events were taken.")
        if not self.probe.is_converged:
            notes.append("The fit was stopped before it converged; the numbers could get a little better.")
        if self.split == "validation":
            notes.append("There is no test split: the events that chose the penalty also judge the probe.")
        return notes
