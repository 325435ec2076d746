"""Writers of event files: one module per format, all behind `open_writer`.

Files are written chunk by chunk in flat memory and appear whole or not at all. What is written are
columns: which ones, and their values, is the business of the caller.
"""

from __future__ import annotations

from rapidity.data.writers.compound import write_compound_hdf5
from rapidity.data.writers.opening import WRITABLE_SUFFIXES, load_writer, open_writer
from rapidity.data.writers.writer import FORMAT_VERSION, OutputColumn, Writer

__all__ = [
    "FORMAT_VERSION",
    "WRITABLE_SUFFIXES",
    "OutputColumn",
    "Writer",
    "load_writer",
    "open_writer",
    "write_compound_hdf5",
]
