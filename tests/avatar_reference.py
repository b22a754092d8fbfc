"""What onnxruntime makes of a drawing: python -m tests.avatar_reference MODEL INPUT OUTPUT

INPUT and OUTPUT are RGBA bytes of square pictures; the values between are those of the artifact: byte /
127.5 - 1, and back rounded half to even.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from onnx2wgsl.compiler.reference.oracle import Oracle


def main(model: Path, source: Path, target: Path) -> None:
    """Writes the picture."""
    oracle = Oracle(model, signed_integer_kernels=None)
    ((name, (_, shape)),) = oracle.inputs.items()
    side = int(str(shape[2]))
    pixels = np.frombuffer(source.read_bytes(), np.uint8).reshape(side, side, 4)
    values = (pixels[..., :3] / 127.5 - 1).astype(np.float32)
    output = next(iter(oracle.run({name: values.transpose(2, 0, 1)[None]}).values()))
    rgb = np.clip(np.rint(output[0].astype(np.float64) * 127.5 + 127.5), 0, 255).astype(np.uint8)
    alpha = np.full((side, side, 1), 255, np.uint8)
    target.write_bytes(np.concatenate([rgb.transpose(1, 2, 0), alpha], 2).tobytes())


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
