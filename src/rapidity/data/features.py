"""Features: what a network sees of an event, each a column or an expression over columns; and its images."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import ConfigError, shorten
from rapidity.data.images import ImageColumns
from rapidity.expressions import Expression, parse_expression

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

Objects = dict[str, dict[str, str]]

# `name = expression`, but not a comparison such as `n_jets == 2`.
NAMED_EXPRESSION = re.compile(r"^\s*([A-Za-z_]\w*)\s*=(?!=)\s*(.+)$", re.DOTALL)

ASKS_FOR_NAN = re.compile(r"\bisnan\s*\(")


@dataclass(frozen=True)
class Feature:
    """One number per event.

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
class FeatureSet:
    """What each input of the network is made of.

    Attributes
    ----------
    inputs
        Input name -> features, in the order of their columns in the input's array; or the columns of
        its images.
    objects
        Names for expressions, as in ``data.objects``; needed to read an expression again.
    """

    inputs: Mapping[str, tuple[Feature, ...] | ImageColumns]
    objects: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def tables(self) -> dict[str, tuple[Feature, ...]]:
        """The table inputs with their features."""
        return {name: made for name, made in self.inputs.items() if not isinstance(made, ImageColumns)}

    @property
    def images(self) -> dict[str, ImageColumns]:
        """The image inputs with their columns."""
        return {name: made for name, made in self.inputs.items() if isinstance(made, ImageColumns)}

    @property
    def columns(self) -> tuple[str, ...]:
        """Raw columns that the inputs need, each once: of features in order of first use, then of images."""
        of_features = (column for feature in self.all for column in feature.columns)
        of_images = (column for image in self.images.values() for column in image.columns)
        return unique([*of_features, *of_images])

    @property
    def all(self) -> tuple[Feature, ...]:
        """The features of all table inputs, each name once."""
        by_name = {feature.name: feature for features in self.tables.values() for feature in features}
        return tuple(by_name.values())


def parse_feature(text: str, columns: Collection[str], objects: Mapping[str, Mapping[str, str]]) -> Feature:
    """Return the feature that an entry of `columns:` stands for.

    A text that is exactly the name of an existing column is that column, whatever its characters.
    """
    if text in columns:
        return column_feature(text)
    named = NAMED_EXPRESSION.match(text)
    if named:
        return Feature(named.group(1), parse_expression(named.group(2).strip(), objects))
    expression = parse_expression(text, objects)
    return Feature(expression.columns[0] if expression.is_column else text.strip(), expression)


def column_feature(name: str) -> Feature:
    """Return the feature that is the column `name`."""
    return Feature(name, parse_expression(quote_column(name)))


def quote_column(name: str) -> str:
    """Return the name as it stands in an expression: in backticks unless it is an identifier.

    Examples
    --------
    >>> quote_column("jet_pt"), quote_column("jet.pt")
    ('jet_pt', '`jet.pt`')
    """
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"`{name}`"


def make_features(
    texts: Sequence[str], where: str, columns: Collection[str], objects: Mapping[str, Mapping[str, str]]
) -> tuple[Feature, ...]:
    """Return the features of one input; two with the same name are a ConfigError."""
    features = tuple(parse_feature(text, columns, objects) for text in texts)
    names = [feature.name for feature in features]
    twice = unique(name for name in names if names.count(name) > 1)
    if twice:
        message = (
            f"{where}: {shorten(twice)} stands there more than once. Every feature of an input needs a name "
            "of its own: remove one, or write `other_name = expression`."
        )
        raise ConfigError(message)
    return features


def evaluate_feature(
    feature: Feature, columns: Mapping[str, NDArray[Any]], rows: Any = None
) -> NDArray[np.floating]:
    """Return the values of a feature ``(n_events,)`` before any preparation.

    A column comes in its own float type, an expression in float64. NaN and infinities stay.

    Parameters
    ----------
    rows
        Row numbers, a mask or a slice of `columns`; None takes all.
    """
    picked = {name: columns[name] if rows is None else columns[name][rows] for name in feature.columns}
    if feature.is_column:
        values = picked[feature.columns[0]]
        return values if values.dtype.kind == "f" else values.astype(np.float64)
    return evaluate_expression(feature.expression, picked)


def evaluate_expression(expression: Expression, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Return an expression of some columns in float64 ``(n_events,)``; true and false give 1 and 0."""
    exact = {name: columns[name].astype(np.float64, copy=False) for name in expression.columns}
    # Divisions by zero and the like give NaN or infinities, which the preparation then treats as configured.
    with np.errstate(all="ignore"):
        values = expression.evaluate(exact)
    return np.asarray(values, dtype=np.float64)


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names, each once, in order of first appearance."""
    return tuple(dict.fromkeys(names))
