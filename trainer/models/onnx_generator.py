"""A generator in an ONNX file, run by ONNX Runtime on the CPU with whole sums."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from ..errors import TrainerError

Floats = NDArray[np.float32]

_FATAL_ONLY = 4


def options() -> ort.SessionOptions:
    """Settings of every session.

    Without VNNI, x86's fastest product of u8 and s8 adds pairs in 16 bits, which saturate: the sums
    are then wrong, where a GPU and every other CPU have them right. `x64quantprecision` asks for
    the product that has them right everywhere.
    """
    settings = ort.SessionOptions()
    settings.log_severity_level = _FATAL_ONLY
    settings.add_session_config_entry("session.x64quantprecision", "1")
    return settings


@dataclass(frozen=True)
class OnnxGenerator:
    """A generator in an ONNX file: f32[N,3,S,S] in [-1,1] to the same."""

    path: Path
    session: ort.InferenceSession

    @staticmethod
    def load(path: Path) -> OnnxGenerator:
        """Raises TrainerError where the file is missing or no generator."""
        if not path.is_file():
            raise TrainerError(f"{path}: no such file; onnx2wgsl-train ship writes one")
        try:
            session = ort.InferenceSession(str(path), options(), providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions share no base class
            reason = " ".join(str(error).split())
            raise TrainerError(
                f"{path} is not a model that onnxruntime runs ({reason}); export it anew"
            ) from error
        generator = OnnxGenerator(path, session)
        shapes = [tensor.shape for tensor in (*session.get_inputs(), *session.get_outputs())]
        if len(shapes) != 2 or shapes[0] != shapes[1] or not _is_picture(shapes[0]):
            raise TrainerError(
                f"{path} has tensors of shapes {shapes}; a generator has one input and one output "
                "of [1, 3, S, S]"
            )
        return generator

    @property
    def size(self) -> int:
        """Pixels a side."""
        return int(self.session.get_inputs()[0].shape[2])

    def __call__(self, inputs: Floats) -> Floats:
        """Outputs of f32[N,3,S,S] inputs, one at a time.

        Raises:
            TrainerError: onnxruntime can't run it on them, or there is NaN in its outputs.
        """
        name = self.session.get_inputs()[0].name
        rows = (inputs[i : i + 1] for i in range(len(inputs)))
        try:
            outputs = np.concatenate([self.session.run(None, {name: row})[0] for row in rows])
        except Exception as error:  # onnxruntime's exceptions share no base class
            reason = " ".join(str(error).split())
            raise TrainerError(f"{self.path} can't be run ({reason}); export it anew") from error
        if np.isnan(outputs).any():
            raise TrainerError(f"{self.path} makes pictures of NaN: it is damaged; export it anew")
        return outputs


@dataclass(frozen=True)
class PhaseGenerators:
    """Four files NAME_0.onnx to NAME_3.onnx, each of a phase, as one generator of twice their size."""

    nets: tuple[OnnxGenerator, ...]

    @property
    def size(self) -> int:
        """Pixels a side."""
        return 2 * self.nets[0].size

    def __call__(self, inputs: Floats) -> Floats:
        """Outputs f32[N,3,S,S], woven as PhaseStudents does it, of as many inputs.

        Raises:
            TrainerError: onnxruntime can't run one of the nets, or it makes NaN.
        """
        outputs = np.empty_like(inputs)
        count, channels, side, _ = inputs.shape
        small = inputs.reshape(count, channels, side // 2, 2, side // 2, 2).mean((3, 5), dtype=np.float32)
        for phase, net in enumerate(self.nets):
            outputs[:, :, phase // 2 :: 2, phase % 2 :: 2] = net(small)
        return outputs


def load_generators(path: Path) -> OnnxGenerator | PhaseGenerators:
    """The generator of a file NAME.onnx, or of its four phases where there is none of that name.

    Raises:
        TrainerError: neither is there, or one is no generator, or the four have not one size.
    """
    paths = [path.with_stem(f"{path.stem}_{phase}") for phase in range(4)]
    if path.exists() or not paths[0].exists():
        return OnnxGenerator.load(path)
    nets = tuple(OnnxGenerator.load(one) for one in paths)
    if len({net.size for net in nets}) > 1:
        raise TrainerError(f"{path} has phases of the sizes {[net.size for net in nets]}; ship them anew")
    return PhaseGenerators(nets)


def _is_picture(shape: list[Any]) -> bool:
    """Whether a shape is [1, 3, S, S] with a number S."""
    return len(shape) == 4 and shape[:2] == [1, 3] and shape[2] == shape[3] and isinstance(shape[2], int)


def to_range(pictures: NDArray[Any]) -> Floats:
    """f32[N,3,S,S] in [-1,1] of u8[N,S,S,3] pictures."""
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), np.float32) / np.float32(127.5) - 1


def to_pictures(outputs: NDArray[Any]) -> NDArray[np.uint8]:
    """u8[N,S,S,3] pictures of f32[N,3,S,S] in [-1,1]: byte = (value + 1) * 127.5, rounded."""
    bytes_ = np.rint((outputs.astype(np.float32) + 1) * 127.5).clip(0, 255).astype(np.uint8)
    return np.ascontiguousarray(bytes_.transpose(0, 2, 3, 1))
