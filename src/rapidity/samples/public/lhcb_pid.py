"""Simulated LHCb tracks of six particle types, from a public course."""

from __future__ import annotations

from rapidity.samples.public.data_set import PublicDataSet, RemoteFile

RELEASE = "https://github.com/hse-aml/hadron-collider-machine-learning/releases/download/Week_2/"

LHCB_PID = PublicDataSet(
    name="lhcb-pid",
    title="LHCb tracks with 49 features and the type of the particle; test.csv.gz comes without the types",
    terms="no licence stated there; no checksum either: that of your first download is recorded and verified",
    source="github.com/hse-aml/hadron-collider-machine-learning, release Week_2",
    files=(
        RemoteFile("training.csv.gz", (RELEASE + "training.csv.gz",), size=247_314_656),
        RemoteFile("test.csv.gz", (RELEASE + "test.csv.gz",)),
    ),
)
