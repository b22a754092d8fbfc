"""Runs an artifact of onnx2wgsl on wgpu-py, with the interface of onnxruntime's InferenceSession.

from onnx2wgsl.runtime_py import InferenceSession

with InferenceSession("build/avatar") as session:
    (picture,) = session.run(None, {"input": array})
"""

from .errors import AdapterError, ArtifactError, DeviceLostError, InputError, SessionError
from .pictures import Rectangle
from .profiler import KernelTime
from .selftest import Checksum, SelfTestReport
from .session import InferenceSession, NodeArg
from .tuning import Tuning

__all__ = [
    "AdapterError",
    "ArtifactError",
    "Checksum",
    "DeviceLostError",
    "InferenceSession",
    "InputError",
    "KernelTime",
    "NodeArg",
    "Rectangle",
    "SelfTestReport",
    "SessionError",
    "Tuning",
]
