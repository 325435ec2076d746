"""`rapidity generate --selection`."""

from __future__ import annotations

import pytest

from rapidity.cli import main


@pytest.mark.parametrize(
    ("sample", "selection", "message"),
    [
        ("tth_bb", "6j4", "unknown selection of tth_bb '6j4'"),
        ("hww_ttbar", "6j4b", "unknown selection of hww_ttbar '6j4b'"),
        ("lhcb_pid", "6j4b", "sample 'lhcb_pid' has no selection '6j4b'"),
    ],
)
def test_a_selection_reaches_the_sample(tmp_path, capsys, sample, selection, message):
    with pytest.raises(SystemExit) as caught:
        main(["generate", sample, "--selection", selection, "-o", str(tmp_path / "a.root")])
    assert caught.value.code
    assert message in capsys.readouterr().err
