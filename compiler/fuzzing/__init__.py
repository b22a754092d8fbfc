"""Random quantized models, compared with onnxruntime stage by stage: what `onnx2wgsl fuzz` runs.

`builder` writes models by hand, `kinds` has one file for each kind of operator, `nets` draws whole
models of them as plain data, `models` makes the ONNX model of such data and its inputs, and
`campaign` compares many of them by `verify.exact`. Hypothesis is needed by all but the
builder: `pip install "onnx2wgsl[fuzz]"`.
"""
