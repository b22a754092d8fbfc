"""A session computes what the artifact means, with onnxruntime's manners, on a real adapter."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx2wgsl.runtime_py import (
    AdapterError,
    ArtifactError,
    DeviceLostError,
    InferenceSession,
    InputError,
    SessionError,
)

from tests.runtime_py import tiny_artifact as tiny

RNG = np.random.default_rng(5)


def feed() -> dict[str, np.ndarray]:
    return {
        "x": RNG.uniform(-1.2, 1.2, (1, 3, 4, 4)).astype(np.float32),
        "shift": RNG.integers(0, 256, 5, dtype=np.uint8),
    }


def expected(inputs: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    y, z = tiny.reference(**inputs)["lookup"]
    return y.view(np.float32).reshape(1, 4, 4, 4), z.view(np.int8)[0, :3].reshape(1, 3, 1, 1)


def assert_same(output: np.ndarray, reference: np.ndarray) -> None:
    assert (output.dtype, output.shape) == (reference.dtype, reference.shape)
    assert output.tobytes() == reference.tobytes()


def test_run_returns_every_output_bit_for_bit(session: InferenceSession) -> None:
    for _ in range(3):
        inputs = feed()
        y, z = session.run(None, inputs)
        assert_same(y, expected(inputs)[0])
        assert_same(z, expected(inputs)[1])


def test_outputs_come_in_the_order_asked_for(session: InferenceSession) -> None:
    inputs = feed()
    y, z = expected(inputs)
    outputs = session.run(["z", "y"], inputs)
    assert_same(outputs[0], z)
    assert_same(outputs[1], y)
    assert_same(session.run(["z"], inputs)[0], z)
    assert session.run([], inputs) == []


def test_a_result_is_not_overwritten_by_the_next_run(session: InferenceSession) -> None:
    inputs = feed()
    first = session.run(["y"], inputs)[0]
    session.run(["y"], feed())
    assert_same(first, expected(inputs)[0])
    assert first.flags.writeable


def test_a_view_that_is_not_contiguous_is_read_right(session: InferenceSession) -> None:
    inputs = feed()
    inputs["x"] = np.asfortranarray(inputs["x"])
    assert not inputs["x"].flags.c_contiguous
    assert_same(session.run(["y"], inputs)[0], expected(inputs)[0])


@pytest.mark.parametrize("channels", [3, 4])
def test_a_picture_goes_through_the_image_kernel(session: InferenceSession, channels: int) -> None:
    picture = RNG.integers(0, 256, (4, 4, channels), dtype=np.uint8)
    shift = feed()["shift"]
    planes = picture[None, :, :, :3].transpose(0, 3, 1, 2)
    same = {"x": planes.astype(np.float32) / 128 - 1, "shift": shift}
    assert_same(session.run(["y"], {"x": picture, "shift": shift})[0], expected(same)[0])
    assert_same(session.run(["y"], same)[0], expected(same)[0])  # and floats still go their way


def test_inputs_and_outputs_are_listed_as_onnxruntime_does(session: InferenceSession) -> None:
    inputs = [(i.name, i.shape, i.type) for i in session.get_inputs()]
    outputs = [(o.name, o.shape, o.type) for o in session.get_outputs()]
    assert inputs == [
        ("x", [1, 3, 4, 4], "tensor(float)"),
        ("shift", [5], "tensor(uint8)"),
    ]
    assert outputs == [
        ("y", [1, 4, 4, 4], "tensor(float)"),
        ("z", [1, 3, 1, 1], "tensor(int8)"),
    ]


def test_the_adapter_can_be_asked_for(session: InferenceSession) -> None:
    assert session.adapter_info == dict(session.get_adapter().info)
    assert session.adapter_info["device"]


@pytest.mark.parametrize(
    ("dot", "requantize"),
    list(itertools.product(("packed", "emulated"), ("fast", "integer"))),
)
def test_every_variant_gives_the_same_bits(folder: Path, dot: Any, requantize: Any) -> None:
    inputs = feed()
    with InferenceSession(folder, dot=dot, requantize=requantize) as opened:
        assert opened.variants == {"dot": dot, "requantize": requantize}
        assert opened.self_test().ok
        assert_same(opened.run(["y"], inputs)[0], expected(inputs)[0])


def test_the_integer_variant_is_taken_where_the_probe_disagrees(tmp_path: Path) -> None:
    rounds_down = tiny.SNIPPETS["requantize_fast.wgsl"].replace("round(", "floor(")
    folder = tiny.write(tmp_path / "a", shaders={"requantize_fast.wgsl": rounds_down})
    with InferenceSession(folder) as opened:
        assert opened.variants["requantize"] == "integer"
        assert opened.self_test().ok
    with pytest.raises(AdapterError, match=r"'fast' was asked for.*probe cases differently"):
        InferenceSession(folder, requantize="fast")


def test_an_unknown_variant_is_refused(folder: Path) -> None:
    wrong: Any = "simd"
    with pytest.raises(InputError, match="dot is 'simd'; give None or one of packed, emulated"):
        InferenceSession(folder, dot=wrong)


def test_trace_returns_what_each_kernel_wrote(session: InferenceSession) -> None:
    inputs = feed()
    trace = session.trace(inputs)
    reference = tiny.reference(**inputs)
    assert list(trace) == ["quantize", "conv", "lookup"]
    for name, stores in reference.items():
        for output, store in zip(trace[name], stores, strict=True):
            assert_same(output, store)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "input 'x' is missing"),
        ({"y": 1}, "no input 'y'; the model has 'x', 'shift'"),
        ({"x": np.zeros((1, 3, 4, 4))}, "has dtype float64; the model needs float32"),
        ({"x": np.zeros((3, 4, 4), np.float32)}, r"shape \[3, 4, 4\]; the model needs \[1, 3, 4,"),
        ({"x": np.zeros((4, 5, 2), np.uint8)}, r"picture of shape \[4, 5, 2\].*\[height, width, 3 or 4\]"),
        ({"x": np.zeros((1, 3, 4, 4), np.uint8)}, "has dtype uint8; the model needs float32"),
        ({"shift": np.zeros((5, 1, 1), np.uint8)}, r"shape \[5, 1, 1\]; the model needs \[5\]"),
        ({"shift": [1, 2, 3, 4, 5]}, "has dtype int64; the model needs uint8"),
    ],
)
def test_a_wrong_input_is_refused(session: InferenceSession, inputs: dict[str, Any], message: str) -> None:
    whole = inputs if not inputs or "y" in inputs else feed() | inputs
    with pytest.raises(InputError, match=message):
        session.run(None, whole)


def test_a_wrong_output_name_is_refused(session: InferenceSession) -> None:
    with pytest.raises(InputError, match="no output 'q'; the model has 'y', 'z'"):
        session.run(["q"], feed())


def test_profile_times_every_kernel(session: InferenceSession) -> None:
    times = session.profile(frames=2)
    assert [t.kernel.name for t in times] == ["quantize", "conv", "lookup"]
    assert all(0 < t.microseconds < 1e6 for t in times)
    with pytest.raises(InputError, match="frames is 0"):
        session.profile(frames=0)


def test_profile_needs_a_session_opened_for_it(folder: Path) -> None:
    with (
        InferenceSession(folder) as opened,
        pytest.raises(SessionError, match="open it with profile=True"),
    ):
        opened.profile()


def test_a_closed_session_says_so(folder: Path) -> None:
    with InferenceSession(folder) as opened:
        pass
    opened.close()
    for call in (lambda: opened.run(None, feed()), opened.self_test, opened.profile):
        with pytest.raises(SessionError, match="this session is closed"):
            call()


def test_a_lost_device_says_so(folder: Path) -> None:
    opened = InferenceSession(folder)
    opened.run(None, feed())
    executor = opened._executor
    assert executor is not None
    executor.device.destroy()
    with pytest.raises(DeviceLostError, match="make a new InferenceSession"):
        opened.run(None, feed())
    opened.close()


def test_a_shader_that_does_not_compile_is_named(tmp_path: Path) -> None:
    folder = tiny.write(tmp_path / "a", shaders={"01_conv.wgsl": "fn main() { let x: u32 = 1.5; }"})
    with pytest.raises(SessionError, match=r"(?s)^kernel conv \(01_conv\.wgsl\): .*expected to be"):
        InferenceSession(folder)


def test_a_binding_that_a_shader_lacks_is_named(tmp_path: Path) -> None:
    model = tiny.description()
    del model["kernels"][1]["bindings"][2]
    with pytest.raises(SessionError, match=r"^kernel conv \(01_conv\.wgsl\): "):
        InferenceSession(tiny.write(tmp_path / "a", model))


def test_missing_shaders_are_named(folder: Path) -> None:
    (folder / "shaders.txt").unlink()
    with pytest.raises(ArtifactError, match=r"shaders\.txt: No such file"):
        InferenceSession(folder)


def counting(owner: Any, names: list[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Records each call of the named methods of `owner`."""
    calls: list[str] = []
    for name in names:
        original = getattr(owner, name)

        def count(*args: Any, _name: str = name, _original: Any = original, **kw: Any) -> Any:
            calls.append(_name)
            return _original(*args, **kw)

        monkeypatch.setattr(owner, name, count)
    return calls


@pytest.mark.parametrize("picture", [False, True])
def test_a_run_makes_nothing_but_its_command_buffer(
    folder: Path, monkeypatch: pytest.MonkeyPatch, picture: bool
) -> None:
    inputs = feed()
    if picture:
        inputs["x"] = RNG.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    with InferenceSession(folder) as opened:
        assert opened._executor is not None
        device = opened._executor.device
        opened.run(None, inputs)
        methods = [n for n in dir(device) if n.startswith(("create_", "_create_"))]
        created = counting(device, methods, monkeypatch)
        queued = counting(device.queue, ["submit", "read_buffer"], monkeypatch)
        for _ in range(3):
            opened.run(None, inputs)
        assert created == ["create_command_encoder"] * 3
        assert queued == ["submit"] * 3
