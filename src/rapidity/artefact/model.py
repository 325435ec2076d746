"""Running model.onnx in ONNX Runtime: columns in, scores out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.artefact.columns import MATRIX_INPUT, matrix_dtype
from rapidity.artefact.input_types import check_images, fit_dtype, fit_images
from rapidity.artefact.metadata import COLLECTIONS, ModelFacts
from rapidity.artefact.objects import OBJECTS_IN_A_BATCH, as_jagged, cut_into_batches, pad_objects
from rapidity.artefact.outputs import LOGITS, PROBABILITIES, value_names
from rapidity.core.errors import DataError, ExportError, MissingNameError, closest, shorten
from rapidity.core.jagged import Jagged
from rapidity.data.collections import align_counts, pick_rows
from rapidity.data.fitted_outputs import FittedAssignment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import onnxruntime
    from numpy.typing import NDArray

    from rapidity.artefact.columns import Signature
    from rapidity.artefact.metadata import FoldFacts, ModelInput
    from rapidity.core.classes import ClassSet
    from rapidity.core.records import FloatArray
    from rapidity.data.fitted_outputs import FittedOutput

DEFAULT_BATCH_SIZE = 16_384
"""Rows in a batch: the intermediate values of a usual network then stay in the processor's cache."""
PIXELS_IN_A_BATCH = 2**18
"""Of images fewer: the maps of a convolution layer have tens of values a pixel."""
PLACES_SQUARED = 2**21
"""Pairs of places in clouds: 64 values of each are half a gigabyte. Of clouds of 30 objects none fewer."""


@dataclass(frozen=True)
class Scores:
    """What a model says of some events.

    Attributes
    ----------
    logits
        ``(n_events, n_logits)`` float32, before the final activation; no columns without a classification.
    probabilities
        ``(n_events, n_classes)`` float32, in class order; likewise.
    fold
        Of a model of several networks: the number of the one that scored each event ``(n_events,)``.
    others
        Output other than the classification -> float32 prediction ``(n_events,)`` in the units of the target;
        of an assignment `Jagged` with the probabilities of each object ``(n_objects, n_classes)``, in the
        order of the file, NaN for objects that the network does not see.
    """

    logits: FloatArray
    probabilities: FloatArray
    fold: NDArray[np.int64] | None = None
    others: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OnnxModel:
    """A model file that Rapidity wrote, opened in ONNX Runtime.

    Attributes
    ----------
    path
        Where it came from.
    classes
        The classes in the order of the probabilities; none without a classification.
    outputs
        What the model says of an event, by name.
    inputs
        Raw columns that it takes, in the order of the matrix signature.
    signature
        ``columns`` or ``matrix``.
    metadata
        All entries ``rapidity.*``, as text.
    folds
        How the network of an event is picked, if there are several.
    collections
        Collection -> name of the input that says how many objects each event has.
    has_pairs
        Whether something is computed for each pair of objects.
    n_places
        Places for objects that the clouds of an event have together; 0 without clouds.
    is_continuous
        False of a network that jumps where its inputs change by rounding; `parity` says what that allows.
    """

    path: Path
    classes: ClassSet
    inputs: Mapping[str, ModelInput]
    signature: Signature
    metadata: Mapping[str, str]
    session: onnxruntime.InferenceSession = field(repr=False, compare=False)
    folds: FoldFacts | None = None
    collections: Mapping[str, str] = field(default_factory=dict)
    has_pairs: bool = False
    n_places: int = 0
    outputs: Mapping[str, FittedOutput] = field(default_factory=dict)
    is_continuous: bool = True

    @classmethod
    def load(cls, path: Path | str, n_threads: int | None = None) -> OnnxModel:
        """Open a model file.

        Parameters
        ----------
        n_threads
            Threads for one batch; None: as many as the machine has cores.

        Raises
        ------
        ExportError
            If the file is not there, is not ONNX, or was not written by Rapidity.
        """
        path = Path(path)
        session = _open_session(path, n_threads)
        entries = dict(session.get_modelmeta().custom_metadata_map)
        facts = ModelFacts.from_entries(entries, where=str(path))
        return cls(
            path,
            facts.classes,
            facts.inputs,
            facts.signature,
            entries,
            session,
            facts.folds,
            facts.collections,
            facts.has_pairs,
            facts.n_places,
            facts.outputs,
            facts.is_continuous,
        )

    @property
    def usual_batch_size(self) -> int:
        """Events that fit into the processor's cache on their way through a usual network."""
        largest = max(math.prod(column.shape) for column in self.inputs.values())
        most = min(DEFAULT_BATCH_SIZE, PIXELS_IN_A_BATCH // largest)
        if self.n_places:
            # Also an event with few objects goes through the network with all places of its clouds.
            # And with all pairs of them, which attention and graphs hold tens of values of.
            most = min(most, OBJECTS_IN_A_BATCH // self.n_places, PLACES_SQUARED // self.n_places**2)
        return max(most, 1)

    def run(self, columns: Mapping[str, Any], batch_size: int | None = None) -> Scores:
        """Return the scores of events, computed in batches.

        Parameters
        ----------
        columns
            At least the columns in `inputs`, each ``(n_events,)`` or for images ``(n_events, ...)``,
            numbers of any type that fit; columns of objects `Jagged`, or ``(n_events, n_objects)`` beside
            the counts that `collections` names. Other columns are ignored.
        batch_size
            Events in a batch, fewer where they have many objects; None: `usual_batch_size`.

        Raises
        ------
        MissingNameError
            If a column is missing; the message shows the nearest names.
        DataError
            If a column is not made of numbers, does not fit the type of the input, or differs in length;
            or columns of one collection differ in the number of objects of an event.
        """
        fitting = {name: self._find(columns, name) for name in self.inputs}
        n_events = self._common_length(fitting)
        members = self._members()
        belonging = {name: column.collection for name, column in self.inputs.items() if column.collection}
        fitting = align_counts(fitting, belonging, f"the columns for {self.path}")
        results = _Results(self, n_events, fitting)
        most = batch_size or self.usual_batch_size
        for rows in cut_into_batches(n_events, most, fitting, has_pairs=self.has_pairs):
            picked = pick_rows(fitting, fitting, rows)
            batch = {name: self._convert(name, values, rows.start) for name, values in picked.items()}
            batch = pad_objects(batch, members)
            results.put(rows, self.session.run(results.names, self._feed(batch)))
        return results.finish()

    def _members(self) -> dict[str, list[str]]:
        """Return name of the input of counts -> the columns of its collection."""
        members: dict[str, list[str]] = {}
        for name, column in self.inputs.items():
            if column.collection is not None:
                members.setdefault(self.collections[column.collection], []).append(name)
        return members

    def _feed(self, columns: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the inputs of the session."""
        if self.signature == "columns":
            return dict(columns)
        apart = {}
        if self.folds is not None:
            apart[self.folds.event_number] = columns[self.folds.event_number]
        stacked = {name: columns[name] for name in self.inputs if self._is_in_matrix(name)}
        dtype = matrix_dtype({name: self.inputs[name].dtype for name in stacked})
        return {
            MATRIX_INPUT: np.stack(list(stacked.values()), axis=1, dtype=dtype, casting="unsafe"),
            **apart,
        }

    def _is_in_matrix(self, name: str) -> bool:
        return self.folds is None or name != self.folds.event_number or self.folds.is_feature

    def _find(self, columns: Mapping[str, Any], name: str) -> Any:
        wanted = self.inputs[name]
        if name in columns and wanted.shape:
            return check_images(name, columns[name], wanted.shape)
        if name in columns and wanted.collection is not None:
            objects = as_jagged(name, columns[name], columns, self.collections[wanted.collection])
            return Jagged(fit_dtype(name, objects.content, wanted.dtype), objects.offsets)
        if name in columns:
            return fit_dtype(name, columns[name], wanted.dtype)
        near = closest(name, columns)
        hint = f"Closest: {shorten(near)}. " if near else ""
        missing = [other for other in self.inputs if other not in columns]
        others = (
            f" ({len(missing)} of its {len(self.inputs)} columns are missing)" if len(missing) > 1 else ""
        )
        message = (
            f"{self.path} needs column '{name}', which is not among the {len(columns)} given{others}. "
            f"{hint}Give the data the names that the model was trained with."
        )
        raise MissingNameError(message)

    def _convert(self, name: str, values: Any, first_row: int) -> Any:
        """Return the rows of a batch; images are converted here, so that memory stays flat."""
        column = self.inputs[name]
        return fit_images(name, values, column.dtype, first_row) if column.shape else values

    def _common_length(self, columns: Mapping[str, Any]) -> int:
        lengths = {name: len(values) for name, values in columns.items()}
        if len(set(lengths.values())) > 1:
            found = shorten(f"{name}: {length}" for name, length in lengths.items())
            message = (
                f"the columns for {self.path} differ in length ({found}). Each needs one value an event."
            )
            raise DataError(message)
        return next(iter(lengths.values()))


class _Results:
    """What a model says of all events, put together from its batches."""

    def __init__(self, model: OnnxModel, n_events: int, columns: Mapping[str, Any]) -> None:
        self._model, self._n_events = model, n_events
        self._values = value_names(model.outputs)
        self._flat: dict[str, NDArray[Any]] = {}
        self._objects: dict[str, Jagged] = {}
        classes = model.classes
        if len(classes):
            self._flat[LOGITS] = np.empty((n_events, classes.n_logits), np.float32)
            self._flat[PROBABILITIES] = np.empty((n_events, len(classes)), np.float32)
        for name, output in model.outputs.items():
            if output.task == "regression":
                self._flat[self._values[name]] = np.empty(n_events, np.float32)
            elif isinstance(output, FittedAssignment):
                offsets = self._find_offsets(output.collection, columns)
                content = np.empty((int(offsets[-1]), len(output.classes)), np.float32)
                self._objects[self._values[name]] = Jagged(content, offsets)
        if model.folds is not None:
            self._flat["fold"] = np.empty(n_events, np.int64)

    def _find_offsets(self, collection: str, columns: Mapping[str, Any]) -> NDArray[np.int64]:
        member = next(name for name, one in self._model.inputs.items() if one.collection == collection)
        offsets: NDArray[np.int64] = columns[member].offsets
        return offsets

    @property
    def names(self) -> list[str]:
        """Names of the values that are asked for."""
        return [*self._flat, *self._objects]

    def put(self, rows: slice, values: Sequence[NDArray[Any]]) -> None:
        """Take in the values of a batch, in the order of `names`."""
        for name, found in zip(self.names, values, strict=True):
            if name in self._flat:
                self._flat[name][rows] = found
                continue
            objects = self._objects[name]
            counts = objects.counts[rows]
            is_object = np.arange(found.shape[1]) < counts[:, np.newaxis]
            objects.content[objects.offsets[rows.start] : objects.offsets[rows.stop]] = found[is_object]

    def finish(self) -> Scores:
        """Return the scores of all events."""
        nothing = np.empty((self._n_events, 0), np.float32)
        others = {
            name: self._objects.get(value, self._flat.get(value))
            for name, value in self._values.items()
            if self._model.outputs[name].task != "classification"
        }
        return Scores(
            self._flat.get(LOGITS, nothing),
            self._flat.get(PROBABILITIES, nothing),
            self._flat.get("fold"),
            others,
        )


def _open_session(path: Path, n_threads: int | None) -> onnxruntime.InferenceSession:
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    if not path.is_file():
        message = f"no model at {path}. Give the path of a model.onnx, as rapidity train writes it."
        raise ExportError(message)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    data = path.read_bytes()
    # Which values could share memory is planned in a time that grows with their number squared: seconds for
    # the thousands of small nodes of event shapes. Without a plan they are freed as early.
    options.enable_mem_reuse = COLLECTIONS.encode() not in data
    if n_threads is not None:
        options.intra_op_num_threads = n_threads
    try:
        return onnxruntime.InferenceSession(data, sess_options=options, providers=["CPUExecutionProvider"])
    except state.InvalidProtobuf as error:
        message = (
            f"{path} is not an ONNX file, or is damaged. Give a model.onnx, as rapidity train writes it."
        )
        raise ExportError(message) from error
    except (
        state.Fail, state.InvalidArgument, state.InvalidGraph, state.NotImplemented, state.RuntimeException,
    ) as error:  # fmt: skip
        reason = " ".join(str(error).split())[:200]
        message = (
            f"ONNX Runtime {onnxruntime.__version__} cannot open {path}: {reason}. "
            "Give a model.onnx, as rapidity train writes it."
        )
        raise ExportError(message) from error
