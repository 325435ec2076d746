"""Ntuples to one columnar file, part by part: looking at the files, planning, one part, putting together.

What is done where, and in which order, is the business of `workflow.convert`:

- `looking.look_at_file` says what a file holds (`padded_arrays`: which arrays hold objects), and where it may
  be cut into parts,
- `planning.plan_conversion` decides which columns are read and what is written,
- `part.convert_part` converts one part into a part file, in whatever process,
- `journal.Journal` keeps the parts that are done,
- `assembly.Assembly` has them put together, in their order (`merging`) or each at its place (`placing`),
- and `accounting` says where every row went.
"""

from __future__ import annotations
