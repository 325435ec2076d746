"""How scores beside a file are used in ROOT."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.data.readers.opening import find_format
from rapidity.delivery.task import FRIEND_TABLE

if TYPE_CHECKING:
    from rapidity.delivery.task import PredictTask


def show_usage(task: PredictTask, table: str, score: str) -> str:
    """Return the lines that say how scores are used in ROOT, for a terminal; empty where they are elsewhere.

    They are a friend of the tree that was scored; events of another format have no tree, and the scores are
    read by themselves, row by row beside these.

    Parameters
    ----------
    table
        Name of the tree that was scored.
    score
        Name of one of the scores.
    """
    if task.inject or task.output_format != "root":
        return ""
    if find_format(Path(task.source)).table_key != "tree":
        chosen = f"{score} > 0.5" + (" && pass" if task.with_pass else "")
        lines = [f'ROOT::RDataFrame frame("{FRIEND_TABLE}", "{task.output}");']
    else:
        chosen = f"{FRIEND_TABLE}.{score} > 0.5" + (f" && {FRIEND_TABLE}.pass" if task.with_pass else "")
        lines = [
            f'TFile file("{task.source}"); auto* tree = file.Get<TTree>("{table or "tree"}");',
            f'tree->AddFriend("{FRIEND_TABLE}", "{task.output}");',
            "ROOT::RDataFrame frame(*tree);",
        ]
    lines.append(f'auto selected = frame.Filter("{chosen}");')
    return "\n    ".join(["  in ROOT:", *lines])
