"""Finds WebGPU adapters, chooses one, opens a device on it, and says what is missing (`doctor`)."""

import os
import re
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import wgpu

from . import process
from .errors import AdapterError, SessionError, from_gpu, tidy
from .system import Problem, system_problems

TIMESTAMPS = "timestamp-query"

_INSTANCE = threading.Lock()
"""wgpu's one instance is made on the first call, and asked by one thread at a time."""

# Names under which people know the software adapters, and what the drivers call themselves.
_ALIASES = {"lavapipe": "llvmpipe"}

# The default limits of WebGPU for compute: a device is opened with these, or with what the model
# needs where that is more, so that a model which runs here runs in a browser too.
_DEFAULT_LIMITS = {
    "max-bind-groups": 4,
    "max-buffer-size": 256 << 20,
    "max-compute-invocations-per-workgroup": 256,
    "max-compute-workgroup-size-x": 256,
    "max-compute-workgroup-size-y": 256,
    "max-compute-workgroup-size-z": 64,
    "max-compute-workgroup-storage-size": 16384,
    "max-compute-workgroups-per-dimension": 65535,
    "max-storage-buffer-binding-size": 128 << 20,
    "max-storage-buffers-per-shader-stage": 8,
}

# dot4I8Packed over every lane, sign and extreme: (a, b, dot(a, b)).
_DOT_CASES = (
    (0x00000001, 0x00000001, 1),
    (0x80808080, 0x80808080, 65536),
    (0x7F7F7F7F, 0x80808080, -65024),
    (0xFF010203, 0x04050607, 34),
)
_DOT_SHADER = """requires packed_4x8_integer_dot_product;
@group(0) @binding(0) var<storage, read_write> cases: array<vec2<u32>>;
@compute @workgroup_size(1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let pair = cases[id.x];
    cases[id.x] = vec2<u32>(bitcast<u32>(dot4I8Packed(pair.x, pair.y)), 0u);
}
"""


@dataclass(frozen=True)
class AdapterReport:
    """One adapter; `error` says why no device could be opened on it, if none could."""

    name: str
    device: str
    driver: str
    backend: str
    kind: str
    features: tuple[str, ...]
    limits: dict[str, int]
    timestamp_query: bool
    packed_dot: bool
    error: str | None = None


@dataclass(frozen=True)
class DoctorReport:
    """The adapters and what is missing; `ok`: at least one adapter can run a session."""

    adapters: tuple[AdapterReport, ...]
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether a session can run here."""
        return any(adapter.error is None for adapter in self.adapters)


def doctor() -> DoctorReport:
    """Opens a device on every adapter, probes it, and looks for what the machine lacks."""
    reports = tuple(_examine(adapter) for adapter in enumerate_adapters())
    names = [report.name for report in reports]
    hardware = any(report.kind != "CPU" for report in reports)
    problems = system_problems(names, hardware)
    return DoctorReport(reports, tuple(problems))


def _examine(adapter: Any) -> AdapterReport:
    error, packed_dot = None, False
    try:
        packed_dot = packed_dot_works(open_device(adapter, {}))
    except (SessionError, wgpu.GPUError) as failure:
        error = tidy(failure)
    info = adapter.info
    return AdapterReport(
        name=adapter_name(adapter),
        device=info["device"],
        driver=info.get("description") or info.get("vendor") or "",
        backend=info["backend_type"],
        kind=info["adapter_type"],
        features=tuple(sorted(adapter.features)),
        limits={name: adapter.limits[name] for name in _DEFAULT_LIMITS},
        timestamp_query=TIMESTAMPS in adapter.features,
        packed_dot=packed_dot,
        error=error,
    )


def enumerate_adapters() -> list[Any]:
    """Every adapter that wgpu finds, in wgpu's order; an empty list where there is none."""
    process.start()
    with _INSTANCE:
        return list(_adapters())


@cache
def _adapters() -> list[Any]:
    """Kept for good: where wgpu frees an OpenGL adapter beside other threads, it may abort the process."""
    _quieten()
    return list(wgpu.gpu.enumerate_adapters_sync())


@cache
def _preferred_adapter() -> Any:
    return wgpu.gpu.request_adapter_sync(power_preference="high-performance")


def adapter_name(adapter: Any) -> str:
    """The adapter in one line: device, driver, back end; without what drivers add in brackets."""
    info = adapter.info
    driver = info.get("description") or info.get("vendor")
    device, driver = (re.sub(r"\s\([^()]*\)", "", text or "") for text in (info["device"], driver))
    return f"{device} ({driver}, {info['backend_type']})"


def choose_adapter(selector: Any = None) -> Any:
    """None: wgpu's choice; a text: the first adapter whose name has it; an adapter: itself."""
    if selector is not None and not isinstance(selector, str):
        return selector
    adapters = enumerate_adapters()
    if not adapters:
        steps = "".join(f"\n  {p.what}: {p.fix}" for p in system_problems([], hardware=False))
        raise AdapterError(f"no WebGPU adapter was found on this machine{steps}")
    if selector is None:
        try:
            with _INSTANCE:
                return _preferred_adapter()
        except RuntimeError as error:
            raise AdapterError(f"no usable WebGPU adapter: {tidy(error)}") from None
    text = _ALIASES.get(selector.lower(), selector.lower())
    for adapter in adapters:
        if text in adapter_name(adapter).lower():
            return adapter
    names = ", ".join(adapter_name(adapter) for adapter in adapters)
    raise AdapterError(f"no adapter's name contains {selector!r}; found: {names}")


def open_device(adapter: Any, needs: Mapping[str, int], timestamps: bool = False) -> Any:
    """A device on `adapter` whose limits cover `needs` (limit name -> value)."""
    shortages = [
        f"{name} is {adapter.limits[name]} and the model needs {value}"
        for name, value in needs.items()
        if adapter.limits[name] < value
    ]
    if shortages:
        raise AdapterError(
            f"{adapter_name(adapter)} is too small for this model: {'; '.join(shortages)}. "
            "Choose another adapter (`onnx2wgsl doctor` lists them) or compile a smaller shape"
        )
    if timestamps and TIMESTAMPS not in adapter.features:
        raise AdapterError(
            f"{adapter_name(adapter)} has no {TIMESTAMPS}, which profiling needs; "
            "choose another adapter or time whole runs"
        )
    demands = {name: max(value, needs.get(name, 0)) for name, value in _DEFAULT_LIMITS.items()}
    limits = {name: min(value, adapter.limits[name]) for name, value in demands.items()}
    features = [TIMESTAMPS] if timestamps else []
    process.start()
    try:
        with _INSTANCE:
            return adapter.request_device_sync(required_features=features, required_limits=limits)
    except (RuntimeError, wgpu.GPUError) as error:
        raise AdapterError(f"{adapter_name(adapter)} gives no device: {tidy(error)}") from None


def packed_dot_works(device: Any) -> bool:
    """Whether dot4I8Packed compiles on this device and computes right.

    wgpu's list of WGSL language features is always empty, so that compiling is the only test.
    """
    cases = np.array([(a, b) for a, b, _ in _DOT_CASES], dtype="<u4")
    usage = wgpu.BufferUsage.STORAGE | wgpu.BufferUsage.COPY_SRC | wgpu.BufferUsage.COPY_DST
    buffer = device.create_buffer(size=cases.nbytes, usage=usage)
    device.queue.write_buffer(buffer, 0, cases)
    try:
        dispatch_once(device, "dot4I8Packed", _DOT_SHADER, {0: ("storage", buffer)}, len(cases))
        dots = np.frombuffer(device.queue.read_buffer(buffer), dtype="<i4")[::2]
    except SessionError:
        return False
    finally:
        buffer.destroy()
    return bool(dots.tolist() == [dot for _, _, dot in _DOT_CASES])


def dispatch_once(
    device: Any, name: str, code: str, buffers: Mapping[int, tuple[str, Any]], workgroups: int
) -> None:
    """Compiles `code` and runs it once over `buffers` (binding -> (type, buffer))."""
    try:
        layout = device.create_bind_group_layout(
            entries=[
                {"binding": i, "visibility": wgpu.ShaderStage.COMPUTE, "buffer": {"type": kind}}
                for i, (kind, _) in buffers.items()
            ]
        )
        pipeline = device.create_compute_pipeline(
            layout=device.create_pipeline_layout(bind_group_layouts=[layout]),
            compute={
                "module": device.create_shader_module(label=name, code=code),
                "entry_point": "main",
            },
        )
        entries = [{"binding": i, "resource": {"buffer": b}} for i, (_, b) in buffers.items()]
        group = device.create_bind_group(layout=layout, entries=entries)
        encoder = device.create_command_encoder()
        compute = encoder.begin_compute_pass()
        compute.set_pipeline(pipeline)
        compute.set_bind_group(0, group)
        compute.dispatch_workgroups(workgroups)
        compute.end()
        device.queue.submit([encoder.finish()])
    except wgpu.GPUError as error:
        raise from_gpu(error, name) from None


def _quieten() -> None:
    """Must run before the Vulkan instance is made: lavapipe warns where the variable is unset."""
    if sys.platform.startswith("linux"):
        os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
