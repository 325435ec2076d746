"""What model.onnx says about itself: the entries `rapidity.*` of its metadata."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.artefact.outputs import value_names
from rapidity.core.classes import ClassSet
from rapidity.core.errors import ExportError
from rapidity.core.jagged import JaggedType
from rapidity.data.fitted_outputs import FittedOutputs, is_usual, output_from_dict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.artefact.columns import Signature
    from rapidity.data.fitted_outputs import FittedOutput

PREFIX = "rapidity."
COLLECTIONS = f"{PREFIX}collections"
OUTPUTS = f"{PREFIX}outputs"
FORMAT_VERSION = 1
FORMAT_WITH_COLLECTIONS = 2
"""Written where there are inputs of objects, which a reader of version 1 would not feed."""
FORMAT_WITH_OUTPUTS = 3
"""Written where there are other outputs than the classes, which earlier readers do not know."""
READABLE_VERSIONS = (FORMAT_VERSION, FORMAT_WITH_COLLECTIONS, FORMAT_WITH_OUTPUTS)


@dataclass(frozen=True)
class ModelInput:
    """One raw column that a model takes.

    Attributes
    ----------
    dtype
        ``float32``, ``float64`` or ``int64``; of images the type of the pixels (``uint8``).
    unit
        As the source files state it; None where they do not.
    training_range
        Smallest and largest valid value in the training split; None if there was none.
    shape
        Of a column of images: the shape of one, as stored; else ``()``.
    collection
        Of a column of objects: the collection that it belongs to; else None.
    """

    dtype: str
    unit: str | None = None
    training_range: tuple[float, float] | None = None
    shape: tuple[int, ...] = ()
    collection: str | None = None

    @property
    def column_dtype(self) -> np.dtype[Any] | JaggedType:
        """What a reader is asked for: the dtype, with the shape of an image, or a jagged column of it."""
        if self.collection is not None:
            return JaggedType.of(self.dtype)
        return np.dtype((self.dtype, self.shape)) if self.shape else np.dtype(self.dtype)


@dataclass(frozen=True)
class FoldFacts:
    """How a model of several networks picks the one that scores an event.

    Attributes
    ----------
    count
        Number of folds, and of networks.
    event_number
        Column whose value modulo `count` is the fold; always an input of its own.
    is_feature
        Whether the networks take it too.
    """

    count: int
    event_number: str
    is_feature: bool = False


@dataclass(frozen=True)
class ModelFacts:
    """The entries that running a model needs; see `to_entries` for their names.

    Attributes
    ----------
    folds
        None for a file of one network.
    collections
        Collection -> name of the input that says how many objects each event has.
    has_pairs
        Whether something is computed for each pair of objects, which takes memory.
    n_places
        Places for objects that the clouds of an event have together, taken or not; 0 without clouds.
    classes
        Those of the classification; none without one.
    outputs
        What the network says of an event, by name.
    is_continuous
        False of a network that jumps where its inputs change by rounding (`Network.is_continuous`).
    """

    classes: ClassSet
    inputs: Mapping[str, ModelInput]
    signature: Signature
    folds: FoldFacts | None = None
    collections: Mapping[str, str] = field(default_factory=dict)
    has_pairs: bool = False
    n_places: int = 0
    outputs: Mapping[str, FittedOutput] = field(default_factory=dict)
    is_continuous: bool = True

    def to_entries(self) -> dict[str, str]:
        """Return the metadata entries, as JSON where they are not plain words."""
        inputs = [
            {
                "name": name,
                "dtype": column.dtype,
                "unit": column.unit,
                "training_range": _finite(column.training_range),
                **({"shape": list(column.shape)} if column.shape else {}),
                **({"collection": column.collection} if column.collection else {}),
            }
            for name, column in self.inputs.items()
        ]
        return {
            f"{PREFIX}format_version": str(self._format_version),
            f"{PREFIX}classes": json.dumps(self.classes.names),
            f"{PREFIX}inputs": json.dumps(inputs),
            f"{PREFIX}signature": self.signature,
            **({f"{PREFIX}folds": json.dumps(asdict(self.folds))} if self.folds else {}),
            **({COLLECTIONS: json.dumps(dict(self.collections))} if self.collections else {}),
            **({f"{PREFIX}has_pairs": "true"} if self.has_pairs else {}),
            **({f"{PREFIX}n_places": str(self.n_places)} if self.n_places else {}),
            **({} if self.is_continuous else {f"{PREFIX}is_continuous": "false"}),
            **({} if self._has_classes_alone else {OUTPUTS: json.dumps(self._describe_outputs())}),
        }

    @property
    def _has_classes_alone(self) -> bool:
        return not self.outputs or is_usual(self.outputs)

    @property
    def _format_version(self) -> int:
        if not self._has_classes_alone:
            return FORMAT_WITH_OUTPUTS
        return FORMAT_WITH_COLLECTIONS if self.collections else FORMAT_VERSION

    def _describe_outputs(self) -> list[dict[str, Any]]:
        names = value_names(self.outputs)
        return [
            {"name": name, "value": names[name], **output.to_dict()} for name, output in self.outputs.items()
        ]

    @classmethod
    def from_entries(cls, entries: Mapping[str, str], where: str) -> ModelFacts:
        """Read the entries back; without them, or with those of a newer format, it is an ExportError."""
        version = entries.get(f"{PREFIX}format_version")
        if version is None:
            message = (
                f"{where} was not written by Rapidity: it has no metadata '{PREFIX}format_version'. "
                "Rapidity runs models of its own, as rapidity train writes them; other ONNX files run in "
                "ONNX Runtime directly."
            )
            raise ExportError(message)
        if version not in map(str, READABLE_VERSIONS):
            message = (
                f"{where} has format version {version}, this Rapidity reads "
                f"{' and '.join(map(str, READABLE_VERSIONS))}. "
                "Install the Rapidity that wrote it (metadata 'producer_version'), or train again."
            )
            raise ExportError(message)
        try:
            return cls._parse(entries)
        except (KeyError, TypeError, ValueError) as error:
            message = (
                f"{where} was not written by Rapidity, or was changed since: its metadata '{PREFIX}*' cannot "
                f"be read ({type(error).__name__}: {error}). Export it again."
            )
            raise ExportError(message) from error

    @classmethod
    def _parse(cls, entries: Mapping[str, str]) -> ModelFacts:
        inputs: dict[str, ModelInput] = {}
        for entry in json.loads(entries[f"{PREFIX}inputs"]):
            low_high = entry["training_range"]
            training_range = (float(low_high[0]), float(low_high[1])) if low_high else None
            shape = tuple(int(length) for length in entry.get("shape", ()))
            inputs[entry["name"]] = ModelInput(
                entry["dtype"], entry["unit"], training_range, shape, entry.get("collection")
            )
        signature: Any = entries[f"{PREFIX}signature"]
        if signature not in ("columns", "matrix"):
            message = f"unknown signature '{signature}'"
            raise ValueError(message)
        stored = entries.get(f"{PREFIX}folds")
        folds = None if stored is None else FoldFacts(**json.loads(stored))
        classes = ClassSet(tuple(json.loads(entries[f"{PREFIX}classes"])))
        collections = json.loads(entries.get(COLLECTIONS, "{}"))
        has_pairs = entries.get(f"{PREFIX}has_pairs") == "true"
        n_places = int(entries.get(f"{PREFIX}n_places", "0"))
        outputs = {entry["name"]: output_from_dict(entry) for entry in json.loads(entries.get(OUTPUTS, "[]"))}
        outputs = outputs or dict(FittedOutputs.usual(classes).outputs)
        is_continuous = entries.get(f"{PREFIX}is_continuous") != "false"
        return cls(
            classes, inputs, signature, folds, collections, has_pairs, n_places, outputs, is_continuous
        )


def _finite(interval: tuple[float, float] | None) -> list[float] | None:
    """Return an interval for JSON, which has no infinities."""
    if interval is None or not all(math.isfinite(end) for end in interval):
        return None
    return [float(end) for end in interval]
