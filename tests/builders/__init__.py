"""Small models for tests, one way for each kind; tests/README.md says which to take.

qdq      QDQBuilder, op by op; weights, one convolution
unet     a small UNet of the kind that the project ships
nodes    ONNX nodes as they are: NodeBuilder, model_of
between  one operator between DequantizeLinear and QuantizeLinear
models   named models that between them meet every kernel
edit     what changes a model that is built: a node, an initializer, a name
ir       graphs as text, for tests of a pass
"""
