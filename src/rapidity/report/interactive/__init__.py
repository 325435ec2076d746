"""Plots to zoom into: HTML files that open without a network, made from the records that the PNGs show."""

from rapidity.report.interactive.pages import draw_interactive, find_pages

__all__ = ["draw_interactive", "find_pages"]
