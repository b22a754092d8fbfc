"""`compile_file`: what the command line does, for a caller in Python."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper
from onnx2wgsl import compiler
from onnx2wgsl.compiler import Compilation, CompileError, UnsupportedError, compile_file
from onnx2wgsl.compiler.frontend.model_file import files_of
from onnx2wgsl.compiler.reference.oracle import reference_of
from onnx2wgsl.runtime_py.artifact import load_artifact

from tests.builders.models import model
from tests.builders.qdq import QDQBuilder, QuantParams, weights
from tests.command import succeed
from tests.compiler.artifacts import contents, picture_model
from tests.compiler.exactness import feeds_for


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """net.onnx: a convolution of bytes."""
    path = tmp_path / "net.onnx"
    onnx.save(model("u8_s8"), path)
    return path


def test_a_model_becomes_a_folder_and_its_figures(source: Path, tmp_path: Path) -> None:
    compilation = compile_file(source, tmp_path / "out")
    files = contents(tmp_path / "out")
    description = json.loads(files["model.json"])
    assert isinstance(compilation, Compilation)
    assert compilation.folder == tmp_path / "out"
    assert compilation.description == description
    assert compilation.artifact_bytes == sum(map(len, files.values()))
    assert compilation.dispatches == len(description["kernels"]) == len(compilation.program.kernels)
    assert compilation.macs == sum(load_artifact(compilation.folder).self_test["macs"]) > 0
    assert compilation.arena_bytes == description["arena"]["bytes"]
    assert compilation.arena_lower_bound == description["arena"]["lower_bound"]


def test_a_compilation_prints_in_a_line(source: Path, tmp_path: Path) -> None:
    compilation = compile_file(source, tmp_path / "out")
    size = sum(path.stat().st_size for path in (tmp_path / "out").rglob("*.*"))
    assert repr(compilation) == f"Compilation(folder={tmp_path / 'out'!r}, artifact_bytes={size})"


def test_it_tells_what_it_is_doing(source: Path, tmp_path: Path) -> None:
    steps: list[str] = []
    compilation = compile_file(source, tmp_path / "out", progress=steps.append)
    assert steps[0] == "reading"
    assert steps[1] == "compiling: import"
    assert steps[-1] == f"self-test: {compilation.dispatches} of {compilation.dispatches} kernels"


def test_paths_may_be_text(source: Path, tmp_path: Path) -> None:
    assert compile_file(str(source), str(tmp_path / "out")).folder == tmp_path / "out"


def test_the_command_writes_the_same_bytes(source: Path, tmp_path: Path) -> None:
    compile_file(source, tmp_path / "by_call", dump_ir=tmp_path / "ir_by_call")
    options = ["-o", tmp_path / "by_command", "--dump-ir", tmp_path / "ir_by_command"]
    succeed("compile", source, *options)
    assert contents(tmp_path / "by_call") == contents(tmp_path / "by_command")
    assert contents(tmp_path / "ir_by_call") == contents(tmp_path / "ir_by_command")


# ------------------------------------------------------------------------------ float regions


def test_float_regions_are_those_of_the_program(tmp_path: Path) -> None:
    onnx.save(model("float_head"), tmp_path / "head.onnx")
    compilation = compile_file(tmp_path / "head.onnx", tmp_path / "out")
    assert [node.split()[0] for region in compilation.float_regions for node in region.nodes] == [
        "ReduceMean",
        "Sub",
    ]
    assert not compilation.is_all_float


def test_an_integer_model_has_no_float_region(source: Path, tmp_path: Path) -> None:
    compilation = compile_file(source, tmp_path / "out")
    assert compilation.float_regions == []
    assert not compilation.is_all_float


def test_a_model_without_a_quantized_part_is_all_float(tmp_path: Path) -> None:
    b = QDQBuilder()
    b.output(b.node("Softplus", [b.input((1, 4), None)], None))
    onnx.save(b.build(), tmp_path / "plain.onnx")
    assert compile_file(tmp_path / "plain.onnx", tmp_path / "out").is_all_float


# ------------------------------------------------------------------- shapes, normalisations


def test_a_dynamic_shape_is_any_sequence(source: Path, tmp_path: Path) -> None:
    proto = onnx.load(source)
    del proto.graph.value_info[:]
    for tensor in (*proto.graph.input, *proto.graph.output):
        tensor.type.tensor_type.shape.dim[2].dim_param = "height"
    onnx.save(proto, source)
    compilation = compile_file(source, tmp_path / "out", shapes={"x0": [1, 5, 9, 7]})
    assert compilation.description["inputs"][0]["shape"] == [1, 5, 9, 7]


def test_a_normalisation_is_recorded(tmp_path: Path) -> None:
    picture = picture_model(tmp_path, -1, 1)
    compilation = compile_file(picture, tmp_path / "out", normalize={"x0": (0.5, -3)})
    image = compilation.description["inputs"][0]["image"]
    assert (image["scale"], image["offset"]) == ([0.5] * 3, [-3] * 3)


@pytest.mark.parametrize("numbers", [(0.0, 1.0), (float("inf"), 0.0), (1.0, float("nan"))])
def test_a_normalisation_without_an_inverse_is_refused(numbers: tuple[float, float], tmp_path: Path) -> None:
    picture = picture_model(tmp_path, -1, 1)
    with pytest.raises(CompileError, match=r"normalize: 'x0' has scale .*; both must be finite"):
        compile_file(picture, tmp_path / "out", normalize={"x0": numbers})
    assert not (tmp_path / "out").exists()


def test_a_normalisation_of_what_is_no_picture_is_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="normalize: 'x0' is no picture input; they are: none"):
        compile_file(source, tmp_path / "out", normalize={"x0": (1, 0)})
    assert not (tmp_path / "out").exists()


# --------------------------------------------------------------------------------- refusals


def test_a_refused_model_names_every_reason_and_leaves_no_folder(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Det", ["x"], ["a"], "one"),
        helper.make_node("NonZero", ["x"], ["b"], "two"),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 2])
    outputs = [onnx.ValueInfoProto(name="a"), onnx.ValueInfoProto(name="b")]
    graph = helper.make_graph(nodes, "g", [x], outputs)
    imports = [helper.make_opsetid("", 21)]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=10), tmp_path / "g.onnx")
    with pytest.raises(UnsupportedError) as refusal:
        compile_file(tmp_path / "g.onnx", tmp_path / "out")
    assert [reason.partition(":")[0] for reason in refusal.value.reasons] == ["Det 'one'", "NonZero 'two'"]
    assert isinstance(refusal.value, CompileError)
    assert not (tmp_path / "out").exists()


def test_a_missing_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=r"nowhere\.onnx: no such file"):
        compile_file(tmp_path / "nowhere.onnx", tmp_path / "out")


# --------------------------------------------------------------------------- the package


def test_the_package_exports_what_it_lists() -> None:
    assert all(hasattr(compiler, name) for name in compiler.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'compile_fil'"):
        _ = compiler.compile_fil


def test_importing_the_package_or_the_command_line_loads_no_numpy_and_no_onnxruntime() -> None:
    program = (
        "import sys, onnx2wgsl.compiler.cli\n"
        "print([name for name in ('numpy', 'onnx', 'onnxruntime') if name in sys.modules])"
    )
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert process.stdout == "[]\n"


# ------------------------------------------------------------------------- the ONNX model, kept


def test_the_model_is_kept_as_it_is_where_nothing_of_it_must_change(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    compilation = compile_file(source, folder, keep_onnx=True, bundle=True)
    kept = compilation.description["onnx"]
    data = source.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    assert kept == {"file": f"model-{digest[:16]}.onnx", "bytes": len(data), "sha256": digest}
    assert (folder / kept["file"]).read_bytes() == data
    assert load_artifact(folder).description["onnx"] == kept
    assert "onnx" not in load_artifact(folder / "net.onnx2wgsl").description
    assert len(list(folder.glob("fallback-*.js"))) == 1
    compile_file(source, folder)  # what was kept is replaced with the rest
    assert not [*folder.glob("*.onnx"), *folder.glob("fallback-*")]


def test_the_model_is_kept_with_its_external_data_and_tables(tmp_path: Path) -> None:
    b = QDQBuilder()
    y = b.conv(b.input((1, 5, 6, 7), QuantParams(0.05, 120)), weights(), QuantParams(0.03, 110))
    b.output(b.unary(y, "Tanh"))
    source = tmp_path / "net.onnx"
    onnx.save(b.build(), source, save_as_external_data=True, location="net.data", size_threshold=0)
    assert (tmp_path / "net.data").stat().st_size > 0
    compilation = compile_file(source, tmp_path / "out", keep_onnx=True)
    kept = tmp_path / "out" / compilation.description["onnx"]["file"]
    assert files_of(kept) == [kept]
    assert "Gather" in {node.op_type for node in onnx.load(kept).graph.node}
    oracle, other = reference_of(source), reference_of(kept)
    for feed in feeds_for(oracle):
        (want,), (have,) = oracle.run(feed).values(), other.run(feed).values()
        assert have.tobytes() == want.tobytes()


def test_what_is_more_than_one_file_holds_is_not_kept(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx.save(onnx.load(source), source, save_as_external_data=True, location="data", size_threshold=0)
    monkeypatch.setattr("onnx2wgsl.compiler.driver.FILE_BYTES", 100)
    with pytest.raises(CompileError, match=r"one file holds at most 100: compile it without --keep-onnx$"):
        compile_file(source, tmp_path / "out", keep_onnx=True)
    assert not (tmp_path / "out").exists()
