"""Decides how exact a compiled model is: bit for bit where it computes in integers, within
TOLERANCE where it computes in float.

`interpreter` and `simulator` evaluate a Graph and a Program. `expectation` asks ONNX Runtime,
`compare` compares tensors, `stages` the IR after each pass, `replay` the kernels of a device. Two
ways through all of it: `exact.compare_model` for a model that has no floats, and `verification` for
any model, whose `report` says what came of it.

Sums and functions of floats are rounded otherwise by every machine, so what comes behind a float
region is compared *given the same inputs*:

1. The interpreter and the simulator are given ONNX Runtime's own QuantizeLinear results behind
   float regions (`Expected.inside`); every bit that integer groups make of them must be right.
2. On the device every kernel is replayed: the simulator gets the words that the kernels before it
   wrote on the device. Integer kernels must write the same words; at the end of a region the floats
   may differ by TOLERANCE of the largest magnitude in the tensor.
3. What a region makes, quantized, is compared in steps with what ONNX Runtime makes of the same
   inputs: with bytes of floats within TOLERANCE of its own. Where ONNX Runtime computes it in
   integers, the model is not exact, however many values differ (`Expectation.integers`).

A ConvTranspose is a sum of integers here and one of floats in ONNX Runtime, so that now and then a
value is one step apart. Graphs are given ONNX Runtime's; programs and the device are held, bit for
bit, to what the packed graph makes with its own.

A device is what its user hands in (`replay.Device`): nothing here knows a runtime.
"""
