"""The class of each event: from the source it belongs to, or from a column of names or numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rapidity.core.classes import ClassSet
from rapidity.core.errors import DataError, shorten
from rapidity.data.features import unique

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.config.data import DataBlock, Source

Value = str | float
"""A value of a target or split column: the number if it is one or spells one, else the text."""

# More classes than this are believed only when data.classes lists them.
MAX_CLASSES_FOUND = 200


def canonical_value(value: object) -> Value:
    """Return the number that a value is or spells, else its text without spaces around.

    Examples
    --------
    >>> canonical_value("1.00E+00"), canonical_value(1), canonical_value(" Kaon ")
    (1.0, 1.0, 'Kaon')
    """
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value.strip()
    return float(value)  # type: ignore[arg-type]  # a number or a bool: columns hold nothing else


def show_value(value: Value) -> str:
    """Return a canonical value as people write it: ``1`` for 1.0.

    Examples
    --------
    >>> show_value(1.0), show_value(0.25), show_value("Kaon")
    ('1', '0.25', 'Kaon')
    """
    return value if isinstance(value, str) else f"{value:.15g}"


def is_missing(value: Value) -> bool:
    """Return whether the value of a target or split column says nothing: NaN or empty text."""
    return value == "" or value != value  # noqa: PLR0124 - NaN is what differs from itself


class ValueCodes:
    """Codes 0, 1, 2, ... for the values of a column, in order of their first appearance."""

    def __init__(self) -> None:
        self.values: dict[Value, int] = {}
        # Raw value -> code; texts that spell the same number share a code.
        self._known: dict[object, int] = {}

    def encode(self, column: NDArray[Any]) -> NDArray[np.int64]:
        """Return the code of each value of a chunk ``(n_events,)``."""
        if column.dtype.kind == "O":
            raw: Sequence[object] = column.tolist()
            known = self._known
            for value in dict.fromkeys(raw):
                if value not in known:
                    self._add(value)
            return np.fromiter(map(known.__getitem__, raw), dtype=np.int64, count=len(raw))
        distinct, inverse = np.unique(column, return_inverse=True)
        codes = np.array([self._add(value) for value in distinct.tolist()], dtype=np.int64)
        return codes[inverse] if len(codes) else np.empty(0, dtype=np.int64)

    def _add(self, raw: object) -> int:
        value = canonical_value(raw)
        if isinstance(value, float) and np.isnan(value):
            value = ""  # NaN equals nothing, not even itself
        code = self.values.setdefault(value, len(self.values))
        self._known[raw] = code
        return code


class ClassAssigner(Protocol):
    """How events get their class."""

    def assign(
        self, source: Source, target: NDArray[Any] | None, n_events: int, where: str
    ) -> NDArray[np.int64]:
        """Return a provisional code for each event of a chunk."""
        ...

    def finish(self, codes: NDArray[np.int64]) -> tuple[ClassSet, NDArray[np.int64]]:
        """Return the classes and the class index of each event."""
        ...


def make_class_assigner(data: DataBlock) -> ClassAssigner:
    """Return how the events of this configuration get their class."""
    if not data.has_classes:
        return OneClass()
    return SourceClasses(data) if data.target is None else TargetClasses(data)


NO_CLASS = "event"
"""What all events are called where nothing tells classes apart, and no output asks for them."""


class OneClass:
    """All events are alike: their class is not given, and no output asks for it."""

    def assign(
        self, source: Source, target: NDArray[Any] | None, n_events: int, where: str
    ) -> NDArray[np.int64]:
        """Return the same class for each event."""
        return np.zeros(n_events, np.int64)

    def finish(self, codes: NDArray[np.int64]) -> tuple[ClassSet, NDArray[np.int64]]:
        """Return the one class, and the codes as they are."""
        return ClassSet((NO_CLASS,)), codes


class SourceClasses:
    """Each source names the class of its events."""

    def __init__(self, data: DataBlock) -> None:
        named = unique(str(source.class_name) for source in data.sources)
        listed = tuple(data.classes) if data.classes is not None else named
        unknown = [name for name in named if name not in listed]
        if unknown:
            message = (
                f"data.classes lists {shorten(listed)}, but sources name the class {shorten(unknown)}. "
                "Add it to data.classes, or correct the `class:` of the source."
            )
            raise DataError(message)
        self._classes = ClassSet(listed)

    def assign(
        self,
        source: Source,
        target: NDArray[Any] | None,
        n_events: int,
        where: str,
    ) -> NDArray[np.int64]:
        """Return the class of the source for each event."""
        return np.full(n_events, self._classes.names.index(str(source.class_name)), dtype=np.int64)

    def finish(self, codes: NDArray[np.int64]) -> tuple[ClassSet, NDArray[np.int64]]:
        """Return the classes and the codes as they are."""
        return self._classes, codes


class TargetClasses:
    """A column holds the class of each event, by name or by value."""

    def __init__(self, data: DataBlock) -> None:
        self._column = str(data.target)
        self._expected = None if data.classes is None else _expected_values(data.classes)
        self._codes = ValueCodes()

    def assign(
        self,
        source: Source,
        target: NDArray[Any] | None,
        n_events: int,
        where: str,
    ) -> NDArray[np.int64]:
        """Return a code for each value of the target column; unknown or missing values are a DataError."""
        codes = self._codes.encode(np.empty(0, dtype=object) if target is None else target)
        self._check(where)
        return codes

    def finish(self, codes: NDArray[np.int64]) -> tuple[ClassSet, NDArray[np.int64]]:
        """Return the classes in their order and the class index of each event."""
        if self._expected is not None:
            names = unique(self._expected.values())
            index = {value: names.index(name) for value, name in self._expected.items()}
        else:
            ordered = sorted(self._codes.values, key=lambda value: (isinstance(value, str), value))
            names = tuple(show_value(value) for value in ordered)
            index = {value: position for position, value in enumerate(ordered)}
        lookup = np.array([index[value] for value in self._codes.values], dtype=np.int64)
        return ClassSet(names), lookup[codes]

    def _check(self, where: str) -> None:
        found = self._codes.values
        if any(is_missing(value) for value in found):
            message = (
                f"target column '{self._column}' of {where} is empty for some events. Every event needs a "
                "class: "
                "fill it in, or leave such events out with data.selection."
            )
            raise DataError(message)
        if self._expected is None and len(found) > MAX_CLASSES_FOUND:
            message = (
                f"target column '{self._column}' of {where} holds more than {MAX_CLASSES_FOUND} different "
                "values "
                f"({shorten((show_value(value) for value in found), 5)}). Expected a column of classes: is "
                "this "
                "the right column? Otherwise list the classes in data.classes."
            )
            raise DataError(message)
        unknown = [] if self._expected is None else [value for value in found if value not in self._expected]
        if unknown:
            known = shorten(show_value(value) for value in self._expected or ())
            message = (
                f"target column '{self._column}' of {where} holds values that mean no class: "
                f"{shorten(show_value(value) for value in unknown)}. data.classes knows: {known}. "
                "Add them to data.classes (`classes: {signal: 1, background: 0}` gives values their names), "
                "or leave such events out with data.selection."
            )
            raise DataError(message)


def _expected_values(classes: Sequence[str] | Mapping[str, Any]) -> dict[Value, str]:
    """Return value -> class name."""
    if not isinstance(classes, dict):
        return {canonical_value(name): str(name) for name in classes}
    meaning: dict[Value, str] = {}
    for name, values in classes.items():
        for value in _as_tuple(values):
            key = canonical_value(value)
            if key in meaning:
                message = (
                    f"data.classes: the value {show_value(key)} means both '{meaning[key]}' and '{name}'. "
                    "Keep one of them."
                )
                raise DataError(message)
            meaning[key] = name
    return meaning


def _as_tuple(values: Any) -> Iterable[Any]:
    return values if isinstance(values, tuple | list) else (values,)
