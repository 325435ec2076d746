"""The tables of regressions and assignments on a report page, from what ``metrics.json`` holds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rapidity.report.markup import Markup, join, table, tag

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNDEFINED = "-"
MAX_DIGITS = 6
"""Numbers that need more digits behind the point are written with significant ones."""
TITLES = {
    "bias": "bias",
    "resolution": "resolution",
    "half_width": "68 % half width",
    "mean_absolute_error": "mean absolute error",
    "relative_bias": "relative bias",
    "relative_resolution": "relative resolution",
    "relative_half_width": "relative 68 % half width",
    "r2": "R²",
}
"""Key of a number of a regression -> what pages call it."""


def output_cards(metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return title, and text with its interval, of the headline numbers of all but the classification."""
    cards = []
    for name, found in metrics.get("outputs", {}).items():
        if found["task"] == "regression":
            unit = f" [{found['unit']}]" if found["unit"] else ""
            cards += [
                (f"{name}: bias{unit}", _estimate(found, "bias")),
                (f"{name}: 68 % half width{unit}", _estimate(found, "half_width")),
            ]
        else:
            cards += [
                (f"{name}: objects right", _estimate(found, "accuracy")),
                (f"{name}: events all right", _estimate(found, "all_right")),
            ]
    return cards


def output_tables(metrics: Mapping[str, Any]) -> Markup:
    """Return the tables of all outputs but the classification."""
    pieces: list[Markup] = []
    for name, found in metrics.get("outputs", {}).items():
        make = _regression if found["task"] == "regression" else _assignment
        pieces += [*make(name, found, metrics), *_folds(name, found)]
    return join(pieces)


def _regression(name: str, found: Mapping[str, Any], metrics: Mapping[str, Any]) -> list[Markup]:
    unit = f" [{found['unit']}]" if found["unit"] else ""
    rows = [
        [title, show_estimate(found[key], found[f"{key}_interval"])]
        for key, title in TITLES.items()
        if found[key] is not None
    ]
    unknown = f", {found['n_unknown']:,} left out (truth not known)" if found["n_unknown"] else ""
    caption = (
        f"Prediction minus truth ({found['target']}){unit}, {metrics['split']} split, {found['n_events']:,} "
        f"events{unknown}. Intervals: central {metrics['confidence_level']:.0%} of "
        f"{metrics['bootstrap_replicas']} bootstrap replicas."
    )
    splits = [
        [split, f"{values['n_events']:,}", *[show_number(values[key]) for key in TITLES]]
        for split, values in found["splits"].items()
    ]
    keys = ("bias", "resolution", "half_width", "relative_resolution")
    intervals = [
        [
            f"{show_number(one['low'])} to {show_number(one['high'])}",
            f"{one['n_events']:,}",
            *[show_estimate(one[key], one[f"{key}_interval"]) for key in keys],
        ]
        for one in found["intervals"]
    ]
    return [
        tag("h3", f"Regression of {name}"),
        table(["", "value"], rows),
        tag("p", caption, class_="caption"),
        table(["split", "events", *TITLES.values()], splits),
        tag("h3", f"{name} by the truth{unit}"),
        table(["truth", "events", *[TITLES[key] for key in keys]], intervals),
    ]


def _assignment(name: str, found: Mapping[str, Any], metrics: Mapping[str, Any]) -> list[Markup]:
    ways = {"each object its likeliest class": found}
    if "one_each" in found:
        single = ", ".join(found["one_each"]["classes"])
        ways[f"likeliest assignment with one {single} at most"] = found["one_each"]
    rows = [
        ["objects right", *[_estimate(numbers, "accuracy") for numbers in ways.values()]],
        ["events all right", *[_estimate(numbers, "all_right") for numbers in ways.values()]],
    ]
    for of in found["classes"]:
        shares = [
            (numbers["class_accuracy"], numbers["class_accuracy_interval"]) for numbers in ways.values()
        ]
        rows.append([of, *[show_estimate(share[of], interval[of]) for share, interval in shares]])
    left_out = f"; {found['n_left_out']:,} that the network does not see" if found["n_left_out"] else ""
    caption = (
        f"Objects of '{found['cloud']}', {metrics['split']} split: {found['n_objects']:,} objects of known "
        f"class in {found['n_events']:,} events{left_out}. Fractions of objects that get their class, of "
        "all and of those of each class, and of events in which every one does."
    )
    return [
        tag("h3", f"Assignment of {name}"),
        table(["", *ways], rows),
        tag("p", caption, class_="caption"),
    ]


def _folds(name: str, found: Mapping[str, Any]) -> list[Markup]:
    """Return the headline numbers of each fold, and their means with the spread of one fold."""
    if "folds" not in found:
        return []
    folds = found["folds"]
    if found["task"] == "regression":
        unit = f" [{found['unit']}]" if found["unit"] else ""
        columns = {f"{TITLES[key]}{unit}": folds[key] for key in ("bias", "resolution", "half_width")}
    else:
        columns = {"objects right": folds["accuracy"], "events all right": folds["all_right"]}
    rows = [
        [str(index), f"{n_events:,}", *[show_number(of["values"][index]) for of in columns.values()]]
        for index, n_events in enumerate(folds["events"])
    ]
    ends = [f"{show_number(of['mean'])} ± {show_number(of['spread'])}" for of in columns.values()]
    rows.append(["mean ± spread", f"{sum(folds['events']):,}", *ends])
    return [tag("h3", f"{name} in each fold"), table(["fold", "events", *columns], rows)]


def _estimate(numbers: Mapping[str, Any], key: str) -> str:
    return show_estimate(numbers[key], numbers[f"{key}_interval"])


def show_number(value: float | None) -> str:
    """Return a number with four significant digits; what is not defined is a dash.

    Examples
    --------
    >>> show_number(12.3456), show_number(0.63), show_number(1234), show_number(None)
    ('12.35', '0.6300', '1,234', '-')
    """
    return UNDEFINED if value is None else f"{value:#,.4g}".rstrip(".")


def show_estimate(value: float | None, interval: Sequence[float | None]) -> str:
    """Return a number with its interval, all with the digits that two significant ones of its width ask for.

    Examples
    --------
    >>> show_estimate(0.63, [0.5863, 0.6752]), show_estimate(51.2, [49.5, 52.9])
    ('0.630 [0.586, 0.675]', '51.2 [49.5, 52.9]')
    >>> show_estimate(1.0, [None, None])
    '1.000'
    """
    low, high = interval
    if value is None or low is None or high is None:
        return show_number(value)
    width = high - low
    digits = max(1 - math.floor(math.log10(width)), 0) if width > 0 else MAX_DIGITS + 1
    if digits > MAX_DIGITS:
        return f"{show_number(value)} [{show_number(low)}, {show_number(high)}]"
    return f"{value:,.{digits}f} [{low:,.{digits}f}, {high:,.{digits}f}]"
