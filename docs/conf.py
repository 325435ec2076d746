"""Sphinx configuration of the documentation."""

from __future__ import annotations

import sys
from pathlib import Path

from rapidity import __version__

sys.path.insert(0, str(Path(__file__).parent))
from configuration_reference import write_reference

project = "Rapidity"
author = "the Rapidity developers"
copyright = "2026, the Rapidity developers"  # noqa: A001 - the name that Sphinx reads
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "pydata_sphinx_theme"
html_title = "Rapidity"
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False}
autodoc_member_order = "bysource"
autodoc_typehints = "description"

write_reference(Path(__file__).parent / "reference" / "generated" / "configuration.md")
