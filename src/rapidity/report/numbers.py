"""The tables of numbers on a report page, from what ``metrics.json`` holds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rapidity.metrics import Estimate
from rapidity.report.markup import Markup, join, table, tag
from rapidity.report.output_tables import output_cards, output_tables, show_number
from rapidity.report.roc import format_estimate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNDEFINED = "-"


def headline_cards(metrics: Mapping[str, Any], parity: Mapping[str, str]) -> Markup:
    """Return the headline numbers: AUC, log-loss and accuracy with intervals, and the parity.

    Of other outputs than a classification: bias and half width, or the fractions that are right.
    """
    cards = _class_cards(metrics) if metrics["classes"] else []
    cards += [_shown_card(title, shown) for title, shown in output_cards(metrics)]
    split = metrics["split"]
    events = sum(metrics["counts"][split].values())
    cards.append(tag("div", tag("dt", f"{split} events"), tag("dd", f"{events:,}")))
    for name, value in list(parity.items())[:1]:
        cards.append(tag("div", tag("dt", name), tag("dd", value)))
    return tag("dl", *cards, class_="cards")


def _class_cards(metrics: Mapping[str, Any]) -> list[Markup]:
    classes, split = metrics["classes"], metrics["split"]
    cards = []
    if len(classes) == 2:
        name = next(iter(metrics[f"{split}_auc"]))
        pair = metrics[f"{split}_auc"][name], metrics[f"{split}_auc_interval"][name]
        cards.append(_card("AUC", *pair))
    else:
        cards.append(_card("mean AUC", metrics["macro_auc"], metrics["macro_auc_interval"]))
    cards.append(_card("log-loss", metrics["log_loss"], metrics["log_loss_interval"], "nats"))
    cards.append(_card("accuracy", metrics["accuracy"], metrics["accuracy_interval"]))
    return cards


def _card(
    title: str, value: float | None, interval: Sequence[float | None], unit: str | None = None
) -> Markup:
    return _shown_card(f"{title} [{unit}]" if unit else title, _estimate(value, interval))


def _shown_card(title: str, text: str) -> Markup:
    """Return a card of a number, its interval beneath it."""
    shown, _, bracket = text.partition(" ")
    return tag("div", tag("dt", title), tag("dd", shown, *([tag("small", bracket)] if bracket else [])))


def evaluation_tables(metrics: Mapping[str, Any]) -> Markup:
    """Return the tables of classes, splits and working points, and those of other outputs."""
    if not metrics["classes"]:
        return output_tables(metrics)
    level = f"{metrics['confidence_level']:.0%}"
    return join(
        [
            tag("h3", "Classes"),
            _class_table(metrics),
            tag(
                "p",
                f"Each class against all others, {metrics['split']} split. Intervals: central {level} of "
                f"{metrics['bootstrap_replicas']} bootstrap replicas.",
                class_="caption",
            ),
            tag("h3", "Splits"),
            _split_table(metrics),
            tag("h3", "Working points"),
            _working_point_table(metrics),
            *_unweighted(metrics),
            *_fold_table(metrics),
            output_tables(metrics),
        ]
    )


def yield_tables(metrics: Mapping[str, Any]) -> Markup:
    """Return events and weighted yields of each class in each split."""
    splits = list(metrics["counts"])
    # Without a classification the events may still belong to classes.
    names = list(metrics["counts"][splits[0]])
    rows = [[name, *[f"{metrics['counts'][split][name]:,}" for split in splits]] for name in names]
    pieces = [tag("h3", "Events"), table(["class", *splits], rows)]
    if metrics["yields"] != metrics["counts"]:
        weighted = [[name, *[_yield(metrics, split, name) for split in splits]] for name in names]
        pieces += [tag("h3", "Yields (sums of event weights)"), table(["class", *splits], weighted)]
    return join(pieces)


def _class_table(metrics: Mapping[str, Any]) -> Markup:
    split = metrics["split"]
    rows = [
        [
            name,
            _estimate(metrics[f"{split}_auc"][name], metrics[f"{split}_auc_interval"][name]),
            *[_number(metrics[key][name]) for key in ("precision", "recall", "f1")],
        ]
        for name in metrics["classes"]
    ]
    return table(["class", "AUC", "precision", "recall", "F1"], rows)


def _split_table(metrics: Mapping[str, Any]) -> Markup:
    rows = []
    for split, summary in metrics["splits"].items():
        aucs = list((summary["auc"] or {}).values())
        mean_auc = sum(aucs) / len(aucs) if aucs and None not in aucs else None
        events = f"{sum(metrics['counts'][split].values()):,}"
        numbers = [mean_auc, summary["log_loss"], summary["accuracy"]]
        rows.append([split, events, *[_number(number) for number in numbers]])
    mean = "AUC" if len(metrics["classes"]) == 2 else "mean AUC"
    return table(["split", "events", mean, "log-loss [nats]", "accuracy"], rows)


def _working_point_table(metrics: Mapping[str, Any]) -> Markup:
    rows = []
    for name, points in metrics["working_points"].items():
        for point in points:
            rejection = point["bkg_rej"]
            rows.append(
                [
                    name,
                    f"{point['target_sig_eff']:.0%}",
                    _number(point["threshold"]),
                    _number(point["sig_eff"]),
                    _number(point["bkg_eff"]),
                    _rejection(rejection, point["bkg_eff"]),
                ]
            )
    points = [point for points in metrics["working_points"].values() for point in points]
    fitted_on = points[0]["threshold_fitted_on"] if points else ""
    return join(
        [
            table(
                ["class", "asked for", "threshold", "efficiency", "background eff.", "background rejection"],
                rows,
            ),
            tag(
                "p",
                f"Thresholds found in the {fitted_on} split, efficiencies measured in the {metrics['split']} "
                "split; background is every other class.",
                class_="caption",
            ),
        ]
    )


def _rejection(rejection: float | None, bkg_eff: float) -> str:
    """Return a background rejection; without background left it is `all`, below zero it is not defined."""
    if rejection is None:
        return "all" if bkg_eff == 0 else UNDEFINED
    return show_number(rejection)


def _unweighted(metrics: Mapping[str, Any]) -> list[Markup]:
    if "unweighted" not in metrics:
        return []
    unweighted, split = metrics["unweighted"], metrics["split"]
    aucs = ", ".join(f"{name} {_number(value)}" for name, value in unweighted[f"{split}_auc"].items())
    return [
        tag(
            "p",
            f"All numbers use the event weights. Without them: AUC {aucs}; log-loss "
            f"{_number(unweighted['log_loss'])} nats; accuracy {_number(unweighted['accuracy'])}.",
        )
    ]


def _fold_table(metrics: Mapping[str, Any]) -> list[Markup]:
    """Return the numbers of each fold, and their means with the spread of one fold."""
    if "folds" not in metrics:
        return []
    folds = metrics["folds"]
    keys = ("macro_auc", "log_loss", "accuracy")
    rows = [
        [str(index), f"{events:,}", *[_number(folds[key]["values"][index]) for key in keys]]
        for index, events in enumerate(folds["events"])
    ]
    ends = [f"{_number(folds[key]['mean'])} ± {_number(folds[key]['spread'])}" for key in keys]
    rows.append(["mean ± spread", f"{sum(folds['events']):,}", *ends])
    mean = "AUC" if len(metrics["classes"]) == 2 else "mean AUC"
    caption = (
        f"Fold: '{folds['event_number']}' modulo {folds['count']}. Each fold was scored by the network that "
        "never saw it. The spread is the standard deviation of one fold, not of the mean."
    )
    return [
        tag("h3", "Folds"),
        table(["fold", "events", mean, "log-loss [nats]", "accuracy"], rows),
        tag("p", caption, class_="caption"),
    ]


def _yield(metrics: Mapping[str, Any], split: str, name: str) -> str:
    value, error = metrics["yields"][split][name], metrics["yield_errors"][split][name]
    return format_with_error(value, error)


def format_with_error(value: float, error: float) -> str:
    """Return both with the digits that two significant ones of the error ask for.

    Examples
    --------
    >>> format_with_error(12799.8, 155.2), format_with_error(15.18, 0.5329)
    ('12,800 ± 155', '15.18 ± 0.53')
    """
    digits = max(1 - math.floor(math.log10(error)), 0) if error > 0 else 0
    return f"{value:,.{digits}f} ± {error:,.{digits}f}"


def _estimate(value: float | None, interval: Sequence[float | None]) -> str:
    low, high = interval
    if value is None:
        return UNDEFINED
    if low is None or high is None:
        return _number(value)
    return format_estimate(Estimate(value, low, high))


def _number(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.4f}"
