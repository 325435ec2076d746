from __future__ import annotations

import numpy as np

from rapidity.explanation import Plane
from rapidity.report import draw_probe


def test_every_figure_of_a_probe_is_drawn(make_result, names, tmp_path):
    rng = np.random.default_rng(1)
    planes = [
        Plane(name, name, "x", "y", "Points.", rng.normal(size=(200, 2)).astype(float))
        for name in ("pca", "probe")
    ]
    figures = draw_probe(make_result(names), planes, np.arange(200) % len(names), "a $target % 2", tmp_path)
    stems = ["roc", "confusion", "confusion_counts", "embeddings_pca", "embeddings_probe"]
    assert [figure.name for figure in figures] == stems
    assert all((tmp_path / f"{stem}.png").read_bytes()[:4] == b"\x89PNG" for stem in stems)


def test_figures_in_other_formats(make_result, tmp_path):
    plane = Plane("pca", "Title", "x", "", "Points.", np.zeros((10, 2)))
    figures = draw_probe(make_result(), [plane], np.arange(10) % 2, "target", tmp_path, ("png", "pdf"))
    assert {path.suffix for figure in figures for path in figure.paths} == {".png", ".pdf"}
