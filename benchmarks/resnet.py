"""A ResNet-101 with random int8 weights, u8 activations: 44 MB, 7.8 billion multiply-accumulates a frame."""

import numpy as np
import onnx
from onnx2wgsl.compiler.fuzzing.builder import QDQBuilder, QuantParams, Tensor, Weights

BLOCKS = (3, 4, 23, 3)
ACTIVATION = QuantParams(0.02, 0)
SUM = QuantParams(0.03, 110)


class ResNet:
    """The network in the making."""

    def __init__(self) -> None:
        self.b = QDQBuilder(opset=17)
        self.random = np.random.default_rng(0)

    def weights(self, outputs: int, inputs: int, size: int) -> Weights:
        values = self.random.integers(-127, 128, (outputs, inputs, size, size), np.int8)
        # So that a result has about the spread of its operand.
        return Weights(values, 1.6 / (73 * np.sqrt(inputs * size * size)) * np.ones(outputs))

    def conv(
        self, x: Tensor, outputs: int, size: int, params: QuantParams, *, stride: int = 1, relu: bool = True
    ) -> Tensor:
        bias = self.random.integers(-1000, 1000, outputs).astype(np.int32)
        return self.b.conv(
            x,
            self.weights(outputs, x.shape[1], size),
            params,
            bias=bias,
            strides=(stride, stride),
            pads=(size // 2,) * 4,
            relu=relu,
        )

    def bottleneck(self, x: Tensor, width: int, stride: int) -> Tensor:
        inner = self.conv(x, width, 1, ACTIVATION)
        inner = self.conv(inner, width, 3, ACTIVATION, stride=stride)
        inner = self.conv(inner, 4 * width, 1, SUM, relu=False)
        if stride != 1 or x.shape[1] != 4 * width:
            x = self.conv(x, 4 * width, 1, SUM, stride=stride, relu=False)
        total = self.b.node("Add", [inner, x], None)
        return self.b.unary(total, "Relu", ACTIVATION)

    def model(self, side: int = 224) -> onnx.ModelProto:
        x = self.b.input((1, 3, side, side), QuantParams(1 / 127.5, 128))
        x = self.conv(x, 64, 7, ACTIVATION, stride=2)
        x = self.b.node("MaxPool", [x], ACTIVATION, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        for stage, count in enumerate(BLOCKS):
            for block in range(count):
                x = self.bottleneck(x, 64 << stage, 2 if block == 0 and stage > 0 else 1)
        x = self.b.node("GlobalAveragePool", [x], ACTIVATION)
        self.b.output(self.conv(x, 1000, 1, SUM, relu=False))
        return self.b.build()
