"""`rapidity train`."""

from typing import Annotated

import typer

from rapidity.cli.options import Cluster, ConfigFile, Engine, Json, Output, Overrides, Overwrite, Quiet
from rapidity.cli.outcome import print_json


def train(
    config: ConfigFile,
    output: Output = None,
    engine: Engine = None,
    overrides: Overrides = None,
    cluster: Cluster = None,
    *,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train, evaluate and export one run.

    A YAML file goes in; a folder with model.onnx, metrics.json and report.html comes out.
    """
    from rapidity.core.progress import make_progress
    from rapidity.workflow import train_run

    run = train_run(
        config,
        output=output,
        engine=engine,
        overrides=overrides or (),
        resume=resume,
        overwrite=overwrite,
        cluster=cluster,
        progress=make_progress(quiet=quiet),
    )
    if as_json:
        print_json({"folder": run.folder, "metrics": run.metrics})
    else:
        typer.echo(run.summary())
