"""`rapidity check`."""

import typer

from rapidity.cli.options import ConfigFile, Json, Overrides, Quiet
from rapidity.cli.outcome import print_json


def check(
    config: ConfigFile, overrides: Overrides = None, *, quiet: Quiet = False, as_json: Json = False
) -> None:
    """Check a configuration and its data files.

    Lists all problems at once, or what would be trained: features, shapes, parameters.
    """
    from rapidity.core.progress import make_progress
    from rapidity.workflow import check_config

    result = check_config(config, overrides=overrides or (), progress=make_progress(quiet=quiet))
    if as_json:
        print_json(result.to_dict())
    else:
        typer.echo(result.summary())
