"""onnx2wgsl-train evaluate: every row on every split, in a table, as JSON and with pictures."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from onnx2wgsl.trainer.cli import evaluate as command
from onnx2wgsl.trainer.data import held_out
from onnx2wgsl.trainer.errors import TrainerError
from onnx2wgsl.trainer.evaluation import predict
from onnx2wgsl.trainer.evaluation.report import MEAN_IMAGE, Entry, Evaluation
from onnx2wgsl.trainer.evaluation.sheets import MARGIN, MOST_BYTES, write_sheet
from onnx2wgsl.trainer.evaluation.table import HELD_OUT
from onnx2wgsl.trainer.export.graph import write_onnx
from onnx2wgsl.trainer.models import MobileUNet, fold_batch_norm, save_generator
from onnx2wgsl.trainer.training.perceptual import PercLite0
from PIL import Image

from tests.trainer.tiny import SIZE


@pytest.fixture(scope="module")
def run(model: MobileUNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    save_generator(folder / "best.pt", model)
    return folder


def test_a_report_has_every_row_on_every_split_and_pictures(run: Path, data: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(command.command, [str(data), "--row", f"student={run}", "-o", str(tmp_path)])
    assert result.exception is None, result.exception
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["distance"] == "Perc-Lite0"
    assert figures["pictures"] == dict.fromkeys(HELD_OUT, 6)
    mean, student = figures["rows"]
    assert (mean["name"], student["name"]) == (MEAN_IMAGE, "student")
    for split in HELD_OUT:
        assert student[split].keys() == mean[split].keys() >= {"l1", "ssim", "mouth_perc"}
    assert student["val"]["psnr"] > mean["val"]["psnr"]
    assert mean["val"]["sharpness"] < 0.5
    text = (tmp_path / "README.md").read_text()
    for name in (*HELD_OUT, "visemes", "blinks", "poses"):
        assert f"![{name}](sheets/{name}.jpg)" in text
        assert 0 < (tmp_path / "sheets" / f"{name}.jpg").stat().st_size <= MOST_BYTES


def test_a_net_and_its_onnx_file_have_the_same_figures(
    run: Path, model: MobileUNet, data: Path, tmp_path: Path
) -> None:
    write_onnx(fold_batch_norm(model), SIZE, tmp_path / "float.onnx")
    entries = [Entry("net", run), Entry("file", tmp_path / "float.onnx")]
    rows = Evaluation(data, entries, PercLite0(), limit=2).run(lambda _: None).rows
    net, file = rows[1].figures["val"], rows[2].figures["val"]
    assert file.psnr == pytest.approx(net.psnr, abs=0.05)
    assert file.perc == pytest.approx(net.perc, rel=0.02)


def test_a_net_runs_at_another_size_and_is_measured_at_this_one(run: Path, data: Path) -> None:
    entries = [Entry("native", run), Entry("reduced", run, 2 * SIZE)]
    evaluation = Evaluation(data, entries, PercLite0(), limit=2)
    report = evaluation.run(lambda _: None)
    native, reduced = (row.figures["val"] for row in report.rows[1:])
    assert native.psnr != reduced.psnr > report.rows[0].figures["val"].psnr
    assert report.gain("native", "val") == pytest.approx(native.psnr - report.rows[0].figures["val"].psnr)


def test_the_mean_image_is_the_mean_of_the_training_avatars(data: Path) -> None:
    truths = held_out.read(data, "train").truths
    (picture,) = predict.mean_image(data, SIZE)(truths[:1])
    assert np.abs(picture - truths.mean(0)).max() <= 0.5


def test_a_size_that_a_net_has_no_levels_for_is_refused(run: Path, data: Path) -> None:
    with pytest.raises(TrainerError, match="halves 64 pixels down to one, which it can't with 96"):
        Evaluation(data, [Entry("net", run, 96)], PercLite0())


def test_a_row_is_a_name_and_a_place() -> None:
    assert Entry.parse("a=runs/x") == Entry("a", Path("runs/x"))
    assert Entry.parse("a=runs/x@256") == Entry("a", Path("runs/x"), 256)
    assert Entry.parse("a=runs@home/x") == Entry("a", Path("runs@home/x"))
    for wrong in ("runs/x", "=runs/x", "a="):
        with pytest.raises(TrainerError, match="write NAME=RUN_OR_FILE"):
            Entry.parse(wrong)


def test_a_sheet_of_noise_is_still_small(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (15, 128, 128, 3), dtype=np.uint8)
    write_sheet(tmp_path / "sheet.jpg", {"a": noise, "b": noise[:3]}, [str(i) for i in range(15)])
    assert (tmp_path / "sheet.jpg").stat().st_size <= MOST_BYTES
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert sheet.size == (96 + 15 * 128, 18 + 2 * 128)


def test_a_sheet_has_room_for_long_names(tmp_path: Path) -> None:
    picture = np.zeros((1, 8, 8, 3), np.uint8)
    widths = []
    for name in ("a", "a name that is longer than most"):
        write_sheet(tmp_path / "sheet.jpg", {name: picture})
        with Image.open(tmp_path / "sheet.jpg") as sheet:
            widths.append(sheet.width)
    assert widths[1] > widths[0] + 80


def test_photos_may_stay_out_of_their_sheet_and_combs_on_them_are_told(
    run: Path, data: Path, tmp_path: Path
) -> None:
    photo = Path(__file__).parents[2] / "models" / "pictures" / "astronaut.jpg"
    options = ["--row", f"student={run}", "--limit", "1", "--photo", str(photo), "-o", str(tmp_path)]
    result = CliRunner().invoke(command.command, [str(data), *options, "--hide-photos"])
    assert result.exception is None, result.exception
    with Image.open(tmp_path / "sheets" / "photo.jpg") as sheet:
        assert sheet.size == (MARGIN + 256, 2 * 256), "a drawing and an avatar"
    combs = json.loads((tmp_path / "figures.json").read_text())["combs on photos"]
    assert combs.keys() == {"student"}
    assert combs["student"] > 0
    assert (
        f"shares of the truth's on val: student {combs['student']:.2f}."
        in (tmp_path / "README.md").read_text()
    )
