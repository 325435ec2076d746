"""Features: what a network sees of an event or its objects, each a column or an expression over columns."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import ConfigError, shorten
from rapidity.core.jagged import Jagged
from rapidity.data.clouds import CloudColumns
from rapidity.data.collections import iterate_chunks
from rapidity.data.images import ImageColumns
from rapidity.expressions import Expression, parse_expression
from rapidity.expressions.makers import expand_maker

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from numpy.typing import NDArray

Objects = Mapping[str, Mapping[str, str]]
Collections = Mapping[str, str]
"""Jagged column -> its collection."""

# `name = expression`, but not a comparison such as `n_jets == 2`.
NAMED_EXPRESSION = re.compile(r"^\s*([A-Za-z_]\w*)\s*=(?!=)\s*(.+)$", re.DOTALL)

ASKS_FOR_NAN = re.compile(r"\bisnan\s*\(")


@dataclass(frozen=True)
class Feature:
    """One number per event; of a cloud, one per object.

    Attributes
    ----------
    name
        The column, the name given in ``name = expression``, or the text of the expression.
    expression
        How it follows from the columns.
    """

    name: str
    expression: Expression

    @property
    def is_column(self) -> bool:
        """Whether it is just one column, untouched."""
        return self.expression.is_column

    @property
    def columns(self) -> tuple[str, ...]:
        """Raw columns that it needs."""
        return self.expression.columns

    @property
    def asks_for_nan(self) -> bool:
        """Whether the expression itself says what NaN means, through ``isnan``."""
        return ASKS_FOR_NAN.search(self.expression.text) is not None


@dataclass(frozen=True)
class TableMomentum:
    """The momentum of what a table describes, one an event.

    Attributes
    ----------
    components
        What it is given by, as in ``data.objects``.
    features
        px, py, pz and energy.
    """

    components: Mapping[str, str]
    features: tuple[Feature, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Raw columns that it needs, each once."""
        return unique(column for feature in self.features for column in feature.columns)


@dataclass(frozen=True)
class FeatureSet:
    """What each input of the network is made of.

    Attributes
    ----------
    inputs
        Input name -> features, in the order of their columns in the input's array; or the columns of
        its images; or those of its objects.
    objects
        Names for expressions, as in ``data.objects``; needed to read an expression again.
    collections
        Jagged column -> its collection, for all jagged columns of the files; needed for the same.
    momenta
        Table input -> the momentum of what it describes, of tables that have one.
    """

    inputs: Mapping[str, tuple[Feature, ...] | ImageColumns | CloudColumns]
    objects: Objects = field(default_factory=dict)
    collections: Collections = field(default_factory=dict)
    momenta: Mapping[str, TableMomentum] = field(default_factory=dict)

    @property
    def tables(self) -> dict[str, tuple[Feature, ...]]:
        """The table inputs with their features."""
        return {name: made for name, made in self.inputs.items() if isinstance(made, tuple)}

    @property
    def images(self) -> dict[str, ImageColumns]:
        """The image inputs with their columns."""
        return {name: made for name, made in self.inputs.items() if isinstance(made, ImageColumns)}

    @property
    def clouds(self) -> dict[str, CloudColumns]:
        """The cloud inputs with their columns."""
        return {name: made for name, made in self.inputs.items() if isinstance(made, CloudColumns)}

    @property
    def columns(self) -> tuple[str, ...]:
        """Raw columns that the inputs need, each once: of features in order of first use, then of images.

        Those of clouds come then, and last those of the momenta of tables.
        """
        of_features = (column for feature in self.all for column in feature.columns)
        of_images = (column for image in self.images.values() for column in image.columns)
        of_clouds = (column for cloud in self.clouds.values() for column in cloud.columns)
        of_momenta = (column for momentum in self.momenta.values() for column in momentum.columns)
        return unique([*of_features, *of_images, *of_clouds, *of_momenta])

    def columns_of(self, name: str) -> tuple[str, ...]:
        """Return the raw columns that one input needs, each once."""
        made = self.inputs[name]
        if not isinstance(made, tuple):
            return unique(made.columns)
        momentum = self.momenta[name].columns if name in self.momenta else ()
        return unique([*(column for feature in made for column in feature.columns), *momentum])

    @property
    def all(self) -> tuple[Feature, ...]:
        """The features of all table inputs, each name once."""
        by_name = {feature.name: feature for features in self.tables.values() for feature in features}
        return tuple(by_name.values())

    @property
    def of_objects(self) -> tuple[Feature, ...]:
        """The features of all cloud inputs, each name once."""
        clouds = self.clouds.values()
        return tuple({feature.name: feature for cloud in clouds for feature in cloud.features}.values())


def parse_feature(
    text: str, columns: Collection[str], objects: Objects, collections: Collections | None = None
) -> Feature:
    """Return the feature that an entry of `columns:` stands for.

    A text that is exactly the name of an existing column is that column, whatever its characters.
    """
    if text in columns:
        return column_feature(text, collections)
    named = NAMED_EXPRESSION.match(text)
    if named:
        return Feature(named.group(1), parse_expression(named.group(2).strip(), objects, collections))
    expression = parse_expression(text, objects, collections)
    return Feature(expression.columns[0] if expression.is_column else text.strip(), expression)


def column_feature(name: str, collections: Collections | None = None) -> Feature:
    """Return the feature that is the column `name`."""
    return Feature(name, parse_expression(quote_column(name), None, collections))


def quote_column(name: str) -> str:
    """Return the name as it stands in an expression: in backticks unless it is an identifier.

    Examples
    --------
    >>> quote_column("jet_pt"), quote_column("jet.pt")
    ('jet_pt', '`jet.pt`')
    """
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"`{name}`"


def make_features(
    texts: Sequence[str],
    where: str,
    columns: Collection[str],
    objects: Objects,
    collections: Collections | None = None,
) -> tuple[Feature, ...]:
    """Return the features of one input.

    Raises
    ------
    ConfigError
        If two have the same name, or one has not one value an event but one for each object.
    """
    features = parse_features(texts, where, columns, objects, collections or {})
    for feature in features:
        require_one_value(feature.expression, f"{where}, '{feature.name}'")
    return features


def parse_features(
    texts: Sequence[str],
    where: str,
    columns: Collection[str],
    objects: Objects,
    collections: Collections,
) -> tuple[Feature, ...]:
    """Return features of events or of objects; a ConfigError if two have the same name."""
    features = tuple(
        feature for text in texts for feature in _parse_entry(text, columns, objects, collections)
    )
    names = [feature.name for feature in features]
    twice = unique(name for name in names if names.count(name) > 1)
    if twice:
        message = (
            f"{where}: {shorten(twice)} stands there more than once. Every feature of an input needs a name "
            "of its own: remove one, or write `other_name = expression`."
        )
        raise ConfigError(message)
    return features


def _parse_entry(
    text: str, columns: Collection[str], objects: Objects, collections: Collections
) -> Iterable[Feature]:
    """Yield the features of an entry of `columns:`: one, or all those of a feature maker."""
    made = None if text in columns else expand_maker(text, objects, collections)
    if made is None:
        yield parse_feature(text, columns, objects, collections)
        return
    for name, expression in made:
        yield Feature(name, parse_expression(expression, objects, collections))


def require_one_value(expression: Expression, where: str) -> None:
    """Raise a ConfigError if an expression gives a value for each object, where one an event is needed."""
    if expression.collection is None:
        return
    text = expression.text
    message = (
        f"{where}: has a value for each object of the collection '{expression.collection}', expected one "
        f"value per event. Take one of them, as in ({text})[0], or make one of all: "
        f"{'any, all or count' if expression.is_condition else 'sum, mean, min, max'}({text})."
    )
    raise ConfigError(message)


def evaluate_feature(feature: Feature, columns: Mapping[str, Any], rows: Any = None) -> NDArray[np.floating]:
    """Return the values of a feature ``(n_events,)`` before any preparation.

    A column comes in its own float type, an expression in float64. NaN and infinities stay.

    Parameters
    ----------
    rows
        Row numbers, a mask or a slice of `columns`; None takes all.
    """
    if feature.is_column:
        column = columns[feature.columns[0]]
        values: NDArray[Any] = column if rows is None else column[rows]
        return values if values.dtype.kind == "f" else values.astype(np.float64)
    if not any(isinstance(columns[name], Jagged) for name in feature.columns):
        picked = {name: columns[name] if rows is None else columns[name][rows] for name in feature.columns}
        return evaluate_expression(feature.expression, picked)
    # Intermediate values of all objects, or pairs of them, would take many times the memory of the columns.
    chunks = iterate_chunks(columns, feature.columns, rows)
    parts = [evaluate_expression(feature.expression, chunk) for _, chunk in chunks]
    return np.concatenate(parts) if parts else np.empty(0)


def evaluate_object_feature(feature: Feature, columns: Mapping[str, Any], rows: Any = None) -> Jagged:
    """Return the values of a feature of objects before any preparation, float64; NaN and infinities stay.

    Parameters
    ----------
    rows
        As in `evaluate_feature`.
    """
    parts = []
    for _, chunk in iterate_chunks(columns, feature.columns, rows):
        exact = {name: values.astype(np.float64, copy=False) for name, values in chunk.items()}
        with np.errstate(all="ignore"):
            parts.append(feature.expression.evaluate(exact).astype(np.float64))
    return Jagged.concatenate(parts) if parts else Jagged(np.empty(0), np.zeros(1, np.int64))


def evaluate_expression(expression: Expression, columns: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return an expression of some columns in float64 ``(n_events,)``; true and false give 1 and 0."""
    exact = {name: columns[name].astype(np.float64, copy=False) for name in expression.columns}
    # Divisions by zero and the like give NaN or infinities, which the preparation then treats as configured.
    with np.errstate(all="ignore"):
        values = expression.evaluate(exact)
    return np.asarray(values, dtype=np.float64)


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names, each once, in order of first appearance."""
    return tuple(dict.fromkeys(names))
