"""One measured system in a process of its own, driven by compare.py through stdin and stdout.

    python benchmarks/systems.py onnx2wgsl DIR        an artifact through InferenceSession
    python benchmarks/systems.py tinygrad MODEL.onnx  tinygrad's WEBGPU back end (Dawn)

On start it writes {"adapter": name of the device}. Then each line `frame` runs one frame (upload,
compute, read back) and answers {"ms": ...}; `save PATH` stores the last output as .npy.
"""

import ctypes
import importlib.util
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SHAPE = (1, 3, 256, 256)
Frame = Callable[[np.ndarray], np.ndarray]


def frame_input() -> np.ndarray:
    """The same seeded picture in [-1, 1] for every system."""
    return np.random.default_rng(1).uniform(-1, 1, SHAPE).astype(np.float32)


def onnx2wgsl(folder: str) -> tuple[str, Frame]:
    from onnx2wgsl.runtime_py import InferenceSession

    session = InferenceSession(folder)
    name = session.get_inputs()[0].name
    return session.adapter_info["device"], lambda x: session.run(None, {name: x})[0]


def tinygrad(model: str) -> tuple[str, Frame]:
    # Must be set before tinygrad is imported.
    os.environ["DEV"] = "WEBGPU"
    os.environ["WEBGPU_PATH"] = dawn_library()
    if sys.platform.startswith("linux"):
        os.environ["WEBGPU_BACKEND"] = "WGPUBackendType_Vulkan"
    from tinygrad import Tensor, TinyJit
    from tinygrad.nn.onnx import OnnxRunner

    runner = OnnxRunner(model)
    (name,) = runner.graph_inputs

    @TinyJit
    def run(x: Any) -> Any:
        return next(iter(runner({name: x}).values())).realize()

    return dawn_adapter(), lambda x: run(Tensor(x).realize()).numpy()


def dawn_library() -> str:
    """The Dawn library for this machine inside the dawn-python package."""
    spec = importlib.util.find_spec("pydawn")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("pydawn is missing: pip install -r benchmarks/requirements.txt")
    arm = platform.machine().lower() in ("arm64", "aarch64")
    names = {
        "linux": "libwebgpu_dawn_aarch64.so" if arm else "libwebgpu_dawn_x86_64.so",
        "darwin": "libwebgpu_dawn_arm64.dylib" if arm else "libwebgpu_dawn_x86_64.dylib",
        "win32": "libwebgpu_dawn.dll",
    }
    return str(Path(spec.submodule_search_locations[0]) / "lib" / names[sys.platform])


def dawn_adapter() -> str:
    """The device that tinygrad's Dawn chooses, by the same request."""
    from tinygrad.runtime import ops_webgpu as ops
    from tinygrad.runtime.autogen import webgpu

    adapter = ops.InstanceRequestAdapter(
        ops.instance,
        webgpu.WGPURequestAdapterOptions(
            powerPreference=webgpu.WGPUPowerPreference_HighPerformance,
            backendType=ops.backend_types.get(os.environ.get("WEBGPU_BACKEND", ""), 0),
        ),
    )
    info = webgpu.WGPUAdapterInfo()
    webgpu.wgpuAdapterGetInfo(adapter, ctypes.byref(info))
    return str(ops.from_wgpu_str(info.device))


SYSTEMS = {"onnx2wgsl": onnx2wgsl, "tinygrad": tinygrad}


def main() -> None:
    # What libraries print goes to stderr; stdout is for the answers alone.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    adapter, frame = SYSTEMS[sys.argv[1]](sys.argv[2])
    x = frame_input()
    output = np.zeros(0, np.float32)
    print(json.dumps({"adapter": adapter}), file=answers)
    for line in sys.stdin:
        command, _, path = line.strip().partition(" ")
        start = time.perf_counter()
        if command == "frame":
            output = frame(x)
        else:
            np.save(path, output)
        print(json.dumps({"ms": (time.perf_counter() - start) * 1000}), file=answers)


if __name__ == "__main__":
    main()
