"""How a verb ends: its exit code, its message on stderr, its result on stdout."""

import functools
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from rapidity.core.errors import InterruptedRunError, MissingNameError, RapidityError

INTERRUPTED = 130
_SHOWN_AS = {MissingNameError: "DataError", InterruptedRunError: "Interrupted"}


def with_exit_codes(verb: Callable[..., Any]) -> Callable[..., None]:
    """Return the verb with its expected failures turned into a message and an exit code.

    An exception that is not a RapidityError is a bug, and keeps its traceback.
    """

    @functools.wraps(verb)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            verb(*arguments, **options)
            sys.stdout.flush()
        except RapidityError as error:
            name = _SHOWN_AS.get(type(error), type(error).__name__)
            typer.echo(f"{name}: {error}", err=True)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as interrupt:
            typer.echo("Interrupted.", err=True)
            raise typer.Exit(INTERRUPTED) from interrupt
        except BrokenPipeError:
            # The reader of our output (say `head`) has enough. Python would complain once more
            # when it flushes stdout at the end, so that goes nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    return run


def print_json(result: Any) -> None:
    """Print a result for programs on stdout; NaN and infinities become null, which JSON has not."""
    typer.echo(json.dumps(_plain(result), indent=2, allow_nan=False))


def print_table(rows: Sequence[Sequence[object]], header: Sequence[str]) -> None:
    """Print rows on stdout with aligned columns, numbers to the right."""
    cells = [[_show(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    is_number = [
        all(isinstance(row[i], (int, float)) or row[i] is None for row in rows) for i in range(len(header))
    ]
    for line in [list(header), *cells]:
        padded = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, is_number, strict=True)
        ]
        typer.echo("  ".join(padded).rstrip())


def _show(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:.5g}" if isinstance(cell, float) else str(cell)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays
        return _plain(value.tolist())
    if isinstance(value, float) and value - value != 0:
        return None
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
