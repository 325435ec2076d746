"""How scores beside a file are used in ROOT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.delivery.task import FRIEND_TABLE

if TYPE_CHECKING:
    from rapidity.delivery.task import PredictTask


def show_usage(task: PredictTask, table: str, score: str) -> str:
    """Return the lines that say how a friend is used, for a terminal; empty where there is none.

    Parameters
    ----------
    table
        Name of the tree that was scored.
    score
        Name of one of the scores.
    """
    if task.inject or task.output_format != "root":
        return ""
    passing = f" && {FRIEND_TABLE}.pass" if task.with_pass else ""
    name = table or "tree"
    return "\n".join(
        [
            "  in ROOT:",
            f'    TFile file("{task.source}"); auto* tree = file.Get<TTree>("{name}");',
            f'    tree->AddFriend("{FRIEND_TABLE}", "{task.output}");',
            "    ROOT::RDataFrame frame(*tree);",
            f'    auto selected = frame.Filter("{FRIEND_TABLE}.{score} > 0.5{passing}");',
        ]
    )
