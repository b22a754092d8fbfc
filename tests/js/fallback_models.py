"""Artifacts with their ONNX models, and what onnxruntime makes of some inputs: for fallback.test.js.

    python -m tests.js.fallback_models FOLDER

writes a folder for each, NAME-K.in and NAME-K.out with the bytes of sample K's inputs and outputs, one tensor
after the other, and cases.json, the names of these files.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx2wgsl.compiler import Preprocessing, compile_file
from onnx2wgsl.compiler.reference.oracle import Oracle, reference_of
from onnx2wgsl.compiler.verify.compare import Feed

from tests.builders.convolutions import CONVOLUTIONS
from tests.builders.models import model
from tests.builders.nodes import Array
from tests.builders.qdq import PAD, QDQBuilder, QuantParams, weights
from tests.compiler.backend.test_pictures import IMAGENET
from tests.compiler.backend.test_pictures import model as picture_form
from tests.compiler.exactness import feeds_for

U8 = QuantParams(0.03, 120)


def functions() -> onnx.ModelProto:
    """Functions of floats in the middle and at the ends, which WebAssembly rounds otherwise; u8 and s8."""
    b = QDQBuilder()
    x = b.conv(b.input((1, 5, 6, 7), U8), weights(), U8, pads=PAD)
    gate = b.unary(x, "Sigmoid", QuantParams(1 / 256, 0))
    b.output(b.unary(gate, "Exp"))
    b.output(b.unary(x, "Tanh"))
    b.output(b.unary(b.input((1, 5, 6, 7), QuantParams(0.05, -8, "s8")), "Sigmoid"))
    return b.build()


def classes() -> onnx.ModelProto:
    """Four values of a picture."""
    b = QDQBuilder()
    x = b.conv(b.input((1, 3, 8, 8), QuantParams(1 / 127.5, 128)), weights(4, 3, kernel=(8, 8)), U8)
    b.output(x)
    return b.build()


MODELS: Mapping[str, tuple[Callable[[], onnx.ModelProto], dict[str, Any]]] = {
    "unet": (lambda: model("unet"), {"bundle": True}),
    "conv": (CONVOLUTIONS["per_channel"], {}),
    "signed": (lambda: model("signed_concat_with_skip"), {}),
    "several": (lambda: model("several_inputs_and_outputs"), {}),
    "bytes": (lambda: model("concat_of_byte_inputs"), {}),
    "pools": (lambda: model("pools"), {}),
    "functions": (functions, {}),
    "classes": (classes, {"labels": ["a", "b", "c", "d"]}),
}
PICTURES: Mapping[str, dict[str, Any]] = {
    "floats nchw": {**IMAGENET, "channels": "bgr"},
    "floats nhwc": {**IMAGENET, "fit": "contain", "pad": (9, 90, 200)},
    "floats nchw alpha": {},
    "floats nchw grey": {"fit": "stretch"},
    "bytes nhwc": {"channels": "bgr"},
}
"""Forms of test_pictures.model, and what they are made for."""


def write(folder: Path, name: str, source: Path, **options: Any) -> list[dict[str, str]]:
    """The artifact of a model, and its samples."""
    compile_file(source, folder / name, keep_onnx=True, **options)
    oracle = reference_of(source)
    cases = []
    for number, feed in enumerate(samples(oracle)):
        files = {"inputs": f"{name}-{number}.in", "outputs": f"{name}-{number}.out"}
        results = oracle.run(feed)
        (folder / files["inputs"]).write_bytes(joined({name: feed[name] for name in oracle.inputs}))
        (folder / files["outputs"]).write_bytes(joined(results))
        cases.append(files)
    return cases


def samples(oracle: Oracle) -> list[Feed]:
    """Two drawn, and one of extreme values, but for NaN to int8, which WebAssembly makes 0."""
    drawn = feeds_for(oracle)
    ends = np.array([np.inf, -np.inf, 3e38, -3e38, 1e-45, -0.0], np.float32)
    last = {n: np.resize(ends, x.shape) if x.dtype == np.float32 else x for n, x in drawn[0].items()}
    return [*drawn, last]


def joined(arrays: Mapping[str, Array]) -> bytes:
    return b"".join(np.ascontiguousarray(array).tobytes() for array in arrays.values())


def main(folder: Path) -> None:
    """Writes them all."""
    cases = {}
    for name, (build, options) in MODELS.items():
        source = folder / f"{name}.onnx"
        onnx.save(build(), source)
        cases[name] = write(folder, name, source, **options)
    for form, known in PICTURES.items():
        name = form.replace(" ", "_")
        source = picture_form(form, folder).rename(folder / f"{name}.onnx")
        cases[name] = write(folder, name, source, preprocess={"x": Preprocessing(**known)})
    (folder / "cases.json").write_text(json.dumps(cases), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
