"""What torch's exporters write compiles, bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from onnx2wgsl.compiler.frontend.driver import import_model
from onnx2wgsl.compiler.operators.convolution.op import Conv
from onnx2wgsl.compiler.operators.moves.pad import Pad
from onnx2wgsl.compiler.operators.moves.resize import Resize

from tests.builders.edit import save
from tests.compiler.exactness import assert_exact
from tests.zoo.export import Exporter, export
from tests.zoo.networks import mobile_unet
from tests.zoo.quantization import quantize, random_feeds


@pytest.mark.parametrize("exporter", ["torchscript", "dynamo"])
@pytest.mark.parametrize("preprocess", [True, False])
def test_what_both_torch_exporters_write(exporter: Exporter, preprocess: bool, tmp_path: Path) -> None:
    feeds = random_feeds({"input": (1, 3, 16, 16)}, count=2)
    model = export(mobile_unet(16, 4), feeds[0]["input"], exporter=exporter)
    int8 = quantize(model, "u8s8_per_channel", feeds, preprocess=preprocess)
    assert_exact(int8, tmp_path, feeds=[dict(feed) for feed in feeds])


def test_padding_as_torch_writes_it_is_folded(tmp_path: Path) -> None:
    net = torch.nn.Sequential(
        torch.nn.ReflectionPad2d((1, 2, 0, 1)),
        torch.nn.Conv2d(3, 4, 3),
        torch.nn.Upsample(size=(17, 11)),
        torch.nn.Conv2d(4, 2, 1),
    )
    feeds = random_feeds({"input": (1, 3, 9, 10)}, count=2)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = export(net, feeds[0]["input"])
    int8 = quantize(model, "u8s8_per_channel", feeds, preprocess=False)
    path = save(int8, tmp_path)
    kinds = [type(op) for op in import_model(path).ops]
    assert (kinds.count(Pad), kinds.count(Resize), kinds.count(Conv)) == (1, 1, 2)
    assert_exact(int8, tmp_path, feeds=[dict(feed) for feed in feeds])
