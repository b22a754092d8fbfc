"""InferenceSession: runs an artifact on a WebGPU adapter, with the manners of onnxruntime."""

import statistics
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from . import process
from .adapters import adapter_name, choose_adapter, open_device
from .artifact import Artifact, Tensor, load_artifact
from .description import WORD
from .errors import InputError, SessionError
from .executor import Executor, Readback, Step, Stores, needed_limits
from .pictures import Fit, fitted
from .profiler import KernelTime, Profiler
from .selftest import NONE, Checksum, SelfTestReport, checksum, seeded_inputs, seeded_picture
from .tuning import Tuning, fastest
from .variants import Dot, Requantize, choose_variants

_Array = np.ndarray[Any, Any]
BEYOND = -(2**31)
"""What stands on the device for an int64 that 32 bits do not hold."""
_TYPES = {
    "float32": "tensor(float)",
    "int32": "tensor(int32)",
    "int64": "tensor(int64)",
    "uint8": "tensor(uint8)",
    "int8": "tensor(int8)",
    "bool": "tensor(bool)",
}


@dataclass(frozen=True)
class NodeArg:
    """Name, shape and type ('tensor(float)', ...) of an input or output."""

    name: str
    shape: list[int]
    type: str


class InferenceSession:
    """A compiled model on one device. Threads may share it: their runs take turns.

    path: what `onnx2wgsl compile` wrote, a folder or a bundle. adapter: None for wgpu's choice, part of a
    name, or a wgpu adapter. dot, requantize: force a variant instead of probing. profile: open the device
    with timestamp queries, for `profile()`. Raises ArtifactError, AdapterError or SessionError.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        adapter: Any = None,
        dot: Dot | None = None,
        requantize: Requantize | None = None,
        profile: bool = False,
    ) -> None:
        self._turn = threading.RLock()
        self._executor: Executor | None = None
        self._profiler: Profiler | None = None
        self.artifact: Artifact = load_artifact(path)
        self._inputs = {tensor.name: tensor for tensor in self.artifact.inputs}
        self._outputs = {tensor.name: tensor for tensor in self.artifact.outputs}
        self._adapter = choose_adapter(adapter)
        device = open_device(self._adapter, needed_limits(self.artifact), timestamps=profile)
        self.variants = choose_variants(device, self.artifact, dot, requantize)
        self._executor = Executor(device, self.artifact, self.variants)
        if profile:
            self._profiler = Profiler(device, len(self.artifact.kernels))
        self._staging = {t.name: _staging(self.artifact, t) for t in self.artifact.inputs}

    def run(
        self,
        output_names: Sequence[str] | None,
        input_feed: Mapping[str, Any],
        *,
        fit: Fit | None = None,
    ) -> list[_Array]:
        """Runs one frame; returns the named outputs (None: all) in that order.

        input_feed: name -> array of the input's shape and dtype, or, for an input that is a
        picture, uint8 [height, width, 3 or 4] of any size. fit: how pictures of other proportions
        meet their inputs, in the place of what the artifact says. Raises InputError,
        DeviceLostError, SessionError.
        """
        names = self._output_names(output_names)
        with self._open() as executor:
            steps = self._upload(executor, input_feed, fit)
            raw = executor.run(steps, names)
        return [_as_tensor(self._outputs[n], data) for n, data in zip(names, raw, strict=True)]

    def trace(self, input_feed: Mapping[str, Any]) -> dict[str, list[_Array]]:
        """Runs kernel by kernel; kernel name -> what it wrote, one u32 [rows, width] a store."""
        with self._open() as executor:
            return self._trace(executor, self._upload(executor, input_feed))

    def self_test(self) -> SelfTestReport:
        """Replays the artifact's test vectors on this device; SessionError where it was compiled without."""
        self._require_vectors()
        with self._open() as executor:
            return self._self_test(executor, self.variants)

    def tune(self) -> Tuning:
        """Times frames with each variant of `dot` that is exact on this device; goes on with the fastest.

        It takes some seconds, once for a device: give `dot` of the result to the next session. Raises
        SessionError where the artifact was compiled without a self-test.
        """
        self._require_vectors()
        with self._open() as executor:
            own = self.variants["dot"]
            candidates: dict[str, Executor] = {}
            for dot in self.artifact.description["snippets"]["dot"]:
                one = executor if dot == own else self._executor_with(executor.device, dot)
                if one and self._self_test(one, self.variants | {"dot": dot}).ok:
                    candidates[dot] = one
                elif one and one is not executor:
                    one.destroy()
            if not candidates:
                return Tuning(own, {})
            tuning = fastest({dot: self._frame(one) for dot, one in candidates.items()})
            self._executor, self.variants["dot"] = candidates[tuning.dot], tuning.dot
            for one in {executor, *candidates.values()} - {self._executor}:
                one.destroy()
        return tuning

    def _frame(self, executor: Executor) -> Callable[[], object]:
        """Runs one on the test vectors' inputs."""
        steps = self._upload(executor, seeded_inputs(self.artifact))
        return partial(executor.run, steps, list(self._outputs))

    def _executor_with(self, device: Any, dot: str) -> Executor | None:
        """With another variant of `dot`; None where it does not compile on the device."""
        try:
            return Executor(device, self.artifact, self.variants | {"dot": dot})
        except SessionError:
            return None

    def _require_vectors(self) -> None:
        if NONE in self.artifact.self_test["kernels"]:
            raise SessionError("the artifact was compiled with --no-self-test: compile it again without")

    def _self_test(self, executor: Executor, variants: Mapping[str, str]) -> SelfTestReport:
        inputs = seeded_inputs(self.artifact)
        stores = self._trace(executor, self._upload(executor, inputs))
        raw = executor.run(self._upload(executor, inputs), list(self._outputs))
        outputs = [_as_tensor(self._outputs[n], data) for n, data in zip(self._outputs, raw, strict=True)]
        test = self.artifact.self_test
        kernels = [
            Checksum(kernel.name, expected, checksum(stores[kernel.name]))
            for kernel, expected in zip(self.artifact.kernels, test["kernels"], strict=True)
        ]
        for name, step in executor.image_steps.items():
            self._upload(executor, inputs | {name: seeded_picture(self.artifact, name)})
            actual = checksum(self._trace(executor, [step])[step.kernel.name])
            kernels.append(Checksum(f"{name} (picture)", test["pictures"][name], actual))
        results = [
            Checksum(name, test["outputs"][name], checksum(value.tobytes()))
            for name, value in zip(self._outputs, outputs, strict=True)
        ]
        name = adapter_name(self._adapter)
        return SelfTestReport(name, dict(variants), tuple(kernels), tuple(results))

    def profile(self, input_feed: Mapping[str, Any] | None = None, *, frames: int = 5) -> list[KernelTime]:
        """Median time of each kernel over `frames` frames; without inputs, the self-test's."""
        if frames < 1:
            raise InputError(f"frames is {frames}; give 1 or more")
        feed = seeded_inputs(self.artifact) if input_feed is None else input_feed
        with self._open() as executor:
            if self._profiler is None:
                raise SessionError("this session has no timestamps; open it with profile=True")
            steps = self._upload(executor, feed)
            runs = [self._profiler.measure(steps) for _ in range(frames)]
        return [
            KernelTime(times[0].kernel, statistics.median(t.microseconds for t in times))
            for times in zip(*runs, strict=True)
        ]

    def get_inputs(self) -> list[NodeArg]:
        """The model's inputs."""
        return [_node_arg(tensor) for tensor in self.artifact.inputs]

    def get_outputs(self) -> list[NodeArg]:
        """The model's outputs."""
        return [_node_arg(tensor) for tensor in self.artifact.outputs]

    def get_adapter(self) -> Any:
        """The wgpu adapter that the session runs on."""
        return self._adapter

    @property
    def adapter_info(self) -> dict[str, Any]:
        """What the adapter says of itself: device, vendor, description, backend_type, ..."""
        return dict(self._adapter.info)

    def close(self) -> None:
        """Frees the device's memory once no run is under way; closing twice is harmless.

        In a forked process it does nothing: the memory is the parent's.
        """
        if process.forked():
            return
        with self._turn:
            executor, self._executor = self._executor, None
            profiler, self._profiler = self._profiler, None
            if profiler is not None:
                profiler.destroy()
            if executor is not None:
                executor.destroy()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _open(self) -> Iterator[Executor]:
        """The executor, in this thread alone."""
        process.check()
        with self._turn:
            if self._executor is None:
                raise SessionError("this session is closed; make a new InferenceSession")
            yield self._executor

    def _output_names(self, names: Sequence[str] | None) -> list[str]:
        if names is None:
            return list(self._outputs)
        for name in names:
            if name not in self._outputs:
                raise InputError(f"no output {name!r}; the model has {_listed(self._outputs)}")
        return list(names)

    def _upload(self, executor: Executor, feed: Mapping[str, Any], fit: Fit | None = None) -> list[Step]:
        """Checks and writes every input; returns the frame's steps."""
        unknown = sorted(set(feed) - set(self._inputs))
        missing = [name for name in self._inputs if name not in feed]
        if unknown:
            raise InputError(f"no input {unknown[0]!r}; the model has {_listed(self._inputs)}")
        if missing:
            raise InputError(f"input {missing[0]!r} is missing; the model needs all of its inputs")
        pictures = []
        arrays = {name: np.asarray(value) for name, value in feed.items()}
        for name, array in arrays.items():
            _check_input(self._inputs[name], array)
        writes = {}
        for name, array in arrays.items():
            if _is_picture(self._inputs[name], array):
                pictures.append(name)
                writes[f"image:{name}"] = self._pixels(name, array, fit)
            else:
                writes[f"input:{name}"] = self._words(name, array)
        for buffer, data in writes.items():
            executor.write(buffer, data)
        return executor.steps_for(pictures)

    def _words(self, name: str, array: _Array) -> _Array:
        """The array's bytes, contiguous and padded to a whole word."""
        if array.flags.c_contiguous and array.nbytes % WORD == 0:
            return array
        padded = self._staging[name]["tensor"]
        flat = padded.view(array.dtype)[: array.size]
        np.copyto(flat.reshape(array.shape), array)
        return padded

    def _pixels(self, name: str, array: _Array, fit: Fit | None) -> _Array:
        """uint8 [height, width, 4] of the input's size; without alpha it is 255."""
        image = self.artifact.image_kernels[name]
        pixels = self._staging[name]["image"]
        height, width, _ = pixels.shape
        pad = [*image.pad, 255][: array.shape[2]]
        pixels[..., : array.shape[2]] = fitted(array, width, height, fit or image.fit, pad)
        if array.shape[2] == 3:
            pixels[..., 3] = 255
        return pixels

    def _trace(self, executor: Executor, steps: Sequence[Step]) -> dict[str, list[_Array]]:
        stores_of = {}
        for step in steps:
            stores = Stores(step.kernel)
            readback = Readback(executor.device, stores.copies)
            try:
                raw = executor.run_one(step, readback, stores.copies)
            finally:
                readback.destroy()
            stores_of[step.kernel.name] = stores.rows(raw)
        return stores_of


def _node_arg(tensor: Tensor) -> NodeArg:
    return NodeArg(tensor.name, list(tensor.shape), _TYPES[tensor.dtype])


def _staging(artifact: Artifact, tensor: Tensor) -> dict[str, _Array]:
    """Host memory for an input, made once."""
    arrays: dict[str, _Array] = {"tensor": np.zeros(tensor.buffer_bytes, np.uint8)}
    if tensor.name in artifact.image_kernels:
        width, height = artifact.image_kernels[tensor.name].size
        arrays["image"] = np.zeros((height, width, 4), np.uint8)
    return arrays


def _as_tensor(tensor: Tensor, data: bytearray) -> _Array:
    """The tensor over `data`, without a copy and without the padding of the last word.

    Raises SessionError for an int64 that was computed from a float beyond 32 bits.
    """
    array = np.frombuffer(data, tensor.dtype, tensor.size).reshape(tensor.shape)
    if tensor.dtype == "int64" and (array == BEYOND).any():
        raise SessionError(
            f"output {tensor.name!r} overflows; an int64 is computed in 32 bits: leave it a float in the "
            "model"
        )
    return array


def _is_picture(tensor: Tensor, array: _Array) -> bool:
    return tensor.image is not None and array.dtype == np.uint8 and array.ndim == 3


def _check_input(tensor: Tensor, array: _Array) -> None:
    place = f"input {tensor.name!r}"
    if _is_picture(tensor, array):
        if array.size == 0 or array.shape[2] not in (3, 4):
            raise InputError(
                f"{place} is a picture of shape {list(array.shape)}; give [height, width, 3 or 4]"
            )
        return
    if array.dtype != tensor.dtype:
        raise InputError(
            f"{place} has dtype {array.dtype}; the model needs {tensor.dtype}: "
            f"convert it with .astype('{tensor.dtype}')"
        )
    if array.shape != tensor.shape:
        raise InputError(
            f"{place} has shape {list(array.shape)}; the model needs {list(tensor.shape)}; "
            "for another size, compile the model with --shape"
        )
    if array.dtype == np.int64:
        _check_words(place, array)


def _check_words(place: str, array: _Array) -> None:
    """Refuses int64 values that the device, which holds them in 32 bits, would cut."""
    outside = array[(array != array.astype(np.int32)) | (array == BEYOND)]
    if outside.size:
        raise InputError(
            f"{place} holds {outside[0]}; an int64 is computed in 32 bits: give values from {BEYOND + 1} to "
            f"{-BEYOND - 1}"
        )


def _listed(tensors: Mapping[str, Tensor]) -> str:
    return ", ".join(repr(name) for name in tensors)
