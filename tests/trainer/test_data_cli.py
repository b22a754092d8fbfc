"""onnx2wgsl-train data."""

from __future__ import annotations

import json
import re
from pathlib import Path

from PIL import Image

from .command import refusal, succeed, train

SMALL = (
    "--size=64",
    "--train=2",
    "--val=1",
    "--pose-extreme=1",
    "--speech=1",
    "--tracked=0",
    "--dev=1",
    "--processes=1",
)


def test_it_makes_a_data_set_and_a_sheet_and_says_how_fast(tmp_path: Path) -> None:
    folder, sheet = tmp_path / "data", tmp_path / "sheet.png"
    options = ("--preset=ci", *SMALL, "--seed=3", "--no-visemes", "--sheet", sheet)
    output = succeed("data", "-o", folder, *options)
    rate = r"\(\d+\.\d a second\)"
    assert re.fullmatch(
        rf"{folder}: 6 pairs of 64x64, 6 rendered {rate}, 0 kept\n{sheet}: some of them\n", output
    )
    config = json.loads((folder / "dataset.json").read_text())["config"]
    assert (config["seed"], config["visemes"], config["train"], config["shard"]) == (
        3,
        False,
        2,
        16,
    )
    with Image.open(sheet) as picture:
        assert picture.size == (12 * 64, 10 * 64)
    again = succeed("data", "-o", folder, *options)
    assert "0 rendered (0.0 a second), 6 kept" in again
    assert "visemes False there, True asked for" in refusal(
        "data", "-o", folder, "--preset=ci", *SMALL, "--seed=3"
    )


def test_an_unknown_look_is_refused_with_those_there_are(tmp_path: Path) -> None:
    message = refusal("data", "-o", tmp_path / "data", "--preset=ci", *SMALL, "--look=beige")
    assert message.startswith("no look is named 'beige'; there are neon")


def test_nonsense_is_refused_by_the_command_line() -> None:
    for option in ("--size=0", "--train=-1", "--processes=0", "--preset=huge"):
        result = train("data", "-o", "nowhere", option)
        assert result.status == 2
        assert option.split("=", maxsplit=1)[0] in result.err
