from __future__ import annotations

import pytest

from rapidity.config import RunConfig
from rapidity.config.places import find_place, keys_of_all_blocks


@pytest.mark.parametrize(
    ("location", "path"),
    [
        (("training", "optimizer", "adam", "betas", 0), ("training", "optimizer", "betas", 0)),
        (("preparation", "split", "by", "by"), ("preparation", "split", "by")),
        (
            ("preparation", "split", "column", "train", "tuple[union[int,str],...]", 1),
            ("preparation", "split", "train", 1),
        ),
        (("data", "sources", 0, "path", "str"), ("data", "sources", 0, "path")),
        (("network", "layers", 2, "rate"), ("network", "layers", 2, "rate")),
        (
            ("preparation", "columns", "by", "scale", "function-before[x]", "standard"),
            ("preparation", "columns", "by", "scale"),
        ),
    ],
)
def test_labels_of_unions_are_dropped(location, path):
    assert find_place(RunConfig, location, {}).path == path


def test_keys_are_those_of_the_tagged_model():
    keys = find_place(RunConfig, ("training", "schedule", "step"), {}).keys()
    assert keys == ["every", "factor", "type", "warm_up"]


def test_keys_of_a_layer_are_those_of_its_type():
    values = {"network": {"layers": [{"type": "dropout"}]}}
    assert "rate" in find_place(RunConfig, ("network", "layers", 0), values).keys()  # noqa: SIM118
    assert "units" not in find_place(RunConfig, ("network", "layers", 0), values).keys()  # noqa: SIM118


def test_alternatives_of_a_plain_union_share_a_path():
    first = find_place(RunConfig, ("training", "batch_size", "int"), {})
    second = find_place(RunConfig, ("training", "batch_size", "literal['all']"), {})
    assert first.choice_path == second.choice_path == ("training", "batch_size")
    assert find_place(RunConfig, ("training", "optimizer", "adam"), {}).choice_path is None


def test_keys_of_all_blocks_go_into_unions():
    assert (("training", "optimizer"), "learning_rate") in set(keys_of_all_blocks(RunConfig))
