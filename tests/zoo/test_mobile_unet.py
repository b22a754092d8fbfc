"""The test models are what they claim to be, and onnxruntime runs every sum of them in integers."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx2wgsl.compiler.reference.oracle import Oracle, reference_of

from tests.zoo.export import Exporter, export
from tests.zoo.files import mobile_unet_path
from tests.zoo.networks import mobile_unet, parameter_count
from tests.zoo.quantization import STYLES, quantize, random_feeds

SIZE, NGF, CONVS, CONCATS = 64, 8, 12, 5


@pytest.mark.parametrize(("ngf", "parameters"), [(16, 2_450_723), (24, 5_510_835)])
def test_the_student_at_256_has_the_published_number_of_parameters(ngf: int, parameters: int) -> None:
    net = mobile_unet(256, ngf)
    assert parameter_count(net) == parameters
    model = export(net, np.zeros((1, 3, 256, 256), np.float32))
    assert sum(node.op_type == "Conv" for node in model.graph.node) == 16


def test_the_depth_follows_the_size_up_to_eight() -> None:
    assert [len(mobile_unet(size, 2).down) for size in (16, 64, 128, 256, 512)] == [4, 6, 7, 8, 8]


@pytest.mark.parametrize("style", STYLES)
def test_every_conv_and_concat_of_a_style_runs_in_integers(style: str) -> None:
    oracle = _oracle(mobile_unet_path(SIZE, NGF, style))
    groups = oracle.integer_groups()
    assert groups.exact, str(groups)
    assert groups.counts["QLinearConv"] == CONVS
    assert groups.counts["QLinearConcat"] == CONCATS
    assert oracle.signed_integer_kernels == STYLES[style].signed


@pytest.mark.parametrize("style", STYLES)
def test_the_pictures_of_a_style_are_lively(style: str) -> None:
    path = mobile_unet_path(SIZE, NGF, style)
    output = _oracle(path).run(random_feeds({"input": (1, 3, SIZE, SIZE)}, count=1, seed=5)[0])
    assert len(np.unique(output["output"])) > 100
    assert np.ptp(output["output"]) > 1


@pytest.mark.parametrize("opset", [13, 17, 21])
@pytest.mark.parametrize("exporter", ["torchscript", "dynamo"])
def test_both_exporters_give_models_that_run_in_integers(exporter: Exporter, opset: int) -> None:
    path = mobile_unet_path(SIZE, NGF, exporter=exporter, opset=opset)
    groups = _oracle(path).integer_groups()
    assert groups.exact, str(groups)
    assert groups.counts["QLinearConv"] == CONVS


def test_a_model_is_the_same_each_time_it_is_made() -> None:
    feeds = random_feeds({"input": (1, 3, 16, 16)}, count=2)
    models = [
        quantize(export(mobile_unet(16, 2), feeds[0]["input"]), "u8s8_per_channel", feeds) for _ in range(2)
    ]
    assert models[0].SerializeToString() == models[1].SerializeToString()


def test_an_exported_batch_can_be_symbolic() -> None:
    model = export(mobile_unet(16, 2), np.zeros((2, 3, 16, 16), np.float32), dynamic_batch=True)
    output = Oracle(model).run({"input": np.zeros((5, 3, 16, 16), np.float32)})["output"]
    assert output.shape == (5, 3, 16, 16)


def _oracle(path: Path) -> Oracle:
    model = onnx.load(path)
    return reference_of(model)
