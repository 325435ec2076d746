"""The page of a run, made from what lies in its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rapidity.workflow.run import Run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rapidity.report import DrawnFigure
    from rapidity.workflow.run_folder import RunFolder


def describe_figures(
    figures: Mapping[str, Sequence[DrawnFigure]], base: Path
) -> dict[str, list[dict[str, Any]]]:
    """Return section -> figures as plain values for run.json, paths relative to the folder of the run."""
    return {
        section: [
            {
                "name": figure.name,
                "title": figure.title,
                "caption": figure.caption,
                "width_px": figure.width_px,
                "paths": [path.relative_to(base).as_posix() for path in figure.paths],
            }
            for figure in drawn
        ]
        for section, drawn in figures.items()
    }


def write_run_report(folder: Path | str) -> Path:
    """Write report.html of a finished run again, from the files in its folder, and return its path."""
    run = Run.open(folder)
    write_page(run.path)
    return run.path.report


def write_page(folder: RunFolder) -> None:
    """Write report.html."""
