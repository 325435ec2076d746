"""Apply particles.onnx to a file without labels: one matrix of its columns in, six probabilities out.

Nothing of Rapidity is needed here, only ONNX Runtime:

    python predict.py runs/lhcb-pid/particles.onnx test.csv.gz prediction.csv
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime
from pyarrow import csv

BATCH_SIZE = 100_000


def main() -> None:
    """Write the most probable class and all probabilities of every track."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("tracks", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()

    session = onnxruntime.InferenceSession(arguments.model, providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    classes = json.loads(facts["rapidity.classes"])
    (entry,) = session.get_inputs()

    table = csv.read_csv(arguments.tracks)
    columns = table.drop_columns(["ID"])
    matrix = np.column_stack([column.to_numpy() for column in columns.columns]).astype(np.float32)
    batches = np.split(matrix, range(BATCH_SIZE, len(matrix), BATCH_SIZE))
    probabilities = np.concatenate([session.run(None, {entry.name: batch})[0] for batch in batches])

    with arguments.output.open("w", encoding="utf-8") as stream:
        print("ID", "Prediction", *classes, sep=",", file=stream)
        for track, row in zip(table["ID"].to_pylist(), probabilities, strict=True):
            print(track, classes[row.argmax()], *(f"{value:.6f}" for value in row), sep=",", file=stream)
    print(f"{len(matrix):,} tracks: {arguments.output}")


if __name__ == "__main__":
    main()
