"""The momenta of `data.objects` in raw columns: which columns they are, and how they are changed together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rapidity.core.errors import ConfigError, ExpressionError, shorten
from rapidity.core.jagged import Jagged
from rapidity.data.collections import find_columns
from rapidity.expressions import parse_expression
from rapidity.expressions.parser import parse
from rapidity.expressions.tree import Constant

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

Float = NDArray[np.float64]
Components = Mapping[str, Float]
"""Component -> a value for each object."""

FULL_TURN = 2 * np.pi


class MomentumChange(Protocol):
    """How the components of objects change; see `rotate_phi` for one."""

    @property
    def spares_missing_momentum(self) -> bool:
        """Whether missing momentum stays unless the configuration names it."""
        ...

    def changes(self, components: Collection[str]) -> frozenset[str]:
        """Return which components change."""
        ...

    def reads(self, components: Collection[str]) -> frozenset[str]:
        """Return which components are computed with."""
        ...

    def lacks(self, components: Collection[str]) -> str | None:
        """Return what an object of these components lacks to be changed, in words."""
        ...

    def draw(self, n_events: int, rng: np.random.Generator) -> Float:
        """Return a random number for each event ``(n_events,)``."""
        ...

    def apply(self, given: Components, drawn: Float, rng: np.random.Generator) -> dict[str, Float]:
        """Return the new components ``(n_objects,)``; `drawn` has the number of the event of each object."""
        ...


@dataclass(frozen=True)
class ObjectColumns:
    """The columns of one of `data.objects`.

    Attributes
    ----------
    columns
        Component -> column, of components that are one column.
    numbers
        Component -> value, of components that are a number.
    expressions
        Component -> expression, of all others.
    """

    name: str
    columns: Mapping[str, str]
    numbers: Mapping[str, float] = field(default_factory=dict)
    expressions: Mapping[str, str] = field(default_factory=dict)

    @property
    def components(self) -> tuple[str, ...]:
        """All components."""
        return (*self.columns, *self.numbers, *self.expressions)

    @classmethod
    def of(cls, name: str, components: Mapping[str, str]) -> ObjectColumns:
        """Return what the components of an object are.

        Examples
        --------
        >>> muons = ObjectColumns.of("muons", {"pt": "mu_pt / 1000", "eta": "mu_eta", "mass": "0.106"})
        >>> muons.columns, muons.numbers, muons.expressions
        ({'eta': 'mu_eta'}, {'mass': 0.106}, {'pt': 'mu_pt / 1000'})
        """
        columns, numbers, expressions = {}, {}, {}
        for component, text in components.items():
            number = _find_number(text)
            if number is not None:
                numbers[component] = number
            elif text.strip().strip("`") in find_columns(text, {}):
                columns[component] = text.strip().strip("`")
            else:
                expressions[component] = text
        return cls(name, columns, numbers, expressions)

    def is_missing_momentum(self, collections: Collection[str]) -> bool:
        """Return whether this is known across the beam alone, and one an event.

        Parameters
        ----------
        collections
            Columns with a value for each of several objects; those have a count of their own.

        Examples
        --------
        >>> met = ObjectColumns.of("met", {"pt": "met", "phi": "met_phi", "mass": "0"})
        >>> met.is_missing_momentum({"jet_pt"}), met.is_missing_momentum({"met"})
        (True, False)
        """
        # A component that is zero for every object, as the mass or eta may be written, says nothing.
        known = {name for name in self.components if self.numbers.get(name) != 0}
        is_jagged = bool(set(collections) & set(self.columns.values()))
        return known in ({"pt", "phi"}, {"px", "py"}) and not is_jagged

    def raw_columns(self, components: Collection[str]) -> tuple[str, ...]:
        """Return the raw columns of some of the components."""
        plain = [column for name, column in self.columns.items() if name in components]
        derived = [
            column
            for name, text in self.expressions.items()
            if name in components
            for column in find_columns(text, {})
        ]
        return tuple(dict.fromkeys([*plain, *derived]))


def _find_number(text: str) -> float | None:
    """Return the value of a component that is the same for every object, such as a mass."""
    try:
        term = parse(text, {}, {})
    except ExpressionError:
        return None  # needs to know which columns are jagged: it has columns
    return float(term.value) if isinstance(term, Constant) else None


def choose_objects(
    where: str,
    change: MomentumChange,
    objects: Mapping[str, Mapping[str, str]],
    named: Sequence[str] | None,
    collections: Collection[str] = (),
) -> tuple[ObjectColumns, ...]:
    """Return the objects that an augmentation changes; none where all of them stay.

    Parameters
    ----------
    where
        The augmentation, for messages.
    objects
        ``data.objects``.
    named
        The objects that the configuration names; None: all that have the components, but for missing
        momentum where the change spares it.
    collections
        The jagged columns.

    Raises
    ------
    ConfigError
        If an object lacks components, none has them, or a component that changes is not one column.
    """
    found = [ObjectColumns.of(name, objects[name]) for name in named or objects]
    if not named and change.spares_missing_momentum:
        found = [item for item in found if not item.is_missing_momentum(collections)]
    lacking = {item.name: lack for item in found if (lack := change.lacks(item.components)) is not None}
    chosen = [item for item in found if item.name not in lacking]
    # What has no component that would change stays as it is, such as missing momentum under a boost.
    refused = {
        item.name: lacking[item.name]
        for item in found
        if item.name in lacking and (named or not chosen or change.changes(item.components))
    }
    if refused:
        listed = shorten(f"'{name}' lacks {lack}" for name, lack in refused.items())
        message = (
            f"{where} cannot change the objects: {listed}. Give them these components in data.objects, or "
            "name other objects under `objects`."
        )
        raise ConfigError(message)
    changed = {column for item in chosen for column in item.raw_columns(change.changes(item.columns))}
    return tuple(item for item in chosen if _has_own_columns(where, change, item, changed))


def _has_own_columns(
    where: str, change: MomentumChange, found: ObjectColumns, changed: Collection[str]
) -> bool:
    """Return whether an object changes by itself; one made of columns of others follows."""
    changes = change.changes(found.components)
    stiff = {
        name: text
        for name, text in found.expressions.items()
        if name in changes and not set(find_columns(text, {})) <= set(changed)
    }
    stiff |= {
        name: f"{value:g}"
        for name, value in found.numbers.items()
        if name in changes and name != "mass" and value != 0
    }
    if stiff:
        listed = shorten(f"{name} = {text}" for name, text in stiff.items())
        message = (
            f"{where}: of the object '{found.name}' {listed} would have to change, which is no column. An "
            "augmentation changes columns of the files: make the component one column (rapidity convert "
            "computes new ones), or leave the object out under `objects`."
        )
        raise ConfigError(message)
    return bool(change.changes(found.columns))


def _check_layout(item: ObjectColumns, changed: Collection[str], collections: Mapping[str, str]) -> None:
    """Refuse a component of one value an event, beside others with a value for each object."""
    columns = [item.columns[name] for name in sorted(changed)]
    jagged = [column for column in columns if column in collections]
    if jagged and len(jagged) < len(columns):
        plain = [column for column in columns if column not in collections]
        message = (
            f"data.objects.{item.name}: {shorten(plain)} has one value per event, but {shorten(jagged)} one "
            "for each object. An augmentation changes them together: give all components of the object "
            "columns of one kind."
        )
        raise ConfigError(message)


class MomentumAugmentation:
    """Applies one change to the columns of several objects.

    Parameters
    ----------
    collections
        Jagged column -> its collection.
    sentinels
        Column -> numbers that mean "not measured" there: objects with one stay as they are, as with NaN.
    from_zero
        Columns of azimuths that lie in [0, 2 pi) and not in [-pi, pi).
    """

    def __init__(
        self,
        change: MomentumChange,
        objects: Sequence[ObjectColumns],
        collections: Mapping[str, str],
        sentinels: Mapping[str, Sequence[float]],
        from_zero: Collection[str] = (),
    ) -> None:
        self._change = change
        self._objects = objects
        self._sentinels = sentinels
        self._from_zero = from_zero
        for item in objects:
            _check_layout(item, change.changes(item.columns), collections)
        self._expressions = {
            (item.name, component): parse_expression(text, None, collections)
            for item in objects
            for component, text in item.expressions.items()
            if component in change.reads(item.components)
        }

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns that are computed with."""
        read = (column for item in self._objects for column in item.raw_columns(self._read_of(item)))
        return tuple(dict.fromkeys(read))

    @property
    def changes(self) -> tuple[str, ...]:
        """Columns that change."""
        changed = [
            item.columns[name]
            for item in self._objects
            for name in sorted(self._change.changes(item.columns))
        ]
        return tuple(dict.fromkeys(changed))

    def _read_of(self, item: ObjectColumns) -> frozenset[str]:
        return self._change.reads(item.components)

    def apply(self, columns: dict[str, Any], rng: np.random.Generator) -> None:
        """Replace columns by changed ones, in the same types."""
        drawn = self._change.draw(len(next(iter(columns.values()))), rng)
        # Of all objects the values before: one may be made of columns of another.
        values = [self._read(item, columns) for item in self._objects]
        done: set[str] = set()
        for item, (given, is_known, offsets) in zip(self._objects, values, strict=True):
            per_object = drawn if offsets is None else np.repeat(drawn, np.diff(offsets))
            with np.errstate(all="ignore"):
                changed = self._change.apply(given, per_object, rng)
            for component in sorted(set(changed) & set(item.columns)):
                column = item.columns[component]
                if column not in done:
                    done.add(column)
                    columns[column] = self._replace(columns[column], column, changed[component], is_known)

    def _read(
        self, item: ObjectColumns, columns: Mapping[str, Any]
    ) -> tuple[dict[str, Float], NDArray[np.bool_], NDArray[np.int64] | None]:
        """Return the components of all objects, which of these are known, and the offsets of a collection."""
        wanted = self._read_of(item)
        found: dict[str, Any] = {
            name: columns[column] for name, column in item.columns.items() if name in wanted
        }
        for name in item.expressions:
            if name in wanted:
                expression = self._expressions[item.name, name]
                found[name] = expression.evaluate({column: columns[column] for column in expression.columns})
        offsets = next((values.offsets for values in found.values() if isinstance(values, Jagged)), None)
        given = {name: _spread(values, offsets) for name, values in found.items()}
        is_known = np.ones(len(next(iter(given.values()))), np.bool_)
        for name, values in given.items():
            is_known &= np.isfinite(values)
            listed = self._sentinels.get(item.columns.get(name, ""), ())
            if len(listed):
                is_known &= ~np.isin(values, listed)
        given |= {
            name: np.full(len(is_known), value) for name, value in item.numbers.items() if name in wanted
        }
        return given, is_known, offsets

    def _replace(self, old: Any, column: str, values: Float, is_known: NDArray[np.bool_]) -> Any:
        if column in self._from_zero:
            values = np.mod(values, FULL_TURN)
        before = old.content if isinstance(old, Jagged) else old
        new = np.where(is_known & np.isfinite(values), values, before).astype(before.dtype)
        return Jagged(new, old.offsets) if isinstance(old, Jagged) else new


def _spread(values: Any, offsets: NDArray[np.int64] | None) -> Float:
    """Return a value for each object, float64; values of events are repeated for each of theirs."""
    if isinstance(values, Jagged):
        return values.content.astype(np.float64)
    exact = np.asarray(values).astype(np.float64)
    return exact if offsets is None else np.repeat(exact, np.diff(offsets))
