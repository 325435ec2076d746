"""What all floors share: errors, records passed between floors, files, random numbers, progress.

Nothing here knows of events, networks or files of any format.
"""
