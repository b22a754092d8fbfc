"""Videos read and written: every frame, its time, and the sound as it was."""

from __future__ import annotations

from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from onnx2wgsl.live.errors import LiveError
from onnx2wgsl.live.sink import ENCODERS, Sink, whole
from onnx2wgsl.live.source import Source, Still
from onnx2wgsl.media.errors import MediaError

from tests.live import films

VARYING = [0, 40, 41, 80, 200, 240, 1000, 1033, 1066, 1100]
QUARTER_CLOCKWISE = [0, 1, 0, -1, 0, 0, 0, 0]
"""a, b, u, c, d, v, x, y of an MP4's matrix."""


def copy(source: Path, target: Path) -> int:
    """Writes a video's frames and sound anew; how many frames."""
    count = 0
    with closing(Source(source)) as video, closing(Sink(target, video, video.width, video.height)) as sink:
        for item in video.items():
            if isinstance(item, Still):
                sink.write(item.picture, item.time, item.duration)
                count += 1
            else:
                sink.add(item)
        sink.finish()
    return count


def turned(path: Path) -> Path:
    """The same MP4, to be shown turned by a quarter, as telephones note it."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4 + 40
    words = [round(value * 65536) for value in QUARTER_CLOCKWISE] + [1 << 30]
    content[at : at + 36] = b"".join(word.to_bytes(4, "big", signed=True) for word in words)
    target = path.with_stem("turned")
    target.write_bytes(content)
    return target


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
@pytest.mark.parametrize("times", [films.even(10), VARYING], ids=["even", "varying"])
def test_every_frame_is_written_at_its_time(tmp_path: Path, suffix: str, times: list[int]) -> None:
    source = films.write(tmp_path / "in.mkv", films.faces(len(times)), times)
    target = tmp_path / f"out{suffix}"
    assert copy(source, target) == len(times)
    assert films.times(target) == [Fraction(time, 1000) for time in times]
    for ours, theirs in zip(films.pictures(target), films.pictures(source), strict=True):
        assert np.abs(ours.astype(int) - theirs).mean() < 4


def test_an_avi_whose_frames_come_out_of_order_is_put_in_order(tmp_path: Path) -> None:
    """It stores no times; those that are told of its frames are mixed up."""
    source = films.write(tmp_path / "in.avi", films.faces(10), list(range(10)), time_base=Fraction(1, 25))
    copy(source, tmp_path / "out.mp4")
    assert films.times(tmp_path / "out.mp4") == [Fraction(i, 25) for i in range(10)]
    for ours, theirs in zip(films.pictures(tmp_path / "out.mp4"), films.faces(10), strict=True):
        assert np.abs(ours.astype(int) - theirs).mean() < 4


def test_times_may_begin_late(tmp_path: Path) -> None:
    """A transport stream's do."""
    times = films.even(10, 3600)
    source = films.write(
        tmp_path / "in.ts", films.faces(10), times, time_base=Fraction(1, 90000), sound="aac"
    )
    copy(source, tmp_path / "out.mp4")
    assert films.times(source)[0] > 0
    assert films.times(tmp_path / "out.mp4") == films.times(source)


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_the_last_frame_lasts_as_long(tmp_path: Path, suffix: str) -> None:
    """Of a varying rate, where it follows from nothing else."""
    source = films.write(tmp_path / "in.mp4", films.faces(len(VARYING)), VARYING)
    with av.open(str(source)) as container:
        stream = container.streams.video[0]
        last = list(container.decode(stream))[-1]
        end = ((last.pts or 0) + (last.duration or 0)) * Fraction(stream.time_base or 1)
    copy(source, tmp_path / f"out{suffix}")
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        stream = container.streams.video[0]
        assert (stream.duration or 0) * Fraction(stream.time_base or 1) == end


def test_a_rate_stays_the_rate(tmp_path: Path) -> None:
    """Of television: 24000/1001 frames a second, which no millisecond meets."""
    times = films.even(12, 1001)
    source = films.write(tmp_path / "in.mp4", films.faces(12), times, time_base=Fraction(1, 24000))
    copy(source, tmp_path / "out.mp4")
    assert films.times(tmp_path / "out.mp4") == [Fraction(time, 24000) for time in times]
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.average_rate, stream.frames) == (Fraction(24000, 1001), 12)
        assert stream.duration == 12 * 1001


@pytest.mark.parametrize(("suffix", "sound"), [(".mp4", "aac"), (".mkv", "pcm_s16le"), (".webm", "libopus")])
def test_the_sound_stays_as_it_is(tmp_path: Path, suffix: str, sound: str) -> None:
    source = films.write(tmp_path / f"in{'.mkv' if suffix == '.webm' else suffix}", films.faces(20),
                         films.even(20), sound=sound)  # fmt: skip
    target = tmp_path / f"out{suffix}"
    copy(source, target)
    before, after = films.packets(source), films.packets(target)
    assert before
    assert [content for _, content in before] == [content for _, content in after]
    shifts = [float(b - a) for (a, _), (b, _) in zip(before, after, strict=True)]
    assert np.abs(shifts).max() <= 0.001


def test_a_video_is_read_as_a_player_turns_it(tmp_path: Path) -> None:
    path = turned(films.write(tmp_path / "in.mp4", films.faces(3), films.even(3)))
    with closing(Source(path)) as source:
        height, width, _ = films.face().shape
        assert (source.width, source.height) == (height, width)
        first = next(item.picture for item in source.items() if isinstance(item, Still))
    video = cv2.VideoCapture(str(path))
    theirs = video.read()[1][..., ::-1]
    video.release()
    assert np.abs(first.astype(int) - theirs).mean() < 3


def test_wide_pixels_are_made_square(tmp_path: Path) -> None:
    path = films.write(tmp_path / "in.mp4", films.faces(2), films.even(2), ratio=Fraction(3, 2))
    with closing(Source(path)) as source:
        assert (source.width, source.height) == (384, 240)


def test_what_is_no_video_is_refused_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"gone\.mp4: no such file"):
        Source(tmp_path / "gone.mp4")
    text = tmp_path / "notes.mp4"
    text.write_text("no video")
    with pytest.raises(LiveError, match=r"notes\.mp4 can't be read as a video: "):
        Source(text)
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile in.mp4\n")
    with pytest.raises(LiveError, match=r"list\.mp4 can't be read as a video: "):
        Source(tmp_path / "list.mp4")


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    source = films.write(tmp_path / "in.mp4", films.faces(5), films.even(5), sound="aac")
    with av.open(str(source)) as video, av.open(str(path), "w") as container:
        sound = container.add_stream_from_template(video.streams.audio[0])
        for packet in video.demux(audio=0):
            if packet.dts is not None:
                packet.stream = sound
                container.mux(packet)
    with pytest.raises(LiveError, match=r"sound\.mp4 has no video stream: give an MP4"):
        Source(path)


def test_a_codec_that_nobody_knows_is_named_with_what_converts_it(tmp_path: Path) -> None:
    path = films.write(tmp_path / "in.mp4", films.faces(3), films.even(3))
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzz1").replace(b"avcC", b"zzzC"))
    with pytest.raises(LiveError, match=r"nothing here decodes .* ffmpeg -i in\.mp4 -c:v libx264"):
        Source(path)


def test_a_video_that_breaks_off_is_told(tmp_path: Path) -> None:
    path = films.write(tmp_path / "in.mp4", films.faces(30), films.even(30))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(LiveError, match=r"in\.mp4 can't be read"):
        Source(path)


def test_a_format_that_cannot_hold_the_sound_is_told(tmp_path: Path) -> None:
    source = films.write(tmp_path / "in.mp4", films.faces(3), films.even(3), sound="aac")
    with (
        closing(Source(source)) as video,
        pytest.raises(LiveError, match=r"\.webm can't hold .* \(aac\), .*mkv"),
    ):
        Sink(tmp_path / "out.webm", video, 256, 240)


def test_an_encoder_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = films.write(tmp_path / "in.mp4", films.faces(3), films.even(3))
    monkeypatch.setitem(ENCODERS, ".mkv", ("libx299", {}))
    with closing(Source(source)) as video, pytest.raises(LiveError, match=r"no encoder libx299 .*another of"):
        Sink(tmp_path / "out.mkv", video, 256, 240)


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    source = films.write(tmp_path / "in.mp4", films.faces(3), films.even(3))
    with (
        closing(Source(source)) as video,
        pytest.raises(LiveError, match=r"can't be written: .*; is there room"),
    ):
        Sink(tmp_path / "gone" / "out.mkv", video, 256, 240)


def test_a_file_takes_its_name_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_text("before")

    def interrupted() -> None:
        with whole(path) as scratch:
            scratch.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [one.name for one in tmp_path.iterdir()] == ["out.mp4"]
    assert path.read_text() == "before"
    with whole(path) as scratch:
        scratch.write_text("whole")
    assert path.read_text() == "whole"
