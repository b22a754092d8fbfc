"""Bad input ends in one message that says where, why and what to do; nothing is half-written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx2wgsl.runtime_py import session
from onnx2wgsl.runtime_py.adapters import choose_adapter

from tests.builders.edit import save
from tests.builders.qdq import QDQBuilder, QuantParams
from tests.cli.harm import AGAIN, SHAPE, refused_to_compile, tree
from tests.command import NO_ADAPTER, refusal, script
from tests.sealed import part_of, seal

# ------------------------------------------------------------------------------ ONNX files


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "none.onnx"
    for command in (["compile", path, "-o", tmp_path / "out"], ["verify", path], ["inspect", path]):
        assert refusal(*command) == f"{path}: no such file"
    assert refusal("compile", tmp_path, "-o", tmp_path / "out") == (
        f"Invalid value for 'MODEL': File '{tmp_path}' is a directory."
    )


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file(model: Path, tmp_path: Path, share: float) -> None:
    path = tmp_path / "cut.onnx"
    path.write_bytes(model.read_bytes()[: int(model.stat().st_size * share)])
    message = refused_to_compile(path)
    assert message.startswith(str(path))
    assert "truncated" in message
    assert "export it again" in message


@pytest.mark.parametrize(
    "content", [b"<!doctype html><title>404</title>", b"\x89PNG\r\n\x1a\n" * 9, bytes(64)]
)
def test_a_file_of_another_kind(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    message = refused_to_compile(path)
    assert re.match(rf"{path} (is not an ONNX file|holds no graph)", message)


def test_every_unsupported_operator_is_listed(tmp_path: Path) -> None:
    b = QDQBuilder()
    params = QuantParams(0.02, 128)
    x = b.input((1, 3, 8, 8), params)
    b.output(b.unary(x, "Trilu", params))
    b.output(b.unary(x, "RandomUniformLike", params))
    message = refused_to_compile(save(b.build(), tmp_path))
    heading, *reasons = message.splitlines()
    assert heading == "2 parts of model can't be compiled:"
    assert [line.partition(": ")[0] for line in reasons] == [
        "  - Trilu 'Trilu_2'",
        "  - RandomUniformLike 'RandomUniformLike_5'",
    ]
    assert "this operator is not supported; " in reasons[0]
    assert "it draws random numbers" in reasons[1]


def test_a_missing_shape(model: Path, tmp_path: Path) -> None:
    proto = onnx.load(model)
    del proto.graph.value_info[:]
    for index in (2, 3):
        proto.graph.input[0].type.tensor_type.shape.dim[index].dim_param = "side"
    path = save(proto, tmp_path)
    assert refused_to_compile(path) == (
        f"input 'input' of {path} has dynamic dimensions [1, 3, 'side', 'side']: "
        "give them, for example --shape input=1,3,256,256"
    )


def test_an_opset_that_is_not_taken(model: Path, tmp_path: Path) -> None:
    proto = onnx.load(model)
    proto.opset_import[0].version = 9
    message = refused_to_compile(save(proto, tmp_path))
    assert "uses opset 9; opsets 10 to 26 are taken" in message


def test_a_refused_model_leaves_the_earlier_artifact(artifact: Path, model: Path) -> None:
    before = tree(artifact.parent)
    assert refusal("compile", part_of(artifact, "weights"), "-o", artifact)
    assert refusal("compile", model, "-o", artifact, "--shape", "input=1,3,64,64")
    assert tree(artifact.parent) == before


# ------------------------------------------------------------------------------ run's inputs


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            np.zeros((1, 3, 32, 31), np.float32),
            "input 'input' has shape [1, 3, 32, 31]; the model needs [1, 3, 32, 32]; "
            "for another size, compile the model with --shape",
        ),
        (
            np.zeros((3, 32, 32), np.float32),
            "input 'input' has shape [3, 32, 32]; the model needs [1, 3, 32, 32]; "
            "for another size, compile the model with --shape",
        ),
        (
            np.zeros(SHAPE),
            "input 'input' has dtype float64; the model needs float32: convert it with .astype('float32')",
        ),
        (
            np.zeros((30, 32, 2), np.uint8),
            "input 'input' is a picture of shape [30, 32, 2]; give [height, width, 3 or 4]",
        ),
        (
            np.zeros((0, 32, 3), np.uint8),
            "input 'input' is a picture of shape [0, 32, 3]; give [height, width, 3 or 4]",
        ),
    ],
)
def test_an_array_of_another_shape_or_dtype(
    compiled: Path, tmp_path: Path, values: Any, expected: str
) -> None:
    np.save(tmp_path / "x.npy", values)
    out = tmp_path / "out"
    message = refusal("run", compiled, "--input", tmp_path / "x.npy", "--output-dir", out)
    assert message == expected
    assert not out.exists()


def npz(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, x=np.zeros(SHAPE, np.float32))


def cut(path: Path) -> None:
    np.save(path, np.zeros(SHAPE, np.float32))
    path.write_bytes(path.read_bytes()[:1000])


@pytest.mark.parametrize(
    "write",
    [
        npz,
        cut,
        lambda path: np.save(path, np.array([{}], object), allow_pickle=True),
        lambda path: path.write_text("1 2 3"),
        lambda path: path.write_bytes(b""),
    ],
)
def test_a_file_that_is_no_array(compiled: Path, tmp_path: Path, write: Callable[[Path], object]) -> None:
    path = tmp_path / "x.npy"
    write(path)
    message = refusal("run", compiled, "--input", path)
    assert message.startswith(f"{path} is no whole .npy file (")
    assert "make one with numpy.save, or give a picture (.png, .jpg" in message
    assert "allow_pickle" not in message
    assert "\n" not in message


def test_a_damaged_picture(compiled: Path, tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "models" / "pictures" / "landmarks_real.png"
    (tmp_path / "cut.png").write_bytes(source.read_bytes()[:2000])
    (tmp_path / "text.png").write_text("no picture")
    for name in ("cut", "text"):
        message = refusal("run", compiled, "--input", tmp_path / f"{name}.png")
        assert message.startswith(f"{tmp_path / name}.png can't be read as a picture: ")


# ------------------------------------------------------------------------- damaged artifacts


def remove(*keys: str | int) -> Callable[[dict[str, Any]], None]:
    def change(description: Any) -> None:
        for key in keys[:-1]:
            description = description[key]
        del description[keys[-1]]

    return change


def put(value: object, *keys: str | int) -> Callable[[dict[str, Any]], None]:
    def change(description: Any) -> None:
        for key in keys[:-1]:
            description = description[key]
        description[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (put(1, "version"), "$.version is 1, this runtime reads 5"),
        (put("tfjs", "format"), '$.format is "tfjs", not "onnx2wgsl": not an artifact'),
        (remove("kernels"), "$.kernels: is missing"),
        (put("../x.wgsl", "kernels", 0, "shader"), '$.kernels[0].shader: "../x.wgsl" is against'),
        (put("nowhere", "kernels", 0, "bindings", 0, "buffer"), '.buffer: "nowhere" is no buffer'),
    ],
)
@pytest.mark.parametrize("command", ["run", "verify", "bench", "inspect"])
def test_a_damaged_description(
    artifact: Path,
    array: Path,
    command: str,
    change: Callable[[dict[str, Any]], None],
    expected: str,
) -> None:
    path = artifact / "model.json"
    description = json.loads(path.read_text())
    change(description)
    seal(artifact, description)
    message = refused(command, artifact, array)
    assert message.startswith(str(path))
    assert expected in message
    assert AGAIN in message or "not an artifact" in message or "installed here" in message


def refused(command: str, folder: Path, array: Path) -> str:
    """The message of a command that takes a folder; nothing changes around it."""
    before = tree(folder.parent)
    options = {"run": ["--input", array, "--output-dir", folder.parent / "out"]}
    message = refusal(command, folder, *options.get(command, ()))
    assert tree(folder.parent) == before
    return message


def test_broken_json(artifact: Path, array: Path) -> None:
    path = artifact / "model.json"
    path.write_text(path.read_text()[:400])
    message = refused("run", artifact, array)
    assert re.fullmatch(rf"{path} is damaged; {AGAIN}:\n  line \d+ column \d+: .+", message)


def test_a_folder_without_an_artifact(tmp_path: Path, array: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for command in ("run", "verify", "bench", "inspect"):
        assert refused(command, empty, array) == (
            f"{empty} holds no artifact (model.json: No such file); "
            f"make one with: onnx2wgsl compile MODEL -o {empty}"
        )


def test_damaged_weights(artifact: Path, array: Path) -> None:
    path = part_of(artifact, "weights")
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    assert refused("run", artifact, array) == (
        f"{path} is damaged; {AGAIN}:\n  {len(whole) - 4} bytes, model.json says {len(whole)}"
    )
    path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    assert re.fullmatch(
        rf"{path} is damaged; {AGAIN}:\n  SHA-256 is [0-9a-f]{{64}}, model.json says .+",
        refused("verify", artifact, array),
    )
    path.unlink()
    assert refused("bench", artifact, array).startswith(f"{path}: No such file or directory; ")


def test_a_changed_missing_or_broken_shader(artifact: Path, array: Path) -> None:
    kernel = json.loads((artifact / "model.json").read_text())["kernels"][1]
    path = part_of(artifact, "shaders")
    text = path.read_text()
    path.unlink()
    assert refused("run", artifact, array) == (
        f"{path}: No such file or directory; {AGAIN}: onnx2wgsl compile MODEL -o DIR"
    )
    path.write_text(text.replace(f"//// {kernel['shader']}\n", f"//// {kernel['shader']}\nfn main main\n"))
    assert refused("run", artifact, array).startswith(f"{path} is damaged; {AGAIN}:\n")
    seal(artifact)
    message = refused("run", artifact, array)
    assert message.startswith(f"kernel {kernel['name']} ({kernel['shader']}): In wgpu")
    assert "fn main main" in message
    assert f"\n{AGAIN}; where that does not help, report it with what onnx2wgsl doctor" in message


# -------------------------------------------------------------------------------- adapters


@pytest.mark.parametrize("command", ["run", "verify", "bench"])
def test_no_adapter(compiled: Path, array: Path, command: str) -> None:
    options = ["--input", array] if command == "run" else []
    result = script(command, compiled, *options, **NO_ADAPTER)
    assert result.status == 1
    assert result.err.startswith("error: no WebGPU adapter was found on this machine\n")
    assert "\n  no Vulkan driver was found: " in result.err
    assert "apt-get install mesa-vulkan-drivers libvulkan1" in result.err
    assert "Traceback" not in result.err


class Smaller:
    """A real adapter with one limit lowered."""

    def __init__(self, adapter: Any, limit: str, value: int) -> None:
        self._adapter = adapter
        self.limits = dict(adapter.limits) | {limit: value}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        ("max-storage-buffer-binding-size", 4096),
        ("max-buffer-size", 4096),
        ("max-storage-buffers-per-shader-stage", 1),
    ],
)
def test_an_adapter_whose_limits_are_too_small(
    compiled: Path, array: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    small = Smaller(choose_adapter(), limit, value)
    monkeypatch.setattr(session, "choose_adapter", lambda _: small)
    message = refusal("run", compiled, "--input", array)
    assert re.search(rf": {limit} is {value} and the model needs (?:[1-9]\d+|[2-9])\b", message)
    assert "is too small for this model: " in message
    assert message.endswith(
        "Choose another adapter (`onnx2wgsl doctor` lists them) or compile a smaller shape"
    )


def test_an_arena_that_no_adapter_has_room_for(artifact: Path, array: Path) -> None:
    path = artifact / "model.json"
    description = json.loads(path.read_text())
    description["arena"]["bytes"] = 2**32
    seal(artifact, description)
    message = refused("run", artifact, array)
    assert f"and the model needs {2**32}" in message
