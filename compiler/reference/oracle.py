"""The reference: onnxruntime on CPU, running the model itself.

"Bit-exact" means equal to what an `Oracle` returns. Two things make that precise. onnxruntime runs
an optimized graph, not the one in the file, so the oracle reads that graph back and
`integer_groups` says which parts of it ran in integers. And on x86 onnxruntime leaves convolutions
of int8 activations in float wherever it can't turn the activations into uint8, unless the session
entry `session.qdqisint8allowed` is 1; `needs_signed_integer_kernels` tells which models want it.
On a CPU without VNNI instructions the optimized graph is run with its u8 * s8 products as u8 * u8
(`exact_sums`), whose sums are whole there too. And where weights alone are quantized, onnxruntime
quantizes the floats that meet them as well, unless `session.qdq_matmulnbits_accuracy_level` is 1.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper

from ..arithmetic.array import Array
from ..errors import CompileError, told_as
from .exact_sums import sums_saturate, with_exact_sums
from .integer_groups import Groups, explain_groups, results_in_integers
from .session import open_as_is, open_session, quiet_options
from .web import WebOracle

_DTYPES: dict[str, np.dtype[Any]] = {
    "tensor(float)": np.dtype(np.float32),
    "tensor(double)": np.dtype(np.float64),
    "tensor(uint8)": np.dtype(np.uint8),
    "tensor(int8)": np.dtype(np.int8),
    "tensor(uint16)": np.dtype(np.uint16),
    "tensor(int16)": np.dtype(np.int16),
    "tensor(int32)": np.dtype(np.int32),
    "tensor(int64)": np.dtype(np.int64),
    "tensor(bool)": np.dtype(np.bool_),
    "tensor(float16)": np.dtype(np.float16),
}


class Oracle:
    """onnxruntime's CPU execution provider on one model, with all optimizations, as by default.

    `model`: a file (external data beside it is found) or a model in memory.
    `signed_integer_kernels` sets `session.qdqisint8allowed=1`; None: where the model needs it.
    Raises CompileError where onnxruntime refuses the model.
    """

    def __init__(self, model: onnx.ModelProto | Path, *, signed_integer_kernels: bool | None = False) -> None:
        self._name = str(model) if isinstance(model, Path) else model.graph.name or "the model"
        with told_as(f"onnxruntime {ort.__version__} can't load {self._name}"):
            self._model = onnx.load(str(model)) if isinstance(model, Path) else model
            if signed_integer_kernels is None:
                signed_integer_kernels = needs_signed_integer_kernels(self._model)
            self.signed_integer_kernels = signed_integer_kernels
            self._session, self.optimized, self._plain = _session(self._model, signed_integer_kernels)

    @property
    def reference(self) -> str:
        """What the outputs are exact against, for reports and artifacts."""
        options = _entries(self.signed_integer_kernels, self.optimized)
        return ", ".join([f"onnxruntime {ort.__version__}", *(f"{key}=1" for key in options)])

    def in_web(self) -> WebOracle:
        """The same model in onnxruntime-web."""
        return WebOracle(self._model, self.optimized, self.signed_integer_kernels)

    @property
    def inputs(self) -> dict[str, tuple[np.dtype[Any], tuple[int | str | None, ...]]]:
        """dtype and shape of every input; symbolic dimensions are strings."""
        return {node.name: (_dtype(node.type), tuple(node.shape)) for node in self._session.get_inputs()}

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """All outputs by name.

        Raises CompileError where an input is missing, unknown, or of wrong dtype or shape.
        """
        return self._run(self._session, inputs)

    @property
    def sums_saturate(self) -> bool:
        """Whether onnxruntime by itself, without `exact_sums`, may give other outputs on this CPU."""
        return self._plain is not None

    def run_plain(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """What onnxruntime gives by itself, as a program on this CPU has it."""
        return self._run(self._plain or self._session, inputs)

    def intermediate(self, inputs: Mapping[str, Array], names: Sequence[str]) -> dict[str, Array]:
        """Tensors of the source model by name, for diagnosis only.

        Only what QuantizeLinear makes can be had without disturbing the reference: any other tensor
        would have to leave its integer group. With int8 activations and without
        `signed_integer_kernels` even that adds a consumer. So the integer groups of the
        instrumented session are compared with the oracle's; CompileError if any was lost.
        """
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        outputs = {output.name for output in model.graph.output}
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in outputs)
        with told_as(f"onnxruntime {ort.__version__} can't expose {', '.join(names)}"):
            session, optimized, _ = _session(model, self.signed_integer_kernels)
        before = self.integer_groups()
        after = explain_groups(model, optimized, self.signed_integer_kernels)
        if lost := before.sources - after.sources:
            raise CompileError(
                f"Looking at {', '.join(names)} would change the reference: "
                f"{', '.join(sorted(lost))} would no longer run in integers. "
                "Ask for the output of the QuantizeLinear that follows it instead."
            )
        results = self._run(session, inputs)
        return {name: results[name] for name in names}

    def integer_groups(self) -> Groups:
        """Which parts of the model ran in integers, and why the others were left in float."""
        return explain_groups(self._model, self.optimized, self.signed_integer_kernels)

    def results_in_integers(self) -> dict[str, str]:
        """The tensors of the source model that onnxruntime makes in integers, with its operator of each.

        Read off the graph before it goes channels-last, which renames tensors.
        """
        options = _options(self.signed_integer_kernels)
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        return results_in_integers(_optimized(self._model, options)[1])

    def _run(self, session: ort.InferenceSession, inputs: Mapping[str, Array]) -> dict[str, Array]:
        # onnxruntime's own message names neither the model nor the inputs that it takes.
        self._check(inputs)
        with told_as(f"onnxruntime {ort.__version__} failed to run {self._name}"):
            results = session.run(None, dict(inputs))
        return dict(zip((node.name for node in session.get_outputs()), results, strict=True))

    def _check(self, inputs: Mapping[str, Array]) -> None:
        expected = self.inputs
        if set(inputs) != set(expected):
            raise CompileError(
                f"{self._name} takes the inputs {sorted(expected)}, but was given {sorted(inputs)}."
            )
        for name, (dtype, shape) in expected.items():
            array = inputs[name]
            fits = len(shape) == array.ndim and all(
                want == have for want, have in zip(shape, array.shape, strict=True) if isinstance(want, int)
            )
            if array.dtype != dtype or not fits:
                raise CompileError(
                    f"Input {name!r} of {self._name} is {dtype}{list(shape)}, but was given "
                    f"{array.dtype}{list(array.shape)}."
                )


def reference_of(model: onnx.ModelProto | Path) -> Oracle:
    """What a compiled model is held to: the oracle with integer kernels for all its activations."""
    return Oracle(model, signed_integer_kernels=None)


def require_loadable(model: onnx.ModelProto) -> None:
    """Raises CompileError where that oracle could not be made; it reads no graph back, and writes no file."""
    with told_as(f"onnxruntime {ort.__version__} can't load {model.graph.name or 'the model'}"):
        open_session(model, _options(needs_signed_integer_kernels(model)))


def needs_signed_integer_kernels(model: onnx.ModelProto) -> bool:
    """Whether the model has int8 activations: on x86 some of those groups run in float without."""
    zero_points = _dtypes_of_initializers(model.graph)
    if any(value.type.tensor_type.elem_type == onnx.TensorProto.INT8 for value in model.graph.input):
        return True
    for node in model.graph.node:
        if node.op_type == "QuantizeLinear" and node.input[0] not in zero_points:
            by_attribute = _attribute(node, "output_dtype", 0) == onnx.TensorProto.INT8
            by_zero_point = len(node.input) > 2 and zero_points.get(node.input[2]) == np.int8
            if by_attribute or by_zero_point:
                return True
    return False


def _session(
    model: onnx.ModelProto, signed_integer_kernels: bool
) -> tuple[ort.InferenceSession, onnx.ModelProto, ort.InferenceSession | None]:
    """A session, and the optimized model that it runs; where need be with `exact_sums`, and then the session
    without.
    """
    session, optimized = _optimized(model, _options(signed_integer_kernels))
    if sums_saturate() and (exact := with_exact_sums(optimized)) is not None:
        return open_as_is(exact), optimized, session
    return session, optimized, None


def _options(signed_integer_kernels: bool) -> ort.SessionOptions:
    options = quiet_options()
    for entry in _entries(signed_integer_kernels):
        options.add_session_config_entry(entry, "1")
    return options


def _entries(signed_integer_kernels: bool, optimized: onnx.ModelProto | None = None) -> list[str]:
    """The session entries that are 1; of them, those that change something in this optimized model."""
    entries = ["session.qdqisint8allowed"] if signed_integer_kernels else []
    if optimized is None or any(node.op_type == "MatMulNBits" for node in optimized.graph.node):
        entries.append("session.qdq_matmulnbits_accuracy_level")
    return entries


def _optimized(
    model: onnx.ModelProto, options: ort.SessionOptions
) -> tuple[ort.InferenceSession, onnx.ModelProto]:
    """A session, and what its optimizers made of the model."""
    with tempfile.TemporaryDirectory(prefix="onnx2wgsl-") as folder:
        # onnxruntime hands out the graph that it runs as a file only.
        dump = Path(folder) / "optimized.onnx"
        options.optimized_model_filepath = str(dump)
        session = open_session(model, options)
        return session, onnx.load(dump)


def _dtype(name: str) -> np.dtype[Any]:
    if name not in _DTYPES:
        raise CompileError(f"An input or output of type {name} is not supported.")
    return _DTYPES[name]


def _dtypes_of_initializers(graph: onnx.GraphProto) -> dict[str, np.dtype[Any]]:
    dtypes = {tensor.name: helper.tensor_dtype_to_np_dtype(tensor.data_type) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and (value := _attribute(node, "value", None)) is not None:
            dtypes[node.output[0]] = helper.tensor_dtype_to_np_dtype(value.data_type)
    return dtypes


def _attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    for attribute in node.attribute:
        if attribute.name == name:
            return helper.get_attribute_value(attribute)
    return default
