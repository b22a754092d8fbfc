"""Adapters are found, chosen and diagnosed; what they lack is said with both values."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from onnx2wgsl.runtime_py import AdapterError, InferenceSession
from onnx2wgsl.runtime_py.adapters import adapter_name, choose_adapter, doctor, enumerate_adapters
from onnx2wgsl.runtime_py.system import system_problems

from tests.runtime_py import tiny_artifact as tiny

Process = Callable[..., CompletedProcess[str]]

EVERY_VARIANT = """
import itertools, json, pathlib, sys
from onnx2wgsl.runtime_py import InferenceSession
results = []
for dot, requantize in itertools.product(("packed", "emulated"), ("fast", "integer")):
    with InferenceSession(sys.argv[1], dot=dot, requantize=requantize) as session:
        report = session.self_test()
        results.append([session.adapter_info["device"], report.ok, str(report)])
print(json.dumps(results))
"""
OPEN = """
import sys
from onnx2wgsl.runtime_py import InferenceSession, SessionError
try:
    InferenceSession(sys.argv[1])
except SessionError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""
NO_DRIVER = {"VK_DRIVER_FILES": "/nowhere.json", "__EGL_VENDOR_LIBRARY_FILENAMES": "/nowhere.json"}


def test_swiftshader_gives_the_same_bits(folder: Path, in_process: Process, swiftshader: str) -> None:
    process = in_process(EVERY_VARIANT, str(folder), VK_ICD_FILENAMES=swiftshader)
    assert process.returncode == 0, process.stderr
    results = json.loads(process.stdout)
    assert len(results) == 4
    for device, ok, text in results:
        assert "SwiftShader" in device
        assert ok, text


def test_an_adapter_is_chosen_by_a_part_of_its_name(folder: Path) -> None:
    adapters = enumerate_adapters()
    name = adapter_name(adapters[0])
    with InferenceSession(folder, adapter=name[2:9].upper()) as session:
        assert adapter_name(session.get_adapter()) == name
    with InferenceSession(folder, adapter=adapters[0]) as session:
        assert session.get_adapter() is adapters[0]


def test_an_unknown_adapter_is_refused_with_those_found() -> None:
    with pytest.raises(AdapterError) as caught:
        choose_adapter("Voodoo")
    assert "no adapter's name contains 'Voodoo'" in str(caught.value)
    assert adapter_name(enumerate_adapters()[0]) in str(caught.value)


def test_a_model_too_large_for_the_adapter_is_refused_with_both_values(tmp_path: Path) -> None:
    limit = choose_adapter().limits["max-storage-buffer-binding-size"]
    model = tiny.description()
    model["arena"]["bytes"] = limit + 4
    with pytest.raises(AdapterError) as caught:
        InferenceSession(tiny.write(tmp_path / "a", model))
    assert f"max-storage-buffer-binding-size is {limit}" in str(caught.value)
    assert f"the model needs {limit + 4}" in str(caught.value)


def test_limits_above_the_default_are_requested(tmp_path: Path) -> None:
    model = tiny.description()
    bindings: list[dict[str, Any]] = model["kernels"][1]["bindings"]
    bindings += [{"binding": i, "buffer": "weights", "access": "read"} for i in range(3, 9)]
    with InferenceSession(tiny.write(tmp_path / "a", model)) as session:  # 9, the default is 8
        assert session.self_test().ok


def test_no_adapter_is_one_message_with_the_next_step(folder: Path, in_process: Process) -> None:
    process = in_process(OPEN, str(folder), **NO_DRIVER)
    assert process.returncode == 1
    assert process.stderr.startswith("AdapterError: no WebGPU adapter was found on this machine")
    assert "VK_DRIVER_FILES names /nowhere.json, which is missing: unset VK_DRIVER_FILES" in process.stderr
    assert "Traceback" not in process.stderr


def test_doctor_examines_every_adapter() -> None:
    report = doctor()
    assert report.ok
    assert [a.name for a in report.adapters] == [adapter_name(a) for a in enumerate_adapters()]
    first = report.adapters[0]
    assert first.error is None
    assert first.packed_dot
    assert first.timestamp_query == ("timestamp-query" in first.features)
    assert first.limits["max-storage-buffers-per-shader-stage"] >= 8


def test_doctor_says_what_is_missing_and_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ctypes.util.find_library", lambda _: None)
    monkeypatch.setattr("shutil.which", lambda name: name if name == "dnf" else None)
    monkeypatch.setattr("sys.platform", "linux")
    problems = {p.what: p for p in system_problems([], hardware=False)}
    problem = problems["the Vulkan loader (libvulkan.so.1) is missing"]
    assert problem.fix.endswith("dnf install mesa-vulkan-drivers vulkan-loader")
    assert problem.fatal


def test_software_adapters_alone_are_pointed_out() -> None:
    problems = system_problems(["some CPU (driver, Vulkan)"], hardware=False)
    assert [p.fatal for p in problems if "only software" in p.what] == [False]
    assert not [p for p in system_problems(["GPU (Vulkan)"], hardware=True) if "only" in p.what]


def test_the_runtime_loads_no_part_of_the_compiler(in_process: Process) -> None:
    code = (
        "import sys, onnx2wgsl.runtime_py, onnx2wgsl.runtime_py.adapters\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('onnx', 'onnxruntime', 'torch')"
        " or m.startswith('onnx2wgsl.compiler')])"
    )
    process = in_process(code)
    assert process.returncode == 0, process.stderr
    assert process.stdout.strip() == "[]"


def test_lavapipe_does_not_warn(folder: Path, in_process: Process) -> None:
    process = in_process("import os\nos.environ.pop('XDG_RUNTIME_DIR', None)\n" + OPEN, str(folder))
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
