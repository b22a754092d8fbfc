"""onnx2wgsl run: arrays and pictures in, arrays and pictures out."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx2wgsl.runtime_py import InferenceSession
from PIL import Image

from tests.cli.conftest import SIZE
from tests.command import refusal, script, succeed
from tests.sealed import part_of, seal


def expected(folder: Path, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a session of its own gives for the input."""
    with InferenceSession(folder) as session:
        result: NDArray[np.float32] = session.run(None, {"input": values})[0]
    return result


def as_values(picture: Image.Image) -> NDArray[np.float32]:
    """A picture as input by the stated normalisation: byte / 127.5 - 1, in f64, then f32."""
    pixels = np.asarray(picture.convert("RGB"), np.float64)
    return (pixels * (1 / 127.5) - 1).astype(np.float32).transpose(2, 0, 1)[None]


def noise(mode: str = "RGB", size: tuple[int, int] = (SIZE, SIZE)) -> Image.Image:
    channels = len(mode)
    shape = (size[1], size[0], channels) if channels > 1 else (size[1], size[0])
    return Image.fromarray(np.random.default_rng(3).integers(0, 256, shape, np.uint8), mode=None)


def assert_same(output: NDArray[np.float32], reference: NDArray[np.float32]) -> None:
    assert (output.dtype, output.shape) == (reference.dtype, reference.shape)
    assert output.tobytes() == reference.tobytes()


def test_an_array_in_an_array_out(compiled: Path, array: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "results"
    text = succeed("run", compiled, "--input", f"input={array}", "--output-dir", out)
    result = np.load(out / "output.npy")
    assert_same(result, expected(compiled, np.load(array)))
    assert text == (
        f"output: float32[1, 3, {SIZE}, {SIZE}], {result.min():.6g} to {result.max():.6g}\n"
        f"  {out / 'output.npy'}\n  {out / 'output.png'}\n"
    )
    assert sorted(path.name for path in out.iterdir()) == ["output.npy", "output.png"]


def test_a_bundle_runs_as_its_folder_does(compiled: Path, bundle: Path, array: Path, tmp_path: Path) -> None:
    for path, name in ((compiled, "folder"), (bundle, "bundle")):
        succeed("run", path, "--input", array, "--output-dir", tmp_path / name)
    results = [(tmp_path / name / "output.npy").read_bytes() for name in ("folder", "bundle")]
    assert results[0] == results[1]


def test_a_model_is_no_artifact(model: Path, array: Path) -> None:
    message = refusal("run", model, "--input", array)
    assert message == f"{model} is no artifact; compile it first: onnx2wgsl compile {model} -o DIR"


def test_a_damaged_bundle_is_told_as_one(bundle: Path, array: Path, tmp_path: Path) -> None:
    path = tmp_path / "small.onnx2wgsl"
    for data in (bundle.read_bytes()[:-1], b"PK" + bundle.read_bytes()):
        path.write_bytes(data)
        for command in (["run", path, "--input", array], ["verify", path], ["inspect", path]):
            assert re.match(rf"{path} is (damaged; compile the model again:|no bundle: )", refusal(*command))


def test_a_model_without_inputs(array: Path, tmp_path: Path) -> None:
    levels = {"q": np.arange(-5, 6, dtype=np.int8), "s": np.float32(0.5), "z": np.int8(1)}
    constants = [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in levels.items()]
    node = onnx.helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"])
    output = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [11])
    graph = onnx.helper.make_graph([node], "constant", [], [output], constants)
    opset = onnx.helper.make_opsetid("", 13)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8), tmp_path / "m.onnx")
    folder = tmp_path / "artifact"
    succeed("compile", tmp_path / "m.onnx", "-o", folder)
    assert "y: float32[11], -3 to 2" in succeed("run", folder, "--output-dir", tmp_path)
    assert_same(np.load(tmp_path / "y.npy"), np.arange(-6, 5, dtype=np.float32) / 2)
    with InferenceSession(folder) as session:
        assert session.self_test().ok
    assert refusal("run", folder, "--input", array) == (
        f"--input {array}: the model has no inputs: leave it out"
    )


def test_the_pixels_of_the_png_are_the_values_rounded(compiled: Path, array: Path, tmp_path: Path) -> None:
    succeed("run", compiled, "--input", array, "--output-dir", tmp_path)
    values = np.load(tmp_path / "output.npy")[0].transpose(1, 2, 0).astype(np.float64)
    pixels = np.clip(np.rint(values * 127.5 + 127.5), 0, 255).astype(np.uint8)
    with Image.open(tmp_path / "output.png") as picture:
        assert picture.mode == "RGB"
        assert np.array_equal(np.asarray(picture), pixels)


def test_without_an_output_folder_it_tells_the_range_alone(compiled: Path, array: Path) -> None:
    assert re.fullmatch(r"output: float32\[[\d, ]+\], \S+ to \S+\n", run(compiled, array))


def run(folder: Path, file: Path, *more: str | Path) -> str:
    return succeed("run", folder, "--input", file, *more)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".PNG", ".jpg", ".webp"])
def test_a_picture_is_normalised_as_stated(compiled: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"picture{suffix}"
    noise().save(path)
    run(compiled, path, "--output-dir", tmp_path)
    with Image.open(path) as picture:
        reference = expected(compiled, as_values(picture))
    assert_same(np.load(tmp_path / "output.npy"), reference)


@pytest.mark.parametrize("mode", ["RGBA", "L", "P", "1", "I;16"])
def test_a_picture_of_another_mode_is_taken_as_rgb(compiled: Path, tmp_path: Path, mode: str) -> None:
    path = tmp_path / "picture.png"
    image = noise("RGBA") if mode == "RGBA" else noise().convert("L").convert(mode)
    image.save(path)
    run(compiled, path, "--output-dir", tmp_path)
    with Image.open(path) as picture:
        reference = expected(compiled, as_values(eight_bits(picture)))
    assert_same(np.load(tmp_path / "output.npy"), reference)


def eight_bits(picture: Image.Image) -> Image.Image:
    """A picture of 16 bits a sample by its high bytes."""
    if picture.mode != "I;16":
        return picture
    return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))


@pytest.mark.parametrize("fit", [None, "cover", "contain", "stretch", "3,2.5,20,30"])
def test_a_picture_of_another_size_is_brought_to_the_models(
    compiled: Path, tmp_path: Path, fit: str | None
) -> None:
    path = tmp_path / "wide.png"
    noise(size=(50, 41)).save(path)
    run(compiled, path, "--output-dir", tmp_path, *(["--fit", fit] if fit else []))
    with Image.open(path) as picture:
        reference = expected(compiled, as_values(fitted(picture, fit or "cover")))
    assert_same(np.load(tmp_path / "output.npy"), reference)


def fitted(picture: Image.Image, fit: str) -> Image.Image:
    """A picture of 50x41 as the input has it, by Pillow alone."""
    if fit == "contain":
        result = Image.new("RGB", (SIZE, SIZE))
        result.paste(resized(picture, (SIZE, 26), (0, 0, 50, 41)), (0, 3))
        return result
    boxes = {"cover": (4.5, 0, 45.5, 41), "stretch": (0, 0, 50, 41), "3,2.5,20,30": (3, 2.5, 23, 32.5)}
    return resized(picture, (SIZE, SIZE), boxes[fit])


def resized(
    picture: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float]
) -> Image.Image:
    """Across, then down: each a call, because from Pillow 12 on sizes decide which comes first."""
    left, top, right, bottom = box
    bilinear = Image.Resampling.BILINEAR
    across = picture.resize((size[0], picture.height), bilinear, (left, 0, right, picture.height))
    return across.resize(size, bilinear, (0, top, size[0], bottom))


@pytest.mark.parametrize("fit", ["crop", "1,2,3", "a,b,c,d", "0,0,inf,1"])
def test_a_fit_that_is_none_is_refused(compiled: Path, array: Path, fit: str) -> None:
    message = refusal("run", compiled, "--input", array, "--fit", fit)
    assert message.endswith(f"{fit!r} is none of cover, contain, stretch, and not of the form 0,0,640,480")


def test_a_rectangle_outside_the_picture_is_refused(compiled: Path, tmp_path: Path) -> None:
    noise(size=(50, 41)).save(tmp_path / "a.png")
    message = refusal("run", compiled, "--input", tmp_path / "a.png", "--fit", "40,0,20,20")
    assert message == "the rectangle 20x20 at (40, 0) lies not within the picture of 50x41"


def test_a_photo_is_turned_as_its_camera_says(compiled: Path, tmp_path: Path) -> None:
    path, turned = tmp_path / "photo.png", tmp_path / "turned.png"
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    noise().save(path, exif=exif)
    noise().transpose(Image.Transpose.ROTATE_270).save(turned)
    run(compiled, path, "--output-dir", tmp_path / "a")
    run(compiled, turned, "--output-dir", tmp_path / "b")
    assert_same(np.load(tmp_path / "a" / "output.npy"), np.load(tmp_path / "b" / "output.npy"))


def test_characters_that_a_file_name_may_lack_become_underscores(
    artifact: Path, array: Path, tmp_path: Path
) -> None:
    rename_output(artifact, "a/b: ü[1].x-y_z")
    text = run(artifact, array, "--output-dir", tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["a_b____1_.x-y_z.npy", "a_b____1_.x-y_z.png"]
    assert text.startswith("a/b: ü[1].x-y_z: float32")


def rename_output(folder: Path, name: str) -> None:
    text = json.dumps(json.loads((folder / "model.json").read_text()))
    text = text.replace('"output:output"', json.dumps(f"output:{name}"))
    text = text.replace('"name": "output"', f'"name": {json.dumps(name)}')
    path = part_of(folder, "self_test")
    test = path.read_text().replace('"output:output"', json.dumps(f"output:{name}"))
    path.write_text(test.replace('"outputs":{"output":', f'"outputs":{{{json.dumps(name)}:'))
    seal(folder, json.loads(text))


@pytest.mark.parametrize(
    ("dot", "requantize"), [("packed", "integer"), ("emulated", "fast"), ("emulated", "integer")]
)
def test_a_variant_and_an_adapter_can_be_forced(
    compiled: Path, array: Path, tmp_path: Path, dot: str, requantize: str
) -> None:
    run(
        compiled, array, "--output-dir", tmp_path,
        "--adapter", "vulkan", "--dot", dot, "--requantize", requantize,
    )  # fmt: skip
    assert_same(np.load(tmp_path / "output.npy"), expected(compiled, np.load(array)))


# ---------------------------------------------------------------------------------- refusals


def test_the_name_of_an_input_must_be_known(compiled: Path, array: Path) -> None:
    message = refusal("run", compiled, "--input", f"image={array}")
    assert message == (f"--input image={array}: say which input with NAME=FILE; the inputs are input")


def test_an_input_is_given_once(compiled: Path, array: Path) -> None:
    message = refusal("run", compiled, "--input", array, "--input", f"input={array}")
    assert message == f"--input input={array}: input 'input' is given twice"


def test_a_file_with_an_equals_sign_in_its_name_is_found(compiled: Path, array: Path) -> None:
    path = array.with_name("a=b.npy")
    shutil.copy(array, path)
    assert run(compiled, path).startswith("output: ")


def test_an_input_is_needed(compiled: Path) -> None:
    assert refusal("run", compiled) == "input 'input' is missing; the model needs all of its inputs"


def test_a_picture_is_refused_where_the_input_is_none(artifact: Path, tmp_path: Path) -> None:
    description = json.loads((artifact / "model.json").read_text())
    del description["inputs"][0]["image"]
    path = part_of(artifact, "self_test")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"pictures": {}}))
    seal(artifact, description)
    noise().save(tmp_path / "picture.png")
    message = refusal("run", artifact, "--input", tmp_path / "picture.png")
    assert message.startswith(f"{tmp_path / 'picture.png'} is a picture, but input 'input' ")
    assert message.endswith(" takes none: give an .npy file")


def test_an_unknown_adapter_is_refused_with_those_found(compiled: Path, array: Path) -> None:
    message = refusal("run", compiled, "--input", array, "--adapter", "GeForce 256")
    assert message.startswith("no adapter's name contains 'GeForce 256'; found: ")


def test_the_installed_script_runs_it_too(compiled: Path, array: Path) -> None:
    result = script("run", compiled, "--input", array)
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("output: float32")
    result = script("run", compiled, "--input", array.with_name("none.npy"))
    assert (result.status, result.out) == (1, "")
    assert result.err == f"error: {array.with_name('none.npy')}: no such file\n"
