"""The artifact's test vectors: seeded inputs with checksums of what each kernel makes of them, and cases
for the probe of the device's requantization. Their form is docs/artifact.md.

What outputs must be, onnxruntime says (`confirmed`); what kernels write on the way there, the simulator.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from ..arithmetic import F32, blockwise, requantize
from ..errors import CompileError
from ..ir.program import Kernel, Program, float_kernels, outputs_stored
from ..ir.types import NUMPY_DTYPES, Array, TensorType
from ..lowering.shader import Json
from ..operators.convolution.kernel import ConvKernel
from ..operators.quantize import QuantizeKernel
from ..reference.oracle import Oracle
from ..verify.compare import bits
from ..verify.simulator import run_program
from .pictures import Picture, picture_front, picture_inputs, stored_range

SEED = 1
PROBE_CASES = 64
CHECKSUM_DIGITS = 16
FLOAT, NONE = "float", "none"
"""In the place of a checksum: what devices round in their own ways, and what no self-test is wanted of."""

Progress = Callable[[str], None]
"""Is told what is being done."""


def probe_cases(program: Program) -> Array:
    """Requantizations at and beside rounding ties with the model's own multipliers, and extreme
    accumulators: u32 [cases, 4], the bits of accumulator, scale, zero point and what must come of them.
    """
    convs = [kernel for kernel in program.kernels if isinstance(kernel, ConvKernel)]
    pool = [np.unique(kernel.multiplier[: kernel.out_channels]) for kernel in convs]
    scales = np.unique(np.concatenate([*pool, np.array([0.5, 2.0**-20], F32)]).astype(F32))
    scales = scales[scales > 0]  # by 0 nothing is near a tie
    random = np.random.Generator(np.random.PCG64(SEED))
    scale = random.choice(scales, PROBE_CASES)
    zero_point = random.integers(-128, 128, PROBE_CASES)
    levels = random.integers(-128, 128, PROBE_CASES) - zero_point + 0.5
    exact = levels / scale.astype(np.float64) + random.integers(-1, 2, PROBE_CASES)
    limit = 2.0**31 - 256
    accumulators = np.clip(np.rint(exact), -limit, limit).astype(np.int64)
    accumulators[:8] = [0, 1, -1, 2**24 + 1, -(2**24) - 3, 2**31 - 1, -(2**31), 2**24 - 1]
    accumulators = accumulators.astype(np.int32)
    expected = [
        int(requantize(acc, s, int(z), (-128, 127)))
        for acc, s, z in zip(accumulators, scale, zero_point, strict=True)
    ]
    columns = accumulators, scale.astype(F32), zero_point.astype(np.int32), np.array(expected, np.int32)
    return np.stack([column.view(np.uint32) for column in columns], axis=1)


def self_test(
    program: Program,
    pictures: Mapping[str, Picture],
    oracle: Oracle | None = None,
    progress: Progress | None = None,
) -> Json:
    """The seeded input's ranges, and the checksums of what every kernel and output then holds.

    For an input that may be a picture, also the checksum of what its first kernel makes of one. Outputs are
    those of `oracle` where there is one. Raises CompileError where the program's are others.
    """
    inputs = _seeded_inputs(program)
    outputs, kernels = _checksums(program, inputs, progress)
    floats = float_kernels(program)
    uncertain = {output for kernel in floats for output in outputs_stored(kernel)}
    if oracle is not None:
        certain = {name: data for name, data in outputs.items() if name not in uncertain}
        outputs |= confirmed(certain, program, inputs, oracle)
    return {
        "seed": SEED,
        "inputs": _ranges(program),
        "kernels": [FLOAT if k in floats else kernels[k] for k in program.kernels],
        "pictures": {name: _of_picture(program, name, picture) for name, picture in pictures.items()},
        "outputs": {name: FLOAT if name in uncertain else checksum(data) for name, data in outputs.items()},
    }


def no_self_test(program: Program, pictures: Mapping[str, Picture]) -> Json:
    """What stands in the place of the self-test where none is wanted: its form, without checksums."""
    return {
        "seed": SEED,
        "inputs": _ranges(program),
        "kernels": [NONE] * len(program.kernels),
        "pictures": dict.fromkeys(pictures, NONE),
        "outputs": dict.fromkeys(program.outputs, NONE),
    }


def _ranges(program: Program) -> Json:
    """Of the float inputs."""
    names = [name for name, type_ in program.inputs.items() if type_.dtype == "f32"]
    return {name: dict(zip(("low", "high"), _input_range(program, name), strict=True)) for name in names}


def _seeded_inputs(program: Program) -> dict[str, Array]:
    return {
        name: seeded_input(type_, number, *_input_range(program, name))
        for number, (name, type_) in enumerate(program.inputs.items())
    }


def _of_picture(program: Program, name: str, picture: Picture) -> str:
    """The checksum of the bytes that the self-test's picture for an input becomes."""
    values = seeded_picture(program.inputs[name], list(program.inputs).index(name), picture)
    front = picture_front(program, name)
    assert front is not None, f"{name} is no picture"
    kernels = [program.kernels[number] for number in (*front.skips, front.packer)]
    return _checksums(replace(program, kernels=kernels), {name: values})[1][kernels[-1]]


def confirmed(
    outputs: Mapping[str, Array], program: Program, inputs: Mapping[str, Array], oracle: Oracle
) -> dict[str, Array]:
    """What onnxruntime makes of the inputs, in the place of the `outputs` that the program makes; these where
    onnxruntime computes in float or can't run the inputs.

    Raises CompileError where onnxruntime computes in integers, and otherwise.
    """
    try:
        expected = oracle.run(inputs)
    except CompileError:  # seeded numbers may be indices beyond the end
        return dict(outputs)
    wrong = [name for name, values in outputs.items() if not (bits(values) == bits(expected[name])).all()]
    if wrong and _is_exact(program, oracle):
        raise CompileError(
            f"{program.name}: what was compiled gives another {wrong[0]!r} than {oracle.reference} on the "
            "self-test's inputs, so nothing is written; onnx2wgsl verify MODEL --each-pass tells where"
        )
    return {name: values if name in wrong else expected[name] for name, values in outputs.items()}


def _is_exact(program: Program, oracle: Oracle) -> bool:
    """Whether both compute in integers throughout."""
    own_form = any(isinstance(kernel, ConvKernel) and kernel.float_reference for kernel in program.kernels)
    return not own_form and not float_kernels(program) and oracle.integer_groups().exact


def _checksums(
    program: Program, inputs: Mapping[str, Array], progress: Progress | None = None
) -> tuple[dict[str, Array], dict[Kernel, str]]:
    """The outputs, and the checksum of what each kernel wrote."""
    kernels: dict[Kernel, str] = {}

    def observe(kernel: Kernel, stores: list[Array]) -> None:
        kernels[kernel] = checksum(*stores)
        if progress is not None:
            progress(f"self-test: {len(kernels)} of {len(program.kernels)} kernels")

    return run_program(program, inputs, observe), kernels


def seeded_picture(type_: TensorType, number: int, picture: Picture) -> Array:
    """The self-test's picture as an input: seeded RGBA bytes."""
    width, height = picture.size(type_)
    pixels = seeded_input(TensorType("u8", (height, width, 4)), number, 0, 0)
    return picture.tensor(pixels, type_)


def _input_range(program: Program, name: str) -> tuple[float, float]:
    """A little more than the real values that the input's quantization covers, to saturate too; of a picture
    that is computed with before, than its values.
    """
    for kernel in program.kernels:
        if isinstance(kernel, QuantizeKernel) and kernel.input == name:
            return _wider(*stored_range(kernel.scale, kernel.zero_point))
    picture = picture_inputs(program).get(name)
    if picture is not None:
        values = picture.values()
        return _wider(float(values.min()), float(values.max()))
    return -1.0, 1.0


def _wider(low: float, high: float) -> tuple[float, float]:
    margin = (high - low) / 16
    return float(np.float32(low - margin)), float(np.float32(high + margin))


def seeded_input(type_: TensorType, number: int, low: float, high: float) -> Array:
    """Input `number` of the self-test, as docs/artifact.md defines it."""

    def values(h: Array) -> Array:
        h = h * np.uint32(0x9E3779B1)
        h += np.uint32((SEED + number) * 0x85EBCA77 & 0xFFFFFFFF)
        h = (h ^ (h >> np.uint32(15))) * np.uint32(0x2C1B3C6D)
        h = (h ^ (h >> np.uint32(12))) * np.uint32(0x297A2D39)
        h = (h ^ (h >> np.uint32(15))) >> np.uint32(8)
        if type_.dtype == "f32":
            return low + ((high - low) * h.astype(np.float64)) / 16777216
        return h.astype(np.uint8) & np.uint8(1 if type_.dtype == "bool" else 255)

    count = np.arange(type_.size, dtype=np.uint32)
    return blockwise(values, NUMPY_DTYPES[type_.dtype], count).reshape(type_.shape)


def checksum(*arrays: Array) -> str:
    """The first 16 hex digits of the SHA-256 of their bytes in a row, little-endian."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(
            np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(-1).view(np.uint8).data
        )
    return digest.hexdigest()[:CHECKSUM_DIGITS]
