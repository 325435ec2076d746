"""From particle-physics ntuples to a trained, checked neural network in one ONNX file."""
