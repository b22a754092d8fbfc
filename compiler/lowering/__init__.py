"""What an operator is given on its way down: packed forms, kernels, memory, a shader."""
