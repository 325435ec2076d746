"""The sample `lhcb_pid`: tracks of six classes with the columns of LHCb's public exercise."""

from __future__ import annotations

from rapidity.samples.lhcb.columns import CLASSES, COLUMNS, LABEL, ORDER
from rapidity.samples.lhcb.simulation import simulate_tracks
from rapidity.samples.sample import TrackSample

LHCB_PID = TrackSample(
    name="lhcb_pid",
    title="electrons, muons, pions, kaons, protons and ghosts in a forward spectrometer",
    classes=CLASSES,
    columns=COLUMNS,
    order=ORDER,
    target=LABEL,
    identifier="ID",
    simulate=simulate_tracks,
)
