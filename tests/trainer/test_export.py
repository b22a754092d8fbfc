"""From a trained student to an int8 file: what is written, and what the gate says of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx2wgsl.trainer.data import held_out
from onnx2wgsl.trainer.errors import TrainerError
from onnx2wgsl.trainer.export import qat
from onnx2wgsl.trainer.export.bias import correct_biases, rounded
from onnx2wgsl.trainer.export.equalize import equalize
from onnx2wgsl.trainer.export.gate import Gate, check
from onnx2wgsl.trainer.export.graph import OPSET, write_onnx
from onnx2wgsl.trainer.export.quantize import METHODS, Method, quantize
from onnx2wgsl.trainer.export.runtime import floats_in, operators, optimized
from onnx2wgsl.trainer.models import MobileUNet, fold_batch_norm
from onnx2wgsl.trainer.models.onnx_generator import OnnxGenerator, options, to_pictures, to_range
from torch import nn

from tests.trainer.tiny import SIZE

PASSES = Gate(
    pictures=8, fidelity=50, worst=47, float_psnr=27, int8_psnr=26.95, floats=()
)  # fmt: skip


@pytest.fixture(scope="module")
def exact(model: MobileUNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("float") / "float.onnx"
    write_onnx(fold_batch_norm(model), SIZE, path)
    return path


@pytest.fixture(scope="module")
def inputs(data: Path) -> NDArray[np.float32]:
    return to_range(held_out.read(data, "train").inputs)


@pytest.fixture(scope="module")
def prepared(
    model: MobileUNet, inputs: NDArray[np.float32], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    net = fold_batch_norm(model)
    assert isinstance(net, MobileUNet)
    equalize(net, inputs)
    correct_biases(net, inputs)
    path = tmp_path_factory.mktemp("prepared") / "prepared.onnx"
    write_onnx(net, SIZE, path)
    return path


def test_a_float_file_computes_what_the_net_does(
    model: MobileUNet, exact: Path, inputs: NDArray[np.float32]
) -> None:
    generator = OnnxGenerator.load(exact)
    with torch.no_grad():
        reference = model(torch.from_numpy(inputs[:3])).numpy()
    np.testing.assert_allclose(generator(inputs[:3]), reference, atol=2e-6)
    assert generator.size == SIZE


def test_norms_are_folded_and_upsampling_is_resize(exact: Path) -> None:
    file = onnx.load(exact)
    assert file.opset_import[0].version == OPSET
    counts = operators(file)
    assert "BatchNormalization" not in counts
    assert "ConvTranspose" not in counts
    assert (counts["Conv"], counts["Resize"], counts["Concat"], counts["Tanh"]) == (12, 6, 5, 1)


def test_a_file_has_no_path_of_the_machine(exact: Path) -> None:
    assert str(Path(torch.__file__).parents[2]).encode() not in exact.read_bytes()
    assert str(Path(__file__).parents[2]).encode() not in exact.read_bytes()


@pytest.mark.parametrize("method", METHODS)
def test_int8_is_near_float_and_wholly_in_integers(
    method: Method,
    exact: Path,
    prepared: Path,
    data: Path,
    inputs: NDArray[np.float32],
    tmp_path: Path,
) -> None:
    path = tmp_path / "int8.onnx"
    quantize(prepared, path, inputs, method)
    floats = floats_in(optimized(path, tmp_path / "optimized.onnx"))
    validation = held_out.read(data, "val")
    gate = check(OnnxGenerator.load(exact), OnnxGenerator.load(path), validation, floats)
    assert gate.floats == ()
    assert gate.fidelity >= gate.worst > 35
    if method == "minmax":
        assert gate.failures() == []
    assert scales_of_joins(onnx.load(path)) == [1] * 5


def scales_of_joins(file: onnx.ModelProto) -> list[int]:
    """How many scales each concatenation and its parts have."""
    initializers = {tensor.name: tensor for tensor in file.graph.initializer}
    makers = {node.output[0]: node for node in file.graph.node}
    readers = {node.input[0]: node for node in file.graph.node if node.op_type == "QuantizeLinear"}
    counts = []
    for node in file.graph.node:
        if node.op_type == "Concat":
            pairs = [*(makers[name] for name in node.input), readers[node.output[0]]]
            counts.append(len({numpy_helper.to_array(initializers[pair.input[1]]).item() for pair in pairs}))
    return counts


def test_equal_nets_make_equal_files(exact: Path, inputs: NDArray[np.float32], tmp_path: Path) -> None:
    for name in ("a.onnx", "b.onnx"):
        quantize(exact, tmp_path / name, inputs)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_float_convolutions_are_told(exact: Path, tmp_path: Path) -> None:
    floats = floats_in(optimized(exact, tmp_path / "optimized.onnx"))
    assert sum("Conv" in name for name in floats) == 12


def test_wrong_calibration_fails_the_gate(
    exact: Path, data: Path, inputs: NDArray[np.float32], tmp_path: Path
) -> None:
    path = tmp_path / "int8.onnx"
    quantize(exact, path, np.zeros_like(inputs[:1]))
    gate = check(OnnxGenerator.load(exact), OnnxGenerator.load(path), held_out.read(data, "val"), [])
    assert gate.fidelity < 45
    assert any("dB from float, not 45 dB" in failure for failure in gate.failures())


def test_the_gate_names_each_condition_that_fails() -> None:
    assert PASSES.failures() == []
    assert replace(PASSES, fidelity=44.9).failures() == ["int8 is 44.9 dB from float, not 45 dB or more"]
    (failure,) = replace(PASSES, int8_psnr=26.8).failures()
    assert "26.80 dB against the truth, float 27.00" in failure
    assert replace(PASSES, floats=("Conv a",)).failures() == ["onnxruntime computes in float: Conv a"]


def test_sums_do_not_saturate_on_any_cpu() -> None:
    """Without VNNI onnxruntime would add pairs of u8 * s8 in 16 bits: 2 * 255 * 127 is beyond."""
    channels, size = 64, 4
    arrays = {
        "xs": np.float32(1 / 255), "xz": np.uint8(0),
        "w": np.full((4, channels, 1, 1), 127, np.int8), "ws": np.float32(1 / 127),
        "ys": np.float32(0.5), "yz": np.uint8(0),
    }  # fmt: skip
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "xs", "xz"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "xs", "xz"], ["xd"]),
        helper.make_node("DequantizeLinear", ["w", "ws"], ["wd"]),
        helper.make_node("Conv", ["xd", "wd"], ["y"]),
        helper.make_node("QuantizeLinear", ["y", "ys", "yz"], ["yq"]),
        helper.make_node("DequantizeLinear", ["yq", "ys", "yz"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "sums",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, channels, size, size])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 4, size, size])],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()],
    )
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    session = ort.InferenceSession(file.SerializeToString(), options(), providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {"x": np.ones((1, channels, size, size), np.float32)})
    assert (output == channels).all()


def test_equalized_channels_change_nothing_in_float(model: MobileUNet, inputs: NDArray[np.float32]) -> None:
    net = fold_batch_norm(model)
    assert isinstance(net, MobileUNet)
    before = spread(net, inputs)
    with torch.no_grad():
        reference = net(torch.from_numpy(inputs))
        equalize(net, inputs)
        torch.testing.assert_close(net(torch.from_numpy(inputs)), reference, atol=1e-5, rtol=0)
    assert spread(net, inputs) < before
    above, below = peaks_of_the_outermost_join(net, inputs)
    assert above == pytest.approx(below, rel=1e-5)


def peaks_of_the_outermost_join(net: MobileUNet, inputs: NDArray[np.float32]) -> tuple[float, float]:
    """The largest values of both parts of the last concatenation: the skip's, and the other's."""
    joined: list[torch.Tensor] = []
    hook = net.up[-1].register_forward_hook(lambda module, inputs, output: joined.append(inputs[0]))  # noqa: ARG005
    with torch.no_grad():
        net(torch.from_numpy(inputs))
    hook.remove()
    skip = net.down[0](torch.from_numpy(inputs)).shape[1]
    return float(joined[0][:, :skip].max()), float(joined[0][:, skip:].max())


def spread(net: MobileUNet, inputs: NDArray[np.float32]) -> float:
    """How unlike the ranges of the first level's channels are: largest by median."""
    with torch.no_grad():
        peaks = net.down[0](torch.from_numpy(inputs)).amax((0, 2, 3))
    return float(peaks.max() / peaks.clamp_min(1e-6).median())


def test_corrected_biases_keep_the_means_of_rounded_weights(
    model: MobileUNet, inputs: NDArray[np.float32]
) -> None:
    x = torch.from_numpy(inputs)
    with torch.no_grad():
        conv = fold_batch_norm(model).down[0][0]
        means = conv(x).mean((0, 2, 3))
        alone = nn.Sequential(conv)
        correct_biases(alone, inputs)
        conv.weight.copy_(rounded(conv.weight))
        corrected = (conv(x).mean((0, 2, 3)) - means).abs().max()
        conv.bias.copy_(fold_batch_norm(model).down[0][0].bias)
        uncorrected = (conv(x).mean((0, 2, 3)) - means).abs().max()
    assert corrected < uncorrected / 5


def test_preparation_brings_int8_nearer_to_float(
    exact: Path, prepared: Path, data: Path, inputs: NDArray[np.float32], tmp_path: Path
) -> None:
    validation, float_ = held_out.read(data, "val"), OnnxGenerator.load(exact)
    fidelity = {}
    for source in (exact, prepared):
        quantize(source, tmp_path / "int8.onnx", inputs)
        int8 = OnnxGenerator.load(tmp_path / "int8.onnx")
        fidelity[source.name] = check(float_, int8, validation, []).fidelity
    assert fidelity["prepared.onnx"] > fidelity["float.onnx"]


def test_training_that_knows_of_int8_learns_and_leaves_float_weights(
    model: MobileUNet, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qat, "LEARNING_RATE", 1e-3)
    net = fold_batch_norm(model)
    pictures = held_out.read(data, "train")

    def error() -> float:
        with torch.no_grad():
            outputs = net(torch.from_numpy(to_range(pictures.inputs))).numpy()
        return float(np.abs(outputs - to_range(pictures.truths)).mean())

    before = error()
    qat.tune(net, pictures.inputs, pictures.truths, pictures.mouths, iterations=30)
    assert error() < before
    assert not net.training
    assert net.state_dict().keys() == fold_batch_norm(model).state_dict().keys()


def test_pictures_survive_the_range_of_the_network() -> None:
    pictures = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    assert (to_pictures(to_range(pictures)) == pictures).all()


def test_a_file_that_is_no_generator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainerError, match="no such file"):
        OnnxGenerator.load(tmp_path / "none.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"not a model")
    with pytest.raises(TrainerError, match="not a model that onnxruntime runs"):
        OnnxGenerator.load(tmp_path / "broken.onnx")
