"""Handwritten digits, 28 x 28 pixels: LeCun, Cortes and Burges, The MNIST database (1998)."""

from __future__ import annotations

from rapidity.samples.public.data_set import PublicDataSet, RemoteFile

# Mirrors kept by two large projects; the original page no longer gives the files to programs.
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)


def _file(name: str, size: int, sha256: str, content_sha256: str) -> RemoteFile:
    return RemoteFile(name, tuple(mirror + name for mirror in MIRRORS), size, sha256, content_sha256)


MNIST = PublicDataSet(
    name="mnist",
    title="70,000 handwritten digits of 28 x 28 pixels (IDX): 60,000 to train with, 10,000 to test with",
    terms="CC BY-SA 3.0; Yann LeCun, Corinna Cortes",
    source="Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits",
    files=(
        _file(
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        _file(
            "train-labels-idx1-ubyte.gz",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        _file(
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        _file(
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
)
