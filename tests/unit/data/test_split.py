"""Dividing the events into splits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rapidity.config.preparation import Preparation
from rapidity.core.classes import ClassSet
from rapidity.core.errors import DataError
from rapidity.data.split import TestRows, TrainRows, ValidationRows, needed_columns, split_events

MakeTable = Any


def split_config(**keys: Any) -> Any:
    return Preparation.model_validate({"split": keys}).split


def count(split_table: Any) -> list[int]:
    return [rows.n_events for rows in (split_table.train, split_table.validation, split_table.test)]


def test_each_class_is_divided_by_the_fractions(make_table: MakeTable) -> None:
    table = make_table({"x": np.zeros(1010)}, np.arange(1010) < 10)
    split_table = split_events(table, split_config(train=0.6, validation=0.3, test=0.1))
    assert split_table.count_events() == {
        "train": {"background": 600, "signal": 6},
        "validation": {"background": 300, "signal": 3},
        "test": {"background": 100, "signal": 1},
    }


def test_every_event_is_in_one_split_with_a_type_of_its_own(make_table: MakeTable) -> None:
    split_table = split_events(make_table({"x": np.zeros(100)}), split_config())
    parts = (split_table.train, split_table.validation, split_table.test)
    assert [type(part) for part in parts] == [TrainRows, ValidationRows, TestRows]
    assert sorted(np.concatenate([part.rows for part in parts])) == list(range(100))


def test_fractions_depend_on_the_seed_alone(make_table: MakeTable) -> None:
    table = make_table({"x": np.zeros(200)})
    first, again = (split_events(table, split_config(seed=1)).codes for _ in range(2))
    assert (first == again).all()
    assert (first != split_events(table, split_config(seed=2)).codes).any()


def test_order_of_files_does_not_matter(make_table: MakeTable) -> None:
    entries, files = np.tile(np.arange(60), 2), np.repeat([0, 1], 60)
    table = make_table(
        {"x": np.zeros(120)},
        entries % 2,
        source_entry=entries,
        source_file=files,
        files=("d/a.csv", "d/b.csv"),
    )
    swapped = make_table(
        {"x": np.zeros(120)},
        entries % 2,
        source_entry=entries,
        source_file=files,
        files=("d/b.csv", "d/a.csv"),
    )
    codes = split_events(table, split_config()).codes
    other = split_events(swapped, split_config()).codes
    assert (codes[:60] == other[60:]).all()
    assert (codes[:60] != codes[60:]).any()


def test_files_of_the_same_name_are_told_apart_by_their_folders(make_table: MakeTable) -> None:
    def codes(root: str) -> Any:
        table = make_table(
            {"x": np.zeros(120)},
            np.arange(120) % 2,
            source_entry=np.tile(np.arange(60), 2),
            source_file=np.repeat([0, 1], 60),
            files=(f"{root}/sig/a.csv", f"{root}/bkg/a.csv"),
        )
        return split_events(table, split_config()).codes

    assert (codes("here")[:60] != codes("here")[60:]).any()
    assert (codes("here") == codes("there")).all()


def test_events_of_one_key_stay_together(make_table: MakeTable) -> None:
    event = np.repeat(np.arange(200), 3)
    table = make_table({"x": np.zeros(600), "event": event}, np.arange(600) % 2, event_key=("event",))
    codes = split_events(table, split_config(train=0.5, validation=0.25, test=0.25)).codes
    assert (codes.reshape(200, 3) == codes.reshape(200, 3)[:, :1]).all()
    assert np.bincount(codes).tolist() == [300, 150, 150]


def test_test_split_may_be_left_empty_on_purpose(make_table: MakeTable) -> None:
    table = make_table({"x": np.arange(100.0)})
    assert count(split_events(table, split_config(train=0.8, validation=0.2, test=0))) == [80, 20, 0]
    by = split_config(by="x % 20", validation=[3, 4], test=[])
    assert count(split_events(table, by))[2] == 0


def test_validation_split_is_needed(make_table: MakeTable) -> None:
    with pytest.raises(DataError, match=r"background, signal has no event in the validation split"):
        split_events(make_table({"x": np.zeros(100)}), split_config(train=0.8, validation=0, test=0.2))


def test_class_absent_in_a_split_is_named_with_the_counts(make_table: MakeTable) -> None:
    table = make_table({"x": np.zeros(52)}, np.arange(52) < 2)
    expected = (
        r"class signal has no event in the validation split \(there: background 5, signal 0; events per"
    )
    with pytest.raises(DataError, match=expected):
        split_events(table, split_config())


def test_expression_decides(make_table: MakeTable) -> None:
    table = make_table({"event": np.arange(100)}, np.arange(100) // 10 % 2)
    config = split_config(by="event % 10", validation=[8], test=[9])
    codes = split_events(table, config).codes
    assert (codes == np.select([np.arange(100) % 10 == 8, np.arange(100) % 10 == 9], [1, 2])).all()
    assert needed_columns(config, {}) == ("event",)


def test_row_number_counts_the_selected_events(make_table: MakeTable) -> None:
    table = make_table({"x": np.zeros(20)}, np.arange(20) // 5 % 2)
    config = split_config(by="row_number % 5", validation=[1], test=[0])
    codes = split_events(table, config).codes
    assert codes[:6].tolist() == [2, 1, 0, 0, 0, 2]
    assert needed_columns(config, {}) == ()


def test_long_event_numbers_keep_their_last_digit(make_table: MakeTable) -> None:
    table = make_table({"event": 2**60 + np.arange(20)}, np.arange(20) // 10)
    codes = split_events(table, split_config(by="event % 10", validation=[8], test=[9])).codes
    assert (
        codes == np.select([table.columns["event"] % 10 == 8, table.columns["event"] % 10 == 9], [1, 2])
    ).all()


def test_values_in_no_split_are_listed(make_table: MakeTable) -> None:
    table = make_table({"x": np.arange(40.0)})
    with pytest.raises(
        DataError, match=r"gives 3, which stand in none of train \[0, 1\], validation \[2\], test"
    ):
        split_events(table, split_config(by="x % 4", train=[0, 1], validation=[2], test=[]))


def test_broken_numbers_are_refused(make_table: MakeTable) -> None:
    with pytest.raises(DataError, match=r"'x / 2' gives 0.5 at entry 1 of a.csv.*whole number"):
        split_events(make_table({"x": np.arange(40.0)}), split_config(by="x / 2", validation=[2], test=[3]))


def test_column_names_the_split(make_table: MakeTable) -> None:
    fold = np.array(["train", "validation", "test", "train"] * 2, dtype=object)
    table = make_table({"fold": fold}, [0, 0, 0, 0, 1, 1, 1, 1])
    config = split_config(column="fold")
    assert split_events(table, config).codes.tolist() == [0, 1, 2, 0] * 2
    assert needed_columns(config, {}) == ("fold",)


def test_column_of_numbers_with_values(make_table: MakeTable) -> None:
    table = make_table({"fold": np.array([0.0, 1, 2, 3] * 2)}, [0, 0, 0, 0, 1, 1, 1, 1])
    config = split_config(column="fold", train=[0, 3], validation="1", test=2)
    assert split_events(table, config).codes.tolist() == [0, 1, 2, 0] * 2


def test_unknown_values_of_the_column_are_listed(make_table: MakeTable) -> None:
    fold = np.array(["train", "valid", "test", "train"] * 2, dtype=object)
    with pytest.raises(
        DataError,
        match=r"'fold' .* holds valid, which mean no split. Did you mean 'validation'.*Known: train",
    ):
        split_events(make_table({"fold": fold}), split_config(column="fold"))


def test_split_of_a_source_wins(make_table: MakeTable) -> None:
    fixed = np.full(100, -1, np.int8)
    fixed[:20] = 2
    table = make_table({"x": np.arange(100.0)}, fixed_split=fixed)
    codes = split_events(table, split_config(train=0.75, validation=0.25, test=0)).codes
    assert (codes[:20] == 2).all()
    assert np.bincount(codes).tolist() == [60, 20, 20]


def test_rows_give_their_part_of_the_table(make_table: MakeTable) -> None:
    weight = np.arange(4.0)
    table = make_table({"x": np.arange(4.0)}, [0, 1, 0, 1], event_weight=weight, classes=ClassSet(("a", "b")))
    rows = TrainRows(table, np.array([1, 2]))
    assert rows.column("x").tolist() == [1.0, 2.0]
    assert rows.class_index.tolist() == [1, 0]
    assert rows.event_weight is not None
    assert rows.event_weight.tolist() == [1.0, 2.0]


def test_events_of_one_key_do_not_change_how_others_are_divided(make_table: MakeTable) -> None:
    # Without them, no key repeats and the events are cut without ordering all of them.
    number = np.arange(1000)
    config = split_config(train=0.6, validation=0.3, test=0.1)
    names = ClassSet(("a", "b", "c"))

    def divide(class_index: np.ndarray, number: np.ndarray) -> np.ndarray:
        table = make_table({"number": number}, class_index, classes=names, event_key=("number",))
        return split_events(table, config).codes

    class_index = number % 3
    extra = np.full(40, 2), 5000 + np.repeat(np.arange(20), 2)
    alone = divide(class_index, number)
    beside = divide(np.append(class_index, extra[0]), np.append(number, extra[1]))
    np.testing.assert_array_equal(alone[class_index < 2], beside[:1000][class_index < 2])
    assert np.bincount(alone[class_index == 0]).tolist() == [200, 101, 33]


@pytest.mark.parametrize("fractions", [(1.0, 0.0, 0.0), (0.5, 0.5, 0.0), (0.5, 0.0, 0.5)])
def test_a_split_may_be_empty(make_table: MakeTable, fractions: tuple[float, float, float]) -> None:
    train, validation, test = fractions
    table = make_table({"x": np.arange(100.0)})
    if not validation:
        with pytest.raises(DataError, match="has no event in the validation split"):
            split_events(table, split_config(train=train, validation=validation, test=test))
        return
    codes = split_events(table, split_config(train=train, validation=validation, test=test)).codes
    assert np.bincount(codes).tolist() == [50, 50]
