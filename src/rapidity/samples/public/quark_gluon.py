"""Simulated CMS images of quark and gluon jets, from a public exercise (Andrews et al., arXiv:1902.08276)."""

from __future__ import annotations

from rapidity.samples.public.data_set import PublicDataSet, RemoteFile

SHARE = "hqz8zE7oxyPjvsL"
"""Name of the public folder."""
RUNS = {"run0": 36_272, "run1": 47_540, "run2": 55_494}
"""Part -> jets."""


def _file(run: str, n_jets: int) -> RemoteFile:
    name = f"QCDToGGQQ_IMGjet_RH1all_jet0_{run}_n{n_jets}.test.snappy.parquet"
    return RemoteFile(name, (f"https://cernbox.cern.ch/remote.php/dav/public-files/{SHARE}/{name}",))


QUARK_GLUON = PublicDataSet(
    name="quark-gluon",
    title=f"{sum(RUNS.values()):,} images (tracks, ECAL, HCAL; 125 x 125) of jets, pt, m0 and y, Parquet",
    terms="no licence stated there; no checksum either: that of your first download is recorded and verified",
    source="ML4SCI (ml4sci.org), quark/gluon classification; files on CERNBox",
    files=tuple(_file(run, n_jets) for run, n_jets in RUNS.items()),
)
