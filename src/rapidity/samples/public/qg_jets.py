"""Quark and gluon jets as lists of particles: Komiske, Metodiev and Thaler, arXiv:1810.05165."""

from __future__ import annotations

from rapidity.samples.public.data_set import PublicDataSet, RemoteFile

RECORD = "https://zenodo.org/records/3164691/files"
# As the package EnergyFlow of the authors checks them.
SHA256 = (
    "3f27a02eab06e8b83ccc9d25638021e6e24c9361341730961f9d560dee12c257",
    "648e49cd59b5353e0064e7b1a3388d9c2f4a454d3ca67afaa8d0344c836ecb35",
    "09f7b16fa7edb312c0f652bb8504de45f082c4193df65204d693155017272fe9",
    "7dc9a50bb38e9f6fc1f11db18f9bd04f72823c944851746b848dee0bba808537",
    "3e6217aad8e0502f5ce3b6371c61396dfc48a6cf4f26ee377cc7b991b1d2b543",
    "b5b7d742b2599bcbe1d7a639895bca64c28da513dc3620b0e5bbb5801f8c88fd",
    "7d31bc48c15983401e0dbe8fd5ee938c3809d9ee3c909f4adab6daf8b73c14f1",
    "cec0d7b2afa9d955543c597f9b7f3b3767812a68b2401ec870caf3a2ceb98401",
    "e984620f57abe06fc5d0b063f9f84ba54bd3e8c295d2b2419a7b1c6175079ed4",
    "6e3b69196995d6eb3b8e7af874e2b9f93d904624f7a7a73b8ff39f151e3bd189",
    "fa3d386f230b806058ff17e5bd77326ff4bf01d72aa5eb3325c1df2a8825927c",
    "acd49ab7bea8f72ecf699a9a898bccacc8730474259d68406656a5a43d407fb0",
    "2edd55b8bc30c686a0637855e1ba068586eb97041e8114d5540d96db2a7a2e17",
    "7276a8a0e573f9795a47f9d5addc10d2af903c2a0ffa5c848a720ccae93daa90",
    "2068ecfa912e94cd3ce7273b7c77af0bbd5ec57940997e7483b56f03434a6869",
    "41a732ce6321dd593214225b03fb87329607ccae768c705e3896ffecc28bfcca",
    "9d68caeb18f3ccf127b9032f52e63ee011c4381293a3a503f894e5c0741ae215",
    "086053ca611bb04d97fa0b6509b4ffb6955421b067c7b277498f0e5188879331",
    "cdc595f5fedef7db9411a9f93f2786f110073b4d17a523700f625846588b1e44",
    "d07781139320ae134ce4824bc0cefa43fd5003cd97cdf3aed90d4fb12fad8a1d",
)


def _file(number: int, sha256: str) -> RemoteFile:
    name = f"QG_jets_{number}.npz" if number else "QG_jets.npz"
    return RemoteFile(name, (f"{RECORD}/{name}",), sha256=sha256)


FILES = tuple(_file(number, sha256) for number, sha256 in enumerate(SHA256))
TERMS = "as the record states; cite doi:10.5281/zenodo.3164691"
SOURCE = "P. Komiske, E. Metodiev, J. Thaler, Zenodo record 3164691"

QG_JETS = PublicDataSet(
    name="qg-jets",
    title="100,000 quark and gluon jets of 500 GeV, Pythia 8: X (pt, y, phi, id; padded) and y, NPZ",
    terms=TERMS,
    source=SOURCE,
    files=FILES[:1],
)
QG_JETS_ALL = PublicDataSet(
    name="qg-jets-all",
    title="2,000,000 of them: qg-jets and 19 files more",
    terms=TERMS,
    source=SOURCE,
    files=FILES,
)
