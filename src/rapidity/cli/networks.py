"""`rapidity networks`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from rapidity.cli.options import Json
from rapidity.cli.outcome import print_json, print_table


def networks(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One network; left out, all of them.")
    ] = None,
    draw: Annotated[
        Path | None,
        typer.Option("--draw", metavar="FILE", help="Draw the network into this picture (PNG, PDF, SVG)."),
    ] = None,
    n_features: Annotated[int, typer.Option("--features", min=1, help="Number of features that go in.")] = 26,
    *,
    as_json: Json = False,
) -> None:
    """List, describe or draw the named networks."""
    from rapidity.core.errors import ConfigError
    from rapidity.network import CATALOGUE, describe_network

    if name is None and draw is not None:
        message = "--draw needs the name of a network, say: rapidity networks mlp --draw mlp.png"
        raise ConfigError(message)
    descriptions = [describe_network(each, n_features) for each in ([name] if name else CATALOGUE)]
    if as_json:
        print_json([_as_dict(description) for description in descriptions])
    elif name is None:
        rows = [(each.name, each.n_parameters, each.description) for each in descriptions]
        print_table(rows, ["network", "parameters", "what it is"])
        typer.echo(f"\nParameters: for {n_features} features and two classes, with the defaults.")
    else:
        _print_one(descriptions[0])
    if draw is not None:
        from rapidity.report import draw_network

        draw_network(descriptions[0].network, draw)
        typer.echo(f"Drawn: {draw}", err=True)


def _print_one(description: Any) -> None:
    typer.echo(f"{description.name}: {description.description}")
    if description.paper:
        typer.echo(f"Source: {description.paper}")
    typer.echo(
        f"Parameters: {description.n_parameters:,} for {description.n_features} features, two classes\n"
    )
    rows = [(key.name, _as_yaml(key.default), key.description) for key in description.keys]
    print_table(rows, ["key", "default", "meaning"])


def _as_yaml(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(_as_yaml, value))}]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(value)


def _as_dict(description: Any) -> dict[str, Any]:
    keys = [
        {"name": key.name, "default": key.default, "description": key.description} for key in description.keys
    ]
    return {
        "name": description.name,
        "description": description.description,
        "source": description.paper,
        "n_features": description.n_features,
        "n_parameters": description.n_parameters,
        "keys": keys,
    }
