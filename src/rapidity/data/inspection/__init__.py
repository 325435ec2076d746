"""A first look into a file of events: its tables, columns, ranges, missing values, sentinels, duplicates."""

from __future__ import annotations

from rapidity.data.inspection.histogram import ASCII, BLOCKS, Histogram
from rapidity.data.inspection.inspecting import inspect_file
from rapidity.data.inspection.sentinels import Sentinel, find_sentinels
from rapidity.data.inspection.summary import (
    ClassBalance,
    ColumnSummary,
    FileSummary,
    MissingTogether,
    ObjectCounts,
)
from rapidity.data.inspection.text import format_summary

__all__ = [
    "ASCII",
    "BLOCKS",
    "ClassBalance",
    "ColumnSummary",
    "FileSummary",
    "Histogram",
    "MissingTogether",
    "ObjectCounts",
    "Sentinel",
    "find_sentinels",
    "format_summary",
    "inspect_file",
]
