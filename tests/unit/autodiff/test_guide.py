"""The examples of the guide's page run as printed."""

from __future__ import annotations

import doctest
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guide" / "autodiff.md"


def test_the_examples_of_the_guide_run():
    failed, tried = doctest.testfile(str(GUIDE), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert tried > 30
    assert failed == 0
