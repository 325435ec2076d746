"""Where the boxes of a network go: one row a step of computation, branches side by side.

Rows follow from the longest path. Boxes that follow each other stay in one straight lane; a box that
joins branches stands in the middle below them; a connection over several rows runs down a lane, or
between lanes, in which no box stands in its way.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Point = tuple[float, int]
BOX_TO_BOX, BOX_TO_LINE, LINE_TO_LINE = 1.0, 0.5, 0.12
"""Smallest distances within a row, in units of the distance between lanes."""


@dataclass(frozen=True)
class Layout:
    """Places of boxes and the ways of connections.

    Attributes
    ----------
    places
        Box name -> (x, row); lanes are 1 apart, rows count downwards from 0.
    ways
        (from, to) -> points (x, row) on the way, both ends included.
    """

    places: Mapping[str, Point]
    ways: Mapping[tuple[str, str], tuple[Point, ...]]

    @property
    def extent(self) -> tuple[float, float]:
        """Smallest and largest x of all boxes, with half the room that each takes, and ways."""
        boxes = [x for x, _ in self.places.values()]
        lines = [x for way in self.ways.values() for x, _ in way]
        half = BOX_TO_BOX / 2
        return min(min(boxes) - half, *lines), max(max(boxes) + half, *lines)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return max(row for _, row in self.places.values()) + 1


@dataclass
class _Rows:
    """What stands where so far."""

    boxes: dict[int, list[float]] = field(default_factory=dict)
    lines: dict[int, list[float]] = field(default_factory=dict)

    def has_room_for_box(self, x: float, row: int) -> bool:
        boxes, lines = self.boxes.get(row, ()), self.lines.get(row, ())
        return all(abs(x - box) >= BOX_TO_BOX for box in boxes) and all(
            abs(x - line) >= BOX_TO_LINE for line in lines
        )

    def has_room_for_line(self, x: float, row: int) -> bool:
        boxes, lines = self.boxes.get(row, ()), self.lines.get(row, ())
        return all(abs(x - box) >= BOX_TO_LINE for box in boxes) and all(
            abs(x - line) >= LINE_TO_LINE for line in lines
        )


def arrange(inputs_of: Mapping[str, Sequence[str]], *, late_inputs: bool = False) -> Layout:
    """Return the layout of a graph given as box -> boxes that it takes, in an order of computation.

    Parameters
    ----------
    late_inputs
        Put boxes that take nothing just above the first one that takes them, instead of all at the top.

    Examples
    --------
    >>> layout = arrange({"in": [], "a": ["in"], "b": ["in"], "sum": ["a", "b"]})
    >>> layout.places["b"], layout.places["sum"]
    ((1.0, 1), (0.5, 2))
    """
    row_of: dict[str, int] = {}
    for name, inputs in inputs_of.items():
        row_of[name] = max((row_of[source] + 1 for source in inputs), default=0)
    if late_inputs:
        _move_inputs_down(inputs_of, row_of)
    rows = _Rows()
    x_of: dict[str, float] = {}
    for lane in _lanes(inputs_of, row_of):
        above = [x_of[source] for source in inputs_of[lane[0]] if source in x_of]
        wanted = (min(above) + max(above)) / 2 if above else 0.0
        x = next(x for x in _outwards(wanted, 1.0) if all(rows.has_room_for_box(x, row_of[n]) for n in lane))
        for name in lane:
            x_of[name] = x
            rows.boxes.setdefault(row_of[name], []).append(x)
    places = {name: (x_of[name], row_of[name]) for name in inputs_of}
    links = [(source, name) for name, inputs in inputs_of.items() for source in dict.fromkeys(inputs)]
    # Short connections first: they take the ways close by.
    links.sort(key=lambda link: row_of[link[1]] - row_of[link[0]])
    return Layout(places, {link: _find_way(places[link[0]], places[link[1]], rows) for link in links})


def _move_inputs_down(inputs_of: Mapping[str, Sequence[str]], row_of: dict[str, int]) -> None:
    for name, inputs in inputs_of.items():
        if not inputs:
            followers = [row_of[other] for other, taken in inputs_of.items() if name in taken]
            row_of[name] = min(followers, default=1) - 1


def _lanes(inputs_of: Mapping[str, Sequence[str]], row_of: Mapping[str, int]) -> Iterator[list[str]]:
    """Yield chains of boxes that belong below each other; each box is in one."""
    followers: dict[str, list[str]] = {name: [] for name in inputs_of}
    for name, inputs in inputs_of.items():
        for source in dict.fromkeys(inputs):
            followers[source].append(name)
    placed: set[str] = set()
    for first in sorted(inputs_of, key=lambda name: row_of[name]):
        if first in placed:
            continue
        lane = [first]
        while True:
            last = lane[-1]
            following = [
                name
                for name in followers[last]
                # A box that joins branches starts a lane of its own, in the middle below them.
                if name not in placed and row_of[name] == row_of[last] + 1 and len(inputs_of[name]) == 1
            ]
            if not following:
                break
            lane.append(following[0])
        placed.update(lane)
        yield lane


def _find_way(start: Point, end: Point, rows: _Rows) -> tuple[Point, ...]:
    """Return the points of a connection; rows in between are passed where nothing stands."""
    between = range(start[1] + 1, end[1])
    if not between:
        return (start, end)
    near = itertools.chain([start[0], end[0]], _outwards((start[0] + end[0]) / 2, 0.25))
    x = next(x for x in near if all(rows.has_room_for_line(x, row) for row in between))
    for row in between:
        rows.lines.setdefault(row, []).append(x)
    return (start, *((x, row) for row in between), end)


def _outwards(centre: float, step: float) -> Iterator[float]:
    """Yield positions further and further from the centre, on both sides."""
    yield centre
    for count in itertools.count(1):
        yield centre + count * step
        yield centre - count * step
