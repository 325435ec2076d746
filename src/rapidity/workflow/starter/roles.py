"""The part that each column plays, guessed from its name and its values; each guess says why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rapidity.core.jagged import Jagged
from rapidity.data.guards.separating_feature import AUC_LIMIT, class_aucs
from rapidity.data.guards.truth_like_name import looks_like_truth
from rapidity.data.inspection import find_sentinels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.workflow.starter.classes import Classes
    from rapidity.workflow.starter.sample import Values

Part = Literal["feature", "left out", "event key", "event weight"]

KEY_NAMES = re.compile(r"(run|lumi|lumiblock|luminosityblock|event|evt)(number|nr|num|no|id)?")
"""Names, without underscores and in small letters, of the columns that identify an event."""
WEIGHT_WORDS = re.compile(r"weight(?!ed)|(^|_)wgt($|_)|^w$", re.IGNORECASE)
FIRST_WEIGHTS = ("weight", "eventweight", "mcweight", "genweight", "totalweight")
"""Names, in small letters without underscores, preferred in this order among several weights."""
SPLIT_WORDS = re.compile(r"(^|_)(fold|split|subset|set)($|_)|set$", re.IGNORECASE)
OF_A_SPLIT = re.compile(r"_(train|training|val|valid|validation|dev|test)$", re.IGNORECASE)
"""End of the name of an array that holds one split of the events: `x_train`, `y_test`."""
OWN_COLUMNS = frozenset(["source_file", "source_table", "source_entry", "split"])
"""Columns that Rapidity itself writes beside the events."""


@dataclass(frozen=True)
class Role:
    """What becomes of a column.

    Attributes
    ----------
    reason
        Why, and what is in the column: the comment beside it.
    sentinels
        Numbers in it that seem to mean "not measured".
    has_nan, has_infinite
        Whether such values were seen in it.
    """

    part: Part
    reason: str
    sentinels: tuple[float, ...] = ()
    has_nan: bool = False
    has_infinite: bool = False


def find_roles(
    values: Mapping[str, Values], classes: Classes, file_index: NDArray[np.int64]
) -> dict[str, Role]:
    """Return the role of each column with one value per entry, except the target.

    Parameters
    ----------
    values
        Column -> sampled values of all files, one after the other.
    file_index
        The file of each sampled entry.
    """
    flat = {
        name: array
        for name, array in values.items()
        if not isinstance(array, Jagged) and name != classes.target and name not in classes.flags
    }
    roles = {name: _find_role(name, array, classes, file_index) for name, array in flat.items()}
    return _with_one_weight(_with_unique_key(roles, flat, classes), flat, classes)


def _find_role(name: str, values: NDArray[Any], classes: Classes, file_index: NDArray[np.int64]) -> Role:
    if KEY_NAMES.fullmatch(name.replace("_", "").lower()) and _is_whole(values):
        return Role("event key", "names the event")
    if values.dtype != object and WEIGHT_WORDS.search(name):
        return Role("event weight", f"named like a weight; {describe_range(values)}")
    reason = other_split(name, classes.target) or _why_not(name, values, file_index)
    return Role("left out", reason) if reason else _role_of_values(values, classes)


def other_split(name: str, target: str | None) -> str:
    """Return why a column belongs to other events than the target, as far as their names say; else nothing.

    Examples
    --------
    >>> other_split("x_test", "y_train"), other_split("x_train", "y_train"), other_split("x", "y_train")
    ("of 'test', where the target is of 'train': other events", '', '')
    """
    own, of_target = OF_A_SPLIT.search(name), OF_A_SPLIT.search(target or "")
    if own is None or of_target is None or own[1] == of_target[1]:
        return ""
    return f"of '{own[1]}', where the target is of '{of_target[1]}': other events"


def is_event_number(name: str) -> bool:
    """Whether a column of an event key is the number of the event, not of its run or luminosity block."""
    return name.replace("_", "").lower().startswith(("event", "evt"))


def _is_whole(values: NDArray[Any]) -> bool:
    """Whether all values are whole numbers, in whatever type."""
    return values.dtype != object and bool((values == np.round(values)).all())


def _why_not(name: str, values: NDArray[Any], file_index: NDArray[np.int64]) -> str:
    """Return why a column is no feature, as far as its name and its type say; empty where they do not."""
    if name in OWN_COLUMNS:
        return "says where an event comes from"
    if values.dtype == object:
        return "text"
    if SPLIT_WORDS.search(name) and len(np.unique(values)) <= 20:
        return "named like a split of the events"
    if values.dtype.kind in "iu" and _numbers_entries(values, file_index):
        return "different in every sampled entry: it numbers them"
    return "named like truth information" if looks_like_truth(name) else ""


def _numbers_entries(values: NDArray[Any], file_index: NDArray[np.int64]) -> bool:
    """Whether no value repeats within a file."""
    pairs = np.stack([file_index, values], axis=1)
    return len(values) > 1 and len(np.unique(pairs, axis=0)) == len(pairs)


def _role_of_values(values: NDArray[Any], classes: Classes) -> Role:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return Role("left out", "no value in any sampled entry")
    if finite.min() == finite.max():
        return Role("left out", f"{finite[0]:g} in every sampled entry")
    known = classes.index >= 0
    n_classes = len(classes.counts)
    auc = class_aucs(values[known].astype(np.float64), classes.index[known], np.ones(n_classes))
    best = int(np.argmax(np.abs(auc - 0.5)))
    if max(auc[best], 1 - auc[best]) > AUC_LIMIT:
        name = list(classes.counts)[best]
        return Role("left out", f"alone separates class {name} (AUC {auc[best]:.4f}): truth in disguise?")
    sentinels = tuple(sentinel.value for sentinel in find_sentinels(values))
    return Role(
        "feature",
        describe_range(values, sentinels),
        sentinels,
        has_nan=bool(np.isnan(values).any()),
        has_infinite=bool(np.isinf(values).any()),
    )


def describe_range(values: NDArray[Any], sentinels: Sequence[float] = ()) -> str:
    """Return the range of the values in words, sentinels and what is not finite apart.

    Examples
    --------
    >>> describe_range(np.array([-999.0, 20.0, 250.0, -999.0]), (-999.0,))
    '20 to 250; -999 in 50 %'
    """
    ordinary = values[np.isfinite(values) & ~np.isin(values, sentinels)]
    said = [f"{ordinary.min():.4g} to {ordinary.max():.4g}"] if len(ordinary) else []
    said += [f"{sentinel:g} in {_percent(values == sentinel)}" for sentinel in sentinels]
    if np.isnan(values).any():
        said.append(f"NaN in {_percent(np.isnan(values))}")
    return "; ".join(said)


def _percent(is_so: NDArray[np.bool_]) -> str:
    share = 100 * float(is_so.mean())
    return f"{share:.0f} %" if share >= 1 else f"{share:.1g} %"


def _with_unique_key(
    roles: dict[str, Role], values: Mapping[str, NDArray[Any]], classes: Classes
) -> dict[str, Role]:
    """Let the columns of an event key go where together they do not tell the entries of a class apart."""
    keys = [name for name, role in roles.items() if role.part == "event key"]
    if not keys:
        return roles
    # The class stands for the sample: an event number may come again in another one.
    rows = np.stack([classes.index, *(values[name] for name in keys)], axis=1)
    if len(np.unique(rows, axis=0)) == len(rows):
        return roles
    repeated = Role("left out", "names an event, but its numbers repeat: entries are known by file and place")
    return roles | dict.fromkeys(keys, repeated)


def _with_one_weight(
    roles: dict[str, Role], values: Mapping[str, NDArray[Any]], classes: Classes
) -> dict[str, Role]:
    """Keep the likeliest event weight whose sum is above zero in every class."""
    weights = [name for name, role in roles.items() if role.part == "event weight"]
    good = [name for name in weights if _has_positive_sums(values[name], classes)]
    good.sort(key=lambda name: _preference(name.replace("_", "").lower()))
    others = {name: Role("left out", f"another weight; {roles[name].reason}") for name in weights}
    return roles | others | ({good[0]: roles[good[0]]} if good else {})


def _has_positive_sums(weight: NDArray[Any], classes: Classes) -> bool:
    if not np.isfinite(weight).all():
        return False
    known = classes.index >= 0
    sums = np.bincount(classes.index[known], weight[known], minlength=len(classes.counts))
    return bool((sums > 0).all())


def _preference(name: str) -> int:
    return FIRST_WEIGHTS.index(name) if name in FIRST_WEIGHTS else len(FIRST_WEIGHTS)
