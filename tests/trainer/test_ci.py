"""onnx2wgsl-train ci: from nothing to a file that shipped, in minutes."""

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

from onnx2wgsl.trainer.evaluation.metrics import Figures
from onnx2wgsl.trainer.evaluation.report import MEAN_IMAGE, Report
from onnx2wgsl.trainer.evaluation.table import Row
from onnx2wgsl.trainer.export.gate import Gate
from onnx2wgsl.trainer.export.ship import ShippedModel
from onnx2wgsl.trainer.recipe import Outcome

NETS = ("teacher", "student", "fine-tuned", "int8")


def cpu_seconds() -> float:
    """What the processes that this one started have computed."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_the_recipe_beats_the_mean_image_and_ships_exact_bits(tmp_path: Path) -> None:
    start = cpu_seconds()
    process = subprocess.run(
        [sys.executable, "-m", "onnx2wgsl.trainer", "ci", "-o", tmp_path, "--processes", "1"],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    gains = dict(re.findall(r"│ (\S+) +│ +[\d.]+ +│ ([+-][\d.]+) ", process.stdout))
    assert list(gains) == list(NETS)
    assert all(float(gain) > 1 for gain in gains.values())
    assert re.search(r"exact: 0 of \d+ values differ", process.stdout)
    card = json.loads((tmp_path / "avatar.json").read_text())
    assert card["gate"]["fidelity"] >= 45
    assert card["bytes"] == (tmp_path / "avatar.onnx").stat().st_size
    # Of one core: on an idle machine with two it is less by the clock.
    assert cpu_seconds() - start < 180


def test_a_net_below_the_mean_image_is_a_failure() -> None:
    def row(name: str, psnr: float) -> Row:
        return Row(name, {"val": Figures(0.1, psnr, 0.5, 1, 1, 1, 0.1, psnr, 0.5, 1, 1)})

    rows = [row(MEAN_IMAGE, 20.0), row("student", 21.0), row("int8", 19.5)]
    gate = Gate(pictures=1, fidelity=50, worst=50, float_psnr=20, int8_psnr=20, floats=())
    shipped = ShippedModel(Path("a.onnx"), 1, 1, "minmax", gate, {}, "exact: 0 of 1 values differ")
    outcome = Outcome(Report(64, "Perc-Lite0", {"val": 1}, rows), shipped, {})
    assert outcome.failures() == ["int8 is -0.50 dB above the mean image on val"]
