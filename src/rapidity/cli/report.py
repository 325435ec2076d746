"""`rapidity report`."""

import typer

from rapidity.cli.options import RunFolder


def report(run: RunFolder) -> None:
    """Write report.html of a run again."""
    from rapidity.workflow import write_run_report

    typer.echo(write_run_report(run))
