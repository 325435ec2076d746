"""Classes by source and by column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rapidity.core.errors import ConfigError, DataError, MissingNameError
from rapidity.data.targets import ValueCodes, canonical_value

Read = Any


def assign(read: Read, write_csv: Any, labels: list[Any], **keys: Any) -> tuple[tuple[str, ...], list[int]]:
    write_csv("a.csv", x=[0.5] * len(labels), label=labels)
    table, _ = read([{"path": "a.csv"}], ("x",), target="label", **keys)
    return table.classes.names, table.class_index.tolist()


def test_names_are_sorted_unless_listed(read: Read, write_csv: Any) -> None:
    labels = ["pion", "kaon", "pion"]
    assert assign(read, write_csv, labels) == (("kaon", "pion"), [1, 0, 1])
    assert assign(read, write_csv, labels, classes=["pion", "kaon"]) == (("pion", "kaon"), [0, 1, 0])


def test_values_get_their_names(read: Read, write_csv: Any) -> None:
    classes = {"signal": 1, "background": [0, 2]}
    assert assign(read, write_csv, [1, 0, 2], classes=classes) == (("signal", "background"), [0, 1, 1])


def test_numbers_match_however_they_are_written(read: Read, write_csv: Any) -> None:
    labels = ["1.00E+00", "0.00E+00"]
    assert assign(read, write_csv, labels, classes={"b": 0, "s": 1}) == (("b", "s"), [1, 0])
    assert assign(read, write_csv, labels) == (("0", "1"), [1, 0])
    assert assign(read, write_csv, [10, 9], classes=["9", "10"]) == (("9", "10"), [1, 0])


def test_numbers_are_sorted_as_numbers(read: Read, write_csv: Any) -> None:
    assert assign(read, write_csv, [10, 9, 2]) == (("2", "9", "10"), [2, 1, 0])


def test_unknown_values_are_listed(read: Read, write_csv: Any) -> None:
    with pytest.raises(DataError, match=r"'label' of .*a.csv holds .*mean no class: tau, mu\. .*knows: s, b"):
        assign(read, write_csv, ["s", "b", "tau", "mu"], classes={"signal": "s", "background": "b"})


def test_events_of_no_class_can_be_left_out(read: Read, write_csv: Any) -> None:
    write_csv("a.csv", x=[1, 2, 3], label=["a", "b", "other"])
    table, _ = read([{"path": "a.csv"}], ("x",), target="label", classes=["a", "b"], selection="x < 3")
    assert table.n_events == 2


def test_empty_target_is_an_error(read: Read, write_csv: Any) -> None:
    with pytest.raises(DataError, match=r"'label' of .*a.csv is empty for some events"):
        assign(read, write_csv, ["a", "", "b"])


def test_a_continuous_target_is_not_taken_for_classes(read: Read, write_csv: Any) -> None:
    with pytest.raises(DataError, match=r"more than 200 different values .*is this the right column"):
        assign(read, write_csv, [i / 7 for i in range(300)])


def test_value_of_two_classes_is_refused(read: Read, write_csv: Any) -> None:
    with pytest.raises(DataError, match="the value 1 means both 'a' and 'b'"):
        assign(read, write_csv, [1, 0], classes={"a": 1, "b": [0, 1.0]})


def test_class_of_a_source_must_be_listed(read: Read, write_csv: Any) -> None:
    write_csv("a.csv", x=[1.5])
    sources = [{"path": "a.csv", "class": "a"}, {"path": "a.csv", "class": "c"}]
    with pytest.raises(DataError, match="lists a, b, but sources name the class c"):
        read(sources, classes=["a", "b"])


def test_listed_classes_give_the_order_of_sources(read: Read, write_csv: Any) -> None:
    write_csv("a.csv", x=[1.5])
    sources = [{"path": "a.csv", "class": "a"}, {"path": "a.csv", "class": "b"}]
    table, _ = read(sources, classes=["b", "a"])
    assert table.classes.names == ("b", "a")
    assert table.class_index.tolist() == [1, 0]


def test_codes_are_the_same_for_text_and_numbers() -> None:
    codes = ValueCodes()
    assert codes.encode(np.array(["1", "x", "1.0"], dtype=object)).tolist() == [0, 1, 0]
    assert codes.encode(np.array([2.0, 1.0, np.nan])).tolist() == [2, 0, 3]
    assert list(codes.values) == [1.0, "x", 2.0, ""]


def test_canonical_value_of_truth_values() -> None:
    assert canonical_value(value=True) == 1.0


FLAGS = {"x": [0.5, 1.5, 2.5], "is_b": [0, 1, 0], "is_c": [0, 0, 1]}


def test_a_formula_makes_classes_of_flags(read: Read, write_csv: Any) -> None:
    write_csv("a.csv", **FLAGS)
    classes = {"light": 0, "b": 1, "c": 2}
    table, _ = read([{"path": "a.csv"}], "all", target="is_b + 2 * is_c", classes=classes)
    assert table.classes.names == ("light", "b", "c")
    assert table.class_index.tolist() == [0, 1, 2]
    assert list(table.columns) == ["x"]


def test_columns_of_the_formula_are_no_features(read: Read, write_csv: Any) -> None:
    write_csv("a.csv", **FLAGS)
    with pytest.raises(ConfigError, match=r"'is_b' belongs to data\.target, the truth to be learnt"):
        read([{"path": "a.csv"}], ("x", "is_b"), target="is_b + 2 * is_c")


def test_columns_of_the_formula_must_be_there(read: Read, write_csv: Any) -> None:
    write_csv("a.csv", **FLAGS)
    with pytest.raises(MissingNameError, match=r"column 'isC' \(data.target\) is not in"):
        read([{"path": "a.csv"}], ("x",), target="is_b + 2 * isC")
