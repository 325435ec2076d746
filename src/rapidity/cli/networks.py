"""`rapidity networks`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from rapidity.cli.options import Json
from rapidity.cli.outcome import print_json, print_table

IMAGE_AXES = 3


def networks(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One network; left out, all of them.")
    ] = None,
    draw: Annotated[
        Path | None,
        typer.Option("--draw", metavar="FILE", help="Draw the network into this picture (PNG, PDF, SVG)."),
    ] = None,
    n_features: Annotated[
        int | None, typer.Option("--features", min=1, help="Number of features that go in, for tables.")
    ] = None,
    image: Annotated[
        str | None,
        typer.Option("--image", metavar="SIZE", help="Size of the images that go in, as 28x28 or 28x28x3."),
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """List, describe or draw the named networks."""
    from rapidity.core.errors import ConfigError
    from rapidity.network import CATALOGUE, describe_network

    if name is None and draw is not None:
        message = "--draw needs the name of a network, say: rapidity networks mlp --draw mlp.png"
        raise ConfigError(message)
    chosen = [name] if name else list(CATALOGUE)
    shapes = {1: (n_features,) if n_features else None, IMAGE_AXES: _read_image_shape(image)}
    inputs = [_replace_shapes(CATALOGUE.get_variant(each).reference_inputs, shapes) for each in chosen]
    descriptions = [describe_network(*each) for each in zip(chosen, inputs, strict=True)]
    if as_json:
        print_json([_as_dict(description) for description in descriptions])
    elif name is None:
        rows = [
            (each.name, each.n_parameters, _as_text(each.inputs), each.description) for each in descriptions
        ]
        print_table(rows, ["network", "parameters", "for", "what it is"])
        typer.echo("\nParameters: for these inputs and two classes, with the defaults.")
    else:
        _print_one(descriptions[0])
    if draw is not None:
        from rapidity.report import draw_network

        draw_network(descriptions[0].network, draw)
        typer.echo(f"Drawn: {draw}", err=True)


def _read_image_shape(text: str | None) -> tuple[int, ...] | None:
    """Return `28x28` as (28, 28, 1)."""
    from rapidity.core.errors import ConfigError

    if text is None:
        return None
    sizes = text.lower().split("x")
    if len(sizes) not in (2, IMAGE_AXES) or not all(size.isdecimal() and int(size) > 0 for size in sizes):
        message = (
            f"--image {text}: expected height and width, and channels if above one, as 28x28 or 28x28x3."
        )
        raise ConfigError(message)
    return tuple(int(size) for size in (sizes if len(sizes) == IMAGE_AXES else [*sizes, "1"]))


def _replace_shapes(
    inputs: Mapping[str, tuple[int, ...]], by_n_axes: Mapping[int, tuple[int, ...] | None]
) -> dict[str, tuple[int, ...]]:
    from rapidity.network.layers.masks import is_mask

    return {
        name: shape if is_mask(name, inputs) else by_n_axes.get(len(shape)) or shape
        for name, shape in inputs.items()
    }


def _print_one(description: Any) -> None:
    typer.echo(f"{description.name}: {description.description}")
    if description.paper:
        typer.echo(f"Source: {description.paper}")
    typer.echo(f"Parameters: {description.n_parameters:,} for {_as_text(description.inputs)}, two classes\n")
    rows = [(key.name, _as_yaml(key.default), key.description) for key in description.keys]
    print_table(rows, ["key", "default", "meaning"])


def _as_text(inputs: Mapping[str, tuple[int, ...]]) -> str:
    """Return `image 28x28x1`, or `26 features`; masks go without saying."""
    from rapidity.network.layers.masks import is_mask

    return ", ".join(
        f"{shape[0]} features" if len(shape) == 1 else f"{name} {'x'.join(map(str, shape))}"
        for name, shape in inputs.items()
        if not is_mask(name, inputs)
    )


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
        "inputs": {name: list(shape) for name, shape in description.inputs.items()},
        "n_parameters": description.n_parameters,
        "keys": keys,
    }
