"""The self-test passes on a right artifact and names the first kernel of a wrong one."""

from pathlib import Path

import numpy as np
import pytest
from onnx2wgsl.runtime_py import InferenceSession
from onnx2wgsl.runtime_py.artifact import load_artifact
from onnx2wgsl.runtime_py.errors import SessionError
from onnx2wgsl.runtime_py.selftest import checksum, seeded_inputs

from tests.runtime_py import tiny_artifact as tiny


def test_seeded_inputs_follow_the_specification(folder: Path) -> None:
    inputs = seeded_inputs(load_artifact(folder))
    reference = tiny.seeded_feed()
    assert inputs.keys() == reference.keys()
    for name, array in reference.items():
        assert inputs[name].dtype == array.dtype
        assert inputs[name].shape == array.shape
        assert inputs[name].tobytes() == array.tobytes()


def test_checksum_of_words_is_that_of_their_bytes() -> None:
    words = np.array([[0x01020304, 5]], np.uint32)
    assert checksum([words]) == checksum(b"\x04\x03\x02\x01\x05\x00\x00\x00") == "d7a490896599a9ec"


def test_a_right_artifact_passes(session: InferenceSession) -> None:
    report = session.self_test()
    assert report.ok
    assert report.first_difference is None
    assert [k.name for k in report.kernels] == ["quantize", "conv", "lookup", "x (picture)"]
    assert [o.name for o in report.outputs] == ["y", "z"]
    assert str(report).startswith("self-test passed: 4 kernels right on ")


def test_a_wrong_picture_kernel_is_named(tmp_path: Path) -> None:
    wrong = tiny.QUANTIZE_IMAGE.replace("0x808080u", "0x808081u")
    assert wrong != tiny.QUANTIZE_IMAGE
    shaders = {"00_quantize_image.wgsl": wrong}
    with InferenceSession(tiny.write(tmp_path / "a", shaders=shaders)) as session:
        report = session.self_test()
    assert report.first_difference == "x (picture)"


def test_the_first_wrong_kernel_is_named(tmp_path: Path) -> None:
    wrong = tiny.CONV.replace("shift[1] & 255u", "shift[0] & 255u")
    with InferenceSession(tiny.write(tmp_path / "a", shaders={"01_conv.wgsl": wrong})) as session:
        report = session.self_test()
    assert not report.ok
    assert report.first_difference == "conv"
    assert [k.ok for k in report.kernels] == [True, False, False, True]
    assert "2 of 4 kernels differ" in str(report)
    assert "the first is conv" in str(report)


def test_an_artifact_without_a_self_test_runs_and_says_so(tmp_path: Path) -> None:
    vectors = tiny.self_test()
    for kind, checksums in vectors.items():
        if kind == "kernels":
            vectors[kind] = ["none"] * len(checksums)
        elif kind in ("pictures", "outputs"):
            vectors[kind] = dict.fromkeys(checksums, "none")
    with InferenceSession(tiny.write(tmp_path / "a", vectors=vectors)) as session:
        assert session.run(None, tiny.seeded_feed())
        with pytest.raises(SessionError, match="was compiled with --no-self-test"):
            session.self_test()


@pytest.mark.parametrize("kind", ["kernels", "outputs"])
def test_a_changed_checksum_fails(tmp_path: Path, kind: str) -> None:
    vectors = tiny.self_test()
    place = 2 if kind == "kernels" else "z"
    vectors[kind][place] = "0" * 16
    with InferenceSession(tiny.write(tmp_path / "a", vectors=vectors)) as session:
        report = session.self_test()
    assert report.first_difference == ("lookup" if kind == "kernels" else "z")
