"""How a model is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx2wgsl.compiler.errors import CompileError
from onnx2wgsl.compiler.pipeline import compile_model

from tests.builders.edit import save


def refusal(model: onnx.ModelProto, folder: Path, **options: Any) -> str:
    """The message with which `model` is refused."""
    with pytest.raises(CompileError) as caught:
        compile_model(save(model, folder), **options)
    return str(caught.value)
