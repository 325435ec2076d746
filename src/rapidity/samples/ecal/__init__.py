"""Electrons and photons in the barrel of a crystal calorimeter behind a tracker, as in CMS.

`simulation.py` puts together: `material.py` (what stands in the tracker), `radiation.py` (photons radiated
and converted), `transport.py` (flight through the magnetic field), `shower_profile.py` and `lateral.py`
(showers), `readout.py` (noise, thresholds, times), `geometry.py` (sizes).
"""
