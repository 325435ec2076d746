from __future__ import annotations

import numpy as np
import pytest

from rapidity.core.errors import DataError
from rapidity.explanation import make_target
from rapidity.expressions import parse_expression

COLUMNS = {
    "label": np.array([7, 2, 9, 2]),
    "pt": np.array([10.0, 50.0, np.nan, 30.0]),
    "kind": np.array(["muon", "electron", "muon", "kaon"], dtype=object),
    "image": np.zeros((4, 8, 8), np.uint8),
    "event": np.arange(4),
}


def target_of(text, columns=COLUMNS):
    return make_target(parse_expression(text), columns, lambda row: f"entry {row}")


def test_numbers_are_classes_in_ascending_order():
    target = target_of("label")
    assert target.classes.names == ("2", "7", "9")
    assert target.class_index.tolist() == [1, 0, 2, 0]


def test_arithmetic_on_the_target_column():
    target = target_of("label % 2")
    assert target.classes.names == ("0", "1")
    assert target.class_index.tolist() == [1, 0, 1, 0]


def test_condition_is_false_and_true_also_where_nothing_is_measured():
    target = target_of("pt > 20")
    assert target.classes.names == ("false", "true")
    assert target.class_index.tolist() == [0, 1, 0, 1]


def test_condition_that_is_true_first_keeps_its_order():
    assert target_of("label > 2").classes.names == ("false", "true")
    assert target_of("label > 2").class_index.tolist() == [1, 0, 1, 0]


def test_column_of_names():
    target = target_of("kind")
    assert target.classes.names == ("electron", "kaon", "muon")
    assert target.class_index.tolist() == [2, 0, 2, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pt // 20", r"is np.float64\(nan\) at entry 2 \(1 such events\).*such as a comparison"),
        ("image", r"column 'image', which holds 8 x 8 values per event; expected one number"),
        ("kind % 2", r"column 'kind', which holds text \(such as 'muon'\); expected numbers"),
        ("label > 100", "is false for every event"),
        ("label * 0", "is 0 for every event; a probe tells values apart"),
    ],
)
def test_what_is_no_target(text, message):
    with pytest.raises(DataError, match=message):
        target_of(text)


def test_empty_text_is_refused():
    columns = {"kind": np.array(["muon", "", "kaon"], dtype=object)}
    with pytest.raises(DataError, match=r"is '' at entry 1"):
        target_of("kind", columns)


def test_quantity_is_no_target():
    with pytest.raises(DataError, match=r"has 51 different values \(0, 1, .*at most 50.*`event > 0`"):
        target_of("event", {"event": np.arange(51)})
    assert len(target_of("event", {"event": np.arange(50)}).classes) == 50
