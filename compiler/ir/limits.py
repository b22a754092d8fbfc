"""What every WebGPU device has, so that what is compiled here runs on any of them.

Sizes of buffers are told, not refused: runtimes ask the device for what an artifact needs.
"""

STORAGE_BUFFERS = 8
"""maxStorageBuffersPerShaderStage: the bindings of a kernel."""
WORKGROUPS = 65535
"""maxComputeWorkgroupsPerDimension."""
BINDING_BYTES = 2**27
"""maxStorageBufferBindingSize: of one buffer. Most GPUs have more; SwiftShader and lavapipe have this."""
WEIGHTS = 2
"""Bindings of the weights, which a kernel may read by words and by vec4."""
