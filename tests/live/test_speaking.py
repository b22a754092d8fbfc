"""An avatar that speaks by itself: as many frames as the voice lasts, its sound, and what can't be said."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from onnx2wgsl.live.conversion import Wish, speak
from onnx2wgsl.live.script import REST

from tests import clips
from tests.live import films
from tests.live.command import live, refusal

SECONDS = 1.3
RATE = 48000
TONE = 0.05
"""Radians a sample of a tone that begins in the middle."""
SMALL = Wish(32)


def record(path: Path, codec: str, layout: str = "mono") -> Path:
    """A recording of SECONDS: silence, then a tone."""
    count = round(SECONDS * RATE)
    wave = 0.4 * np.sin(TONE * np.arange(count)) * (np.arange(count) >= count // 2)
    channels = np.repeat((32767 * wave).astype(np.int16)[:, None], 1 + (layout == "stereo"), axis=1)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=RATE, layout=layout)
        frame = av.AudioFrame.from_ndarray(channels.reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def heard(path: Path) -> tuple[NDArray[np.float32], float]:
    """The sound f32[n] of a file, RATE a second, and the seconds at which it begins."""
    resampler = av.AudioResampler(format="fltp", rate=RATE)
    blocks, start = [], None
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            start = float((frame.pts or 0) * Fraction(frame.time_base or 1)) if start is None else start
            blocks += [one.to_ndarray().mean(axis=0) for one in resampler.resample(frame)]
    return np.concatenate(blocks), start or 0.0


def begin(path: Path) -> float:
    """The seconds at which the tone of a file begins."""
    samples, start = heard(path)
    return start + float(np.argmax(np.abs(samples) > 0.2)) / RATE


@pytest.mark.parametrize(
    ("source", "codec", "target"),
    [
        ("a.wav", "pcm_s16le", "out.mp4"),
        ("a.wav", "pcm_s16le", "out.webm"),
        ("a.flac", "flac", "out.mov"),
        ("a.mp3", "libmp3lame", "out.webm"),
    ],
)
def test_a_sound_that_players_of_a_format_lack_is_encoded_anew(
    tmp_path: Path, model: Path, source: str, codec: str, target: str
) -> None:
    recording = record(tmp_path / source, codec, "stereo")
    speak(recording, tmp_path / target, SMALL, model=model)
    samples, _ = heard(tmp_path / target)
    assert abs(len(samples) / RATE - SECONDS) < 0.06
    assert abs(begin(tmp_path / target) - SECONDS / 2) < 0.005
    assert 0.35 < np.percentile(np.abs(samples), 95) < 0.45
    assert films.times(tmp_path / target) == even(25)


@pytest.mark.parametrize(
    ("source", "codec", "target"),
    [
        ("a.m4a", "aac", "out.mp4"),
        ("a.mp3", "libmp3lame", "out.mp4"),
        ("a.mp3", "libmp3lame", "out.mkv"),
        ("a.wav", "pcm_s16le", "out.mkv"),
        ("a.ogg", "libopus", "out.webm"),
    ],
)
def test_any_other_sound_stays_as_it_is(
    tmp_path: Path, model: Path, source: str, codec: str, target: str
) -> None:
    recording = record(tmp_path / source, codec)
    report = speak(recording, tmp_path / target, SMALL, model=model)
    before, after = films.packets(recording), films.packets(tmp_path / target)
    assert [content for _, content in before] == [content for _, content in after]
    samples, start = heard(recording)
    assert abs(begin(tmp_path / target) - (begin(recording) - start)) < 0.005
    times = even(25, len(samples) / RATE)
    assert films.times(tmp_path / target) == times
    assert (report.frames, report.faces) == (len(times), None)


def even(rate: int, seconds: float = SECONDS) -> list[Fraction]:
    """When the frames are shown, by milliseconds at least."""
    return [Fraction(i, rate) for i in range(ceil((seconds + REST) * rate))]


def test_a_reading_becomes_a_video_with_its_sound(tmp_path: Path, model: Path) -> None:
    voice, output = clips.source("voice"), tmp_path / "out.mp4"
    result = live(
        "--audio",
        voice,
        "-o",
        output,
        "--model",
        model,
        "--size",
        "64",
        "--fps",
        "12",
        "--emotion",
        "joy=0.5",
    )
    assert (result.status, result.err) == (0, "")
    (before, _), (after, start) = heard(voice), heard(output)
    times = even(12, len(before) / RATE)
    assert f"{output}: {len(times)} frames\n" in result.out
    assert films.times(output) == times
    assert start == 0
    assert np.corrcoef(before, after[: len(before)])[0, 1] > 0.98
    assert [one.name for one in tmp_path.iterdir()] == ["out.mp4"]


def test_words_become_a_video_without_sound(tmp_path: Path, model: Path) -> None:
    output = tmp_path / "out.mkv"
    result = live("--text", "Mama, papa!", "-o", output, "--model", model, "--size", "64")
    assert (result.status, result.err) == (0, "")
    frames = films.pictures(output)
    assert f"{output}: {len(frames)} frames\n" in result.out
    with av.open(str(output)) as container:
        assert not container.streams.audio
    changes = [np.abs(one.astype(int) - frames[0]).mean() for one in frames]
    assert max(changes) > 4 * changes[1]


def test_what_can_not_be_said_is_told(tmp_path: Path, model: Path) -> None:
    out = tmp_path / "out.mp4"
    options: tuple[str | Path, ...] = ("-o", out, "--model", model)
    assert "no such file" in refusal("--audio", tmp_path / "gone.wav", *options)
    (tmp_path / "notes.wav").write_text("no sound")
    assert "notes.wav can't be read as a recording" in refusal("--audio", tmp_path / "notes.wav", *options)
    (tmp_path / "list.wav").write_text("ffconcat version 1.0\nfile a.wav\n")
    assert "list.wav can't be read as a recording" in refusal("--audio", tmp_path / "list.wav", *options)
    silent = films.write(tmp_path / "silent.mp4", films.faces(3), films.even(3))
    assert "silent.mp4 has no sound that can be decoded here" in refusal("--audio", silent, *options)
    assert "the text is empty" in refusal("--text", " ", *options)
    assert "is the file that is read" in refusal("--audio", silent, "-o", silent, "--overwrite")
    assert "no emotion envy" in refusal("--text", "hi", "--emotion", "envy", *options)
    assert "ends in .mp4, .mov, .mkv, .webm" in refusal("--text", "hi", "-o", tmp_path / "out.wav")
    assert not list(tmp_path.glob("*out*"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "give one of --video, --camera, --audio, --text"),
        (["--video", "a.mp4", "--audio", "a.wav"], "follows --video has that file's sound"),
        (["--camera", "0", "--text", "hi"], "give one of --video, --camera, --audio, --text"),
        (["--text", "hi"], "say where the video goes: -o avatar.mp4"),
        (["--text", "hi", "--side-by-side"], "--side-by-side is of --video and --camera"),
        (["--video", "a.mp4", "--fps", "25"], "--fps is of --audio and --text"),
        (["--text", "hi", "--emotion", "joy=2"], "say how strongly, from 0 to 1"),
        (["--text", "hi", "--emotion", "joy=a=b"], "say how strongly, from 0 to 1"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: list[str], message: str) -> None:
    result = live(*options)
    assert (result.status, result.out) == (2, "")
    assert message in result.err
