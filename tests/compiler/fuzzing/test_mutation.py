"""Damaged models: drawn by seeds, of many kinds, and none of them more than refused."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import onnx
import pytest
from google.protobuf.message import DecodeError
from onnx2wgsl.compiler.errors import CompileError, InternalError
from onnx2wgsl.compiler.fuzzing.mutation import mutate
from onnx2wgsl.compiler.pipeline import compile_model

from tests.builders.models import model


def test_a_seed_makes_the_same_model_again() -> None:
    source = model("unet").SerializeToString()
    assert [mutate(source, seed) for seed in range(20)] == [mutate(source, seed) for seed in range(20)]


def test_seeds_make_different_models_and_most_can_be_read() -> None:
    source = model("unet").SerializeToString()
    mutants = [mutate(source, seed) for seed in range(200)]
    readable = 0
    for mutant in mutants:
        with suppress(DecodeError):
            readable += onnx.ModelProto.FromString(mutant) != onnx.ModelProto.FromString(source)
    assert len(set(mutants)) > 180
    assert readable > 150


@pytest.mark.parametrize("name", ["add_of_a_skip", "product_with_weights", "pools", "linear_resize"])
def test_a_damaged_model_is_compiled_or_refused(name: str, tmp_path: Path) -> None:
    source, path = model(name).SerializeToString(), tmp_path / "model.onnx"
    for seed in range(40):
        path.write_bytes(mutate(source, seed))
        assert not isinstance(refusal_of(path), InternalError), f"seed {seed}"


def refusal_of(path: Path) -> CompileError | None:
    try:
        compile_model(path)
    except CompileError as error:
        return error
    return None
