"""A spectator called `class`, `split` or `score_<class>` replaced that column of scores.parquet.

The file then held the spectator's values under the name of the score, without a word.
"""

from __future__ import annotations

import pytest

from rapidity.core.classes import ClassSet
from rapidity.core.errors import ConfigError
from rapidity.workflow.score import check_spectators

CLASSES = ClassSet(("background", "signal"))


@pytest.mark.parametrize("name", ["class", "split", "event_weight", "source_entry", "score_signal"])
def test_spectators_named_like_a_column_of_scores_are_refused(name):
    with pytest.raises(ConfigError, match=rf"scores\.parquet has columns {name} of its own"):
        check_spectators(("run", name), CLASSES)


def test_other_spectators_pass():
    check_spectators(("run", "score_other"), CLASSES)
