"""What ONNX Runtime 1.31 does with ONNX's operators, by their names: plain data, and the form of the names.

A set of operators that says something about ONNX Runtime stands here and nowhere else, each with where it
is known from: measured (on x86-64, by the test that is named), or read off the optimizer whose class is
named (onnxruntime/core/optimizer). What an op of the Graph does, it says itself (`ir.graph.Op`); what a
family's kernels can compute stands in its own file (operators/).
"""

# ---------------------------------------------------------------------------------- one node

PURE_UNARY = frozenset(
    [
        "Abs",
        "Ceil",
        "Clip",
        "Erf",
        "Exp",
        "Floor",
        "Gelu",
        "HardSigmoid",
        "HardSwish",
        "Identity",
        "LeakyRelu",
        "Neg",
        "PRelu",
        "QuickGelu",
        "Reciprocal",
        "Relu",
        "Round",
        "Sigmoid",
        "Sign",
        "Softsign",
        "Sqrt",
        "Tanh",
        "com.microsoft.Gelu",
    ]
)
"""The result for an element depends on that element alone, whatever its place in the tensor: a table of 256
entries, made by running the operator once, is exact. Measured: tests/compiler/reference/test_oracle.py.
Others (Sin, Log, Softplus, ...) compute the last elements of a tensor, or of a thread's share, by other code.
"""

PURE_WITH_CONSTANT = frozenset({"Add", "Div", "Max", "Min", "Mul", "Sub"})
"""One rounding of one IEEE operation: as pure, whatever the other operand is. Measured with the above."""

IMPLIED_DOMAINS = {"QuickGelu": "com.microsoft"}
"""Domains of operators that are named here without theirs; ONNX's own need none."""


def name_of_operator(domain: str | None, op_type: str) -> str:
    """An operator with its domain, where that is not ONNX's own or implied.

    >>> name_of_operator("com.microsoft", "QuickGelu"), name_of_operator("com.microsoft", "Gelu")
    ('QuickGelu', 'com.microsoft.Gelu')
    """
    domain = domain or "ai.onnx"
    return op_type if domain == IMPLIED_DOMAINS.get(op_type, "ai.onnx") else f"{domain}.{op_type}"


def domain_and_type(name: str) -> tuple[str, str]:
    """What `name_of_operator` is made of; the domain of ONNX's own is "".

    >>> [domain_and_type(name) for name in ("Gelu", "QuickGelu", "com.microsoft.Gelu")]
    [('', 'Gelu'), ('com.microsoft', 'QuickGelu'), ('com.microsoft', 'Gelu')]
    """
    domain, _, op_type = name.rpartition(".")
    return domain or IMPLIED_DOMAINS.get(op_type, ""), op_type


SUMMING = frozenset(
    [
        "AveragePool",
        "Conv",
        "ConvTranspose",
        "Einsum",
        "FusedConv",
        "FusedGemm",
        "FusedMatMul",
        "GRU",
        "Gemm",
        "GlobalAveragePool",
        "GroupNormalization",
        "InstanceNormalization",
        "LSTM",
        "LayerNormalization",
        "LogSoftmax",
        "MatMul",
        "MatMulNBits",
        "RNN",
        "ReduceMean",
        "ReduceSum",
        "SkipLayerNormalization",
        "Softmax",
    ]
)
"""Float results are sums, whose order and rounding are the machine's own affair: MLAS picks a kernel by the
CPU. A Resize that interpolates sums as well (`RESIZES`).
"""

RESIZES = frozenset({"Resize", "Upsample"})
"""Move where their mode is nearest, the default; sum where it is another."""

SHAPES = frozenset({"Shape", "Size"})
"""Read what shape a tensor has, and none of its elements."""

GENERATORS = frozenset({"Constant", "ConstantOfShape", "EyeLike", "Range"})
"""Make a tensor of attributes, constants and shapes alone."""

RANDOM = frozenset(
    [
        "Bernoulli",
        "Multinomial",
        "RandomNormal",
        "RandomNormalLike",
        "RandomUniform",
        "RandomUniformLike",
    ]
)
"""Draw anew at every run. So does Dropout in training."""

# ---------------------------------------------------------------------------------- before integer groups

NEUTRAL = {"Add": 0.0, "Sub": 0.0, "Mul": 1.0, "Div": 1.0}
"""The number that as one operand makes the operator do nothing: the node goes (NoopElimination), and pairs
are merged across it (DoubleQDQPairsRemover; measured).
"""

NEUTRAL_SECOND = frozenset({"Div", "Sub"})
"""Of those, the ones whose neutral number must be the second operand."""

ELIMINATED = frozenset({"Expand", "Identity"})
"""Go where they do nothing, so that pairs are merged across them (EliminateIdentity, ExpandElimination). So
does Dropout, which is imported as Identity; a Slice that does nothing does not: measured.
"""

ACTIVATIONS = frozenset({"Clip", "Relu"})
"""May stand between a product and its QuantizeLinear: dropped where saturation does the same
(ReluQuantFusion, ClipQuantFusion), and looked through by the selectors of integer groups.
"""

LET_NORMALIZATION_THROUGH = frozenset({"Reshape", "Transpose"})
"""May stand between a MatMul and the BatchNormalization that is folded into it (MatMulBNFusion)."""

PADDED = frozenset({"AveragePool", "Conv", "MaxPool"})
"""Take a Pad by zeros before them into their own pads (PadFusion)."""

PROPAGATING = {"MaxPool": 12, "Reshape": 5, "Slice": 1, "Squeeze": 1, "Transpose": 1, "Unsqueeze": 1}
"""Pairs of QuantizeLinear and DequantizeLinear are copied over these, from an opset on
(QDQPropagationTransformer). Other moves, Flatten and Split among them, stop a pair: measured.
"""

TAKES_EMPTY = frozenset({"Concat", "Identity", "Resize", "Upsample"})
"""Take constants without elements; the kernels of others read beyond them."""

KEPT_IDLE = frozenset({"Concat", "Pad", "Resize"})
"""Stay on floats even where they do nothing, and so leave what reads them in float: measured."""

# ---------------------------------------------------------------------------------- integer groups

PAIR = frozenset({"DequantizeLinear", "QuantizeLinear"})
"""What stands on both sides of an integer group."""

KEPT = PAIR | RANDOM | {"Dropout", "If"}
"""What is not folded where it reads constants alone. Pairs stay: the rules of integer groups read the
integers of weights, and their scales. Random numbers are no constants, and branches are inlined.
"""

PRODUCTS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
"""Sums of products of activations and weights: integers where a group of `PAIR`s is one (qdq_selectors.cc).
ConvTranspose has no integer kernel.
"""

QUANTIZED_WEIGHTS = PRODUCTS - {"MatMul"}
"""Float weights become s8 where all around them is quantized (WeightBiasQuantization). Those of a MatMul do
once it and the Add behind it are a Gemm (MatMulAddFusion).
"""

MOVING = frozenset(
    [
        "DepthToSpace",
        "Expand",
        "Flatten",
        "Gather",
        "GatherElements",
        "Identity",
        "Pad",
        "Reshape",
        "Resize",
        "Slice",
        "SpaceToDepth",
        "Split",
        "Squeeze",
        "Tile",
        "Transpose",
        "Unsqueeze",
    ]
)
"""Take elements by their places, of bytes as of floats. Most drop the pairs around them (DropQDQNodesRules,
SplitQDQRules in qdq_selector_action_transformer.cc); any of them works on bytes where a model has it so.
"""

ORDER_PRESERVING = frozenset({"MaxPool", "ReduceMax", "ReduceMin"})
"""Take the greatest or least of some elements: the same one of bytes as of the reals that they stand for,
since scales are positive. They drop the pairs around them, too.
"""

INTEGER = frozenset(
    [
        "ConvInteger",
        "DynamicQuantizeLinear",
        "MatMulInteger",
        "MatMulIntegerToFloat",
        "NhwcMaxPool",
        "QGemm",
    ]
)
"""Compute in integers, beside those whose names begin with QLinear."""

QLINEAR_BINARY = frozenset({"Add", "Mul"})
"""What of two quantized tensors onnxruntime computes in integers: com.microsoft.QLinearAdd, QLinearMul."""

INTEGER_PRODUCTS = {
    "ConvInteger": (0, 1, 3),
    "DynamicQuantizeMatMul": (0, 1, 3),
    "MatMulInteger": (0, 1, 3),
    "MatMulIntegerToFloat": (0, 1, 5),
    "QGemm": (0, 3, 5),
    "QLinearConv": (0, 3, 5),
    "QLinearMatMul": (0, 3, 5),
}
"""Where a product of integers has both its operands, and the zero point of the second one."""

DEQUANTIZING = frozenset({"DequantizeLinear", "MatMulIntegerToFloat", "QGemm"})
"""Make floats of stored integers; QGemm where its result has no scale."""

REORDERING = frozenset({"ReorderInput", "ReorderOutput"})
"""ONNX Runtime's own, to change the layout of floats (NchwcTransformer); in no model."""

# ---------------------------------------------------------------------------------- WebAssembly

WEB_FUNCTIONS = frozenset(
    [
        "Acos",
        "Asin",
        "Asinh",
        "Atan",
        "Celu",
        "Cos",
        "Cosh",
        "Elu",
        "Erf",
        "Exp",
        "Gelu",
        "Log",
        "LogSoftmax",
        "Mish",
        "QuickGelu",
        "Selu",
        "Sigmoid",
        "Sin",
        "Softmax",
        "Softplus",
        "Tan",
        "Tanh",
        "com.microsoft.Gelu",
    ]
)
"""Functions of floats that onnxruntime-web rounds otherwise, by some units in the last place: measured
(tests/compiler/reference/test_web.py).
"""

WEB_STEPS = frozenset(f"com.microsoft.QLinear{name}" for name in ("Add", "Mul", "Sigmoid", "Softmax"))
"""Operators on bytes of which onnxruntime-web makes another one, by one step, at a near tie: it rounds the
terms of QLinearAdd and QLinearMul elsewhere, and the functions in the others otherwise; measured.
"""
