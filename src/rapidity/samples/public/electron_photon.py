"""Simulated CMS images of electrons and photons, from a public exercise."""

from __future__ import annotations

from rapidity.samples.public.data_set import PublicDataSet, RemoteFile

SHARES = {
    "SinglePhotonPt50_IMGCROPS_n249k_RHv1.hdf5": "AtBT8y4MiQYFcgc",
    "SingleElectronPt50_IMGCROPS_n249k_RHv1.hdf5": "FbXw3V4XNyYB3oA",
}
"""File -> name of its public folder."""


def _file(name: str, share: str) -> RemoteFile:
    return RemoteFile(name, (f"https://cernbox.cern.ch/remote.php/dav/public-files/{share}/{name}",))


ELECTRON_PHOTON = PublicDataSet(
    name="electron-photon",
    title="498,000 crystal images (32 x 32, energy and time) of electrons and photons, HDF5, a file of each",
    terms="no licence stated there; no checksum either: that of your first download is recorded and verified",
    source="ML4SCI (ml4sci.org), electron/photon classification; files on CERNBox",
    files=tuple(_file(name, share) for name, share in SHARES.items()),
)
