"""A first look into a file of events: its tables, columns, ranges, missing values, sentinels, duplicates."""

from __future__ import annotations

from rapidity.data.inspection.inspecting import inspect_file
from rapidity.data.inspection.sentinels import Sentinel, find_sentinels
from rapidity.data.inspection.summary import ColumnSummary, FileSummary

__all__ = ["ColumnSummary", "FileSummary", "Sentinel", "find_sentinels", "inspect_file"]
