"""Public data sets: fetched from where they are published, verified, never carried along.

`PUBLIC_DATA_SETS` maps names to what can be had; `fetch` puts its files into a folder.
"""

from __future__ import annotations

from rapidity.samples.public.catalogue import PUBLIC_DATA_SETS
from rapidity.samples.public.data_set import FetchedFile, FetchSummary, PublicDataSet, RemoteFile
from rapidity.samples.public.fetching import fetch

__all__ = ["PUBLIC_DATA_SETS", "FetchSummary", "FetchedFile", "PublicDataSet", "RemoteFile", "fetch"]
