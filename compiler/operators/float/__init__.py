"""Float regions: what a model leaves in float, as f32 kernels."""
