"""Arguments and options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="The YAML file of the run.", show_default=False)
]
RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="The folder of a run, such as runs/demo.", show_default=False)
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Folder of the run. [default: runs/NAME]", show_default=False),
]
Engine = Annotated[
    str | None,
    typer.Option("--engine", help="Engine that trains. [default: as configured]", show_default=False),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Replace one value, say training.epochs=5. May be repeated.",
        show_default=False,
    ),
]  # fmt: skip
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is already there.")]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster", metavar="CLUSTER", show_default=False,
        help="Machines that share the work: local:N, tcp://HOST:PORT of a Dask scheduler, or a YAML file "
        "with a block `cluster:` (Slurm, HTCondor, PBS, LSF). [default: this machine]",
    ),
]  # fmt: skip
