from __future__ import annotations

import pytest

from rapidity.core.counting import counted
from rapidity.core.progress import show_count


@pytest.mark.parametrize(
    ("number", "words", "expected"),
    [
        (0, ("file",), "0 files"),
        (1, ("file",), "1 file"),
        (1000, ("file",), "1,000 files"),
        (1, ("entry", "entries"), "1 entry"),
        (2, ("entry", "entries"), "2 entries"),
    ],
)
def test_one_is_no_plural(number, words, expected):
    assert counted(number, *words) == expected


def test_progress_of_one_is_no_plural():
    assert show_count(0, 1, "epoch") == "0/1 epoch"
    assert show_count(1, 2, "epoch") == "1/2 epochs"
    assert show_count(1, None, "file") == "1 file"
