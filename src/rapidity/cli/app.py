"""The table of verbs, and the entry point."""

import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from rapidity.cli.check import check
from rapidity.cli.convert import convert
from rapidity.cli.demo import demo
from rapidity.cli.evaluate import evaluate
from rapidity.cli.fetch import fetch
from rapidity.cli.generate import generate
from rapidity.cli.graph import graph
from rapidity.cli.init import init
from rapidity.cli.inspect import inspect
from rapidity.cli.networks import networks
from rapidity.cli.outcome import INTERRUPTED, with_exit_codes
from rapidity.cli.predict import predict
from rapidity.cli.probe import probe
from rapidity.cli.report import report
from rapidity.cli.schema import schema
from rapidity.cli.train import train

VERBS: dict[str, Callable[..., Any]] = {
    "demo": demo,
    "train": train,
    "check": check,
    "schema": schema,
    "init": init,
    "inspect": inspect,
    "convert": convert,
    "generate": generate,
    "fetch": fetch,
    "networks": networks,
    "graph": graph,
    "predict": predict,
    "evaluate": evaluate,
    "probe": probe,
    "report": report,
}
"""Name on the command line -> function, in the order of the help."""


def make_app() -> typer.Typer:
    """Return the Typer application with all verbs."""
    # Typer's rich help takes longer to import than everything else together.
    app = typer.Typer(
        name="rapidity",
        help="From particle-physics ntuples to a trained, checked neural network in one ONNX file.",
        epilog="Exit codes: 0 done; 2 the input is wrong; 3 a verification failed; 130 interrupted.",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback()(_common_options)
    for name, verb in VERBS.items():
        app.command(name)(with_exit_codes(verb))
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code.

    Parameters
    ----------
    arguments
        Words after `rapidity`; left out, those of the process.
    """
    try:
        make_app()(args=None if arguments is None else list(arguments), prog_name="rapidity")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        from importlib.metadata import version

        typer.echo(f"rapidity {version('rapidity')}")
        raise typer.Exit


def _common_options(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """From particle-physics ntuples to a trained, checked neural network in one ONNX file."""
