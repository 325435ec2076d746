"""Looking at files such that small ones have several parts; worker processes import it by its name."""

from __future__ import annotations

from unittest import mock

from rapidity.data.conversion import looking


def look_for_small_parts(task: looking.FileTask) -> looking.FileLook | looking.BadFile:
    with mock.patch.multiple(looking, PART_BYTES=1, FEWEST_ENTRIES=25):
        return looking.look_at_file(task)
