"""onnx2wgsl-train ship: the file appears where every gate holds, and only there."""

import copy
import json
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner
from onnx2wgsl.trainer.cli import ship as command
from onnx2wgsl.trainer.config import LossConfig, OptimizerConfig
from onnx2wgsl.trainer.data import held_out
from onnx2wgsl.trainer.errors import TrainerError
from onnx2wgsl.trainer.export import compiler
from onnx2wgsl.trainer.export.ship import Export, _parts, ship
from onnx2wgsl.trainer.models import MobileUNet, PhaseStudents, save_generator, unet
from torch import nn

from tests.sealed import part_of, record, seal
from tests.trainer.tiny import SIZE

RECIPE = {
    "stage": "distill",
    "model": {"kind": "mobile", "size": SIZE, "ngf": 16},
    "loss": asdict(LossConfig(mouth=4.0, teacher=0.25)),
    "optimizer": asdict(OptimizerConfig(epochs=3, seed=7, amp=True)),
    "init": None,
    "teacher": "b1946ac92492d2347c6235b4d2611184",
}


@pytest.fixture(scope="module")
def run(model: MobileUNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with its best epoch and its recipe."""
    folder = tmp_path_factory.mktemp("run")
    save_generator(folder / "best.pt", model, {"l1": 0.05})
    (folder / "config.json").write_text(json.dumps(RECIPE))
    return folder


def test_a_shipped_file_is_exact_and_says_what_it_is(run: Path, data: Path, tmp_path: Path) -> None:
    target, artifact = tmp_path / "avatar.onnx", tmp_path / "artifact"
    options = ["--data", data, "-o", target, "--artifact", artifact, "--calibration", 24]
    arguments = [str(part) for part in (run, *options, "--samples", 1)]
    result = CliRunner().invoke(command.command, arguments)
    assert result.exception is None, result.exception
    assert f"exact: 0 of {3 * SIZE * SIZE} values differ" in result.output
    assert (artifact / "model.json").is_file()
    card = json.loads(target.with_suffix(".json").read_text())
    assert card["bytes"] == target.stat().st_size
    assert card["gate"]["fidelity"] >= 45
    assert card["operators in onnxruntime"]["QLinearConv"] == 12
    about = {entry.key: entry.value for entry in onnx.load(target).metadata_props}
    assert json.loads(about["onnx2wgsl.recipe"]) == RECIPE
    assert about["onnx2wgsl.command"] == (
        "onnx2wgsl-train distill DATA -o RUN --teacher TEACHER --size 64 --epochs 3 --seed 7 "
        "--amp --mouth 4.0 --share 0.25"
    )
    assert json.loads(about["onnx2wgsl.validation"]) == {"l1": 0.05}
    assert json.loads(about["onnx2wgsl.data"])["size"] == SIZE
    assert str(data.parent).encode() not in target.read_bytes()


def test_the_same_checkpoint_ships_as_the_same_bytes(run: Path, data: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        ship(run, data, tmp_path / name / "avatar.onnx", how=Export(calibration=8, samples=1))
    a, b = (tmp_path / name / "avatar.onnx" for name in ("a", "b"))
    assert a.read_bytes() == b.read_bytes()


@pytest.fixture(scope="module")
def loud(model: MobileUNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student whose values grow from layer to layer, until a step of int8 turns black into white."""
    net = copy.deepcopy(model)
    with torch.no_grad():
        for norm in (part for part in net.modules() if isinstance(part, nn.BatchNorm2d)):
            norm.weight *= 4
    path = tmp_path_factory.mktemp("loud") / "student.pt"
    save_generator(path, net)
    return path


def test_where_a_gate_fails_the_old_file_stays(loud: Path, data: Path, tmp_path: Path) -> None:
    target = tmp_path / "avatar.onnx"
    target.write_bytes(b"the one before: onnx2wgsl.gate")
    with pytest.raises(TrainerError) as caught:
        ship(loud, data, target, how=Export(calibration=8))
    for method in ("minmax", "percentile", "entropy"):
        assert re.search(rf"ranges by {method}: int8 is [\d.]+ dB from float, not 45 dB", str(caught.value))
    assert target.read_bytes() == b"the one before: onnx2wgsl.gate"
    assert list(tmp_path.iterdir()) == [target]


def test_bits_that_differ_are_no_shipment(
    run: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The artifact is damaged on its way to `onnx2wgsl verify`, which runs."""
    honest = compiler.compile_model

    def damaging(model: Path, artifact: Path) -> None:
        honest(model, artifact)
        path = part_of(artifact, "weights")
        damaged = bytes(byte ^ 0x40 for byte in path.read_bytes())
        path.write_bytes(damaged)
        description = json.loads((artifact / "model.json").read_text())
        description["weights"] = record(path.name, damaged)
        seal(artifact, description)

    monkeypatch.setattr(compiler, "compile_model", damaging)
    with pytest.raises(TrainerError, match=r"(?s)onnx2wgsl verify failed: .*NOT exact: "):
        ship(run, data, tmp_path / "avatar.onnx", how=Export(calibration=8, samples=1))
    assert list(tmp_path.iterdir()) == []


def test_a_teacher_is_refused(data: Path, tmp_path: Path) -> None:
    save_generator(tmp_path / "teacher.pt", unet(SIZE, 4))
    with pytest.raises(TrainerError, match="holds a teacher, which is not made for int8"):
        ship(tmp_path / "teacher.pt", data, tmp_path / "avatar.onnx")


def test_phase_students_ship_as_four_nets_of_half_the_size(data: Path) -> None:
    parts = list(_parts(PhaseStudents(2 * SIZE, 4), data))
    assert [part.suffix for part in parts] == ["_0", "_1", "_2", "_3"]
    whole = held_out.read(data, "val", 2 * SIZE)
    woven = np.zeros_like(whole.truths)
    for part in parts:
        phase = part.see(whole)
        assert phase.inputs.shape == (6, SIZE, SIZE, 3)
        assert part.phase is not None
        woven[:, part.phase[0] :: 2, part.phase[1] :: 2] = phase.truths
    assert (woven == whole.truths).all()
