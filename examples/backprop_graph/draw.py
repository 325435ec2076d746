"""Draw the graph of the lab, and write it as ONNX for Netron."""

from __future__ import annotations

import argparse
from pathlib import Path

from graph import EXPRESSION
from PIL import Image

import rapidity

PARAMETERS = {"w0": 0.5, "w1": 2.0}
INPUTS = {"x1": 1.0, "x2": 0.25, "x3": 4.0}


def draw(folder: Path) -> list[Path]:
    """Write ``graph.svg``, ``graph.png`` and ``graph.onnx`` into a folder."""
    written = rapidity.graph(EXPRESSION, PARAMETERS, INPUTS).write(folder, overwrite=True)
    picture = folder / "graph.png"
    # A few dozen colours are enough for a drawing, and a third of the bytes.
    with Image.open(picture) as image:
        small = image.convert("RGB").quantize(48)
    small.save(picture, optimize=True)
    return written


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path())
    for path in draw(parser.parse_args().output):
        print(path)
