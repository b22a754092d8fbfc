"""A parametric head in an illustrated look: (state of a face) -> (picture, 478 landmarks)."""

from .picture import render
from .pose import landmarks
from .state import FaceState

__all__ = ["FaceState", "landmarks", "render"]
