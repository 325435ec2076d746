"""Figures and pages made from result records; the only place that draws.

matplotlib and mplhep are imported when something is drawn, through objects of their own: no global
setting changes, and no figure is left in pyplot.
"""

from rapidity.report.clouds import CloudData
from rapidity.report.computational_graph import draw_computational_graph
from rapidity.report.content import ReportContent
from rapidity.report.evaluation_figures import draw_evaluated, draw_evaluation
from rapidity.report.figures import DrawnFigure
from rapidity.report.history import draw_fold_histories, draw_history
from rapidity.report.inputs import InputData, draw_inputs
from rapidity.report.interactive import draw_interactive, find_pages
from rapidity.report.network_figure import draw_network
from rapidity.report.page import render_page, write_report
from rapidity.report.probe import draw_probe

__all__ = [
    "CloudData",
    "DrawnFigure",
    "InputData",
    "ReportContent",
    "draw_computational_graph",
    "draw_evaluated",
    "draw_evaluation",
    "draw_fold_histories",
    "draw_history",
    "draw_inputs",
    "draw_interactive",
    "draw_network",
    "draw_probe",
    "find_pages",
    "render_page",
    "write_report",
]
