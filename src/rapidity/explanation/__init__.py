"""What a network has learnt: linear probes of the embeddings that its layers make.

Entry file: `probe`. Nothing here draws, reads or writes files.
"""

from rapidity.explanation.planes import Plane, find_planes
from rapidity.explanation.probe import Embeddings, LinearProbe, fit_probe
from rapidity.explanation.target import ProbeTarget, make_target

__all__ = [
    "Embeddings",
    "LinearProbe",
    "Plane",
    "ProbeTarget",
    "find_planes",
    "fit_probe",
    "make_target",
]
