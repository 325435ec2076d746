"""`rapidity graph`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from rapidity.cli.options import Json, Overwrite
from rapidity.cli.outcome import print_json, print_table


def graph(
    expression: Annotated[
        str, typer.Argument(metavar="EXPRESSION", help="Such as 'w0*x1 + sin(w1*x2)/x3'.", show_default=False)
    ],
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter", "-p", metavar="NAME=VALUE", help="What to differentiate by. May be repeated.",
            show_default=False,
        ),
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input", "-i", metavar="NAME=VALUE", show_default=False,
            help="Everything else: a number, several with commas, FILE.npy or FILE.csv[:COLUMN]. "
            "May be repeated.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE|DIR", show_default=False,
            help="Write a drawing (.svg, .png) or the graph for Netron (.onnx); into a folder, all three.",
        ),
    ] = None,
    *,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Compute an expression as a graph: value, gradients, and what happened to each node."""
    from rapidity.workflow.graph import compute_graph
    from rapidity.workflow.named_values import read_named_values

    result = compute_graph(
        expression,
        read_named_values(parameters or [], "--parameter"),
        read_named_values(inputs or [], "--input"),
    )
    # Before anything is printed: an output that cannot be written is an error.
    written = [] if output is None else result.write(output, overwrite=overwrite)
    if as_json:
        print_json({**result.to_dict(), "files": [str(path) for path in written]})
    else:
        _print(result)
    for path in written:
        typer.echo(f"Written: {path}", err=True)


def _print(result: Any) -> None:
    from rapidity.report.computational_graph import format_values

    typer.echo(f"{result.expression.text} = {format_values(result.value)}")
    of_sum = " of the sum of the values" if result.value.size > 1 else ""
    for name, gradient in result.gradients.items():
        typer.echo(f"gradient{of_sum} for {name}: {format_values(gradient)}")
    typer.echo()
    rows = [
        (
            f"#{node.number}",
            node.formula.partition(" = ")[2] or node.formula,
            node.operation or node.kind,
            format_values(node.value),
            "" if node.gradient is None else format_values(node.gradient),
            node.freed,
        )
        for node in result.nodes
    ]
    print_table(rows, ["node", "what", "operation", "value", "gradient", "freed"])
    typer.echo(f"\n{result.summary()}")
