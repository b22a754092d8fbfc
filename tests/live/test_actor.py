"""The page's actor in Python: what Node.js makes of the page's own modules, in every bit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx2wgsl.live.actor import Actor
from onnx2wgsl.live.errors import LiveError
from onnx2wgsl.live.sound import RATE, Sound

from tests import clips
from tests.face import vectors
from tests.web import node

ROOT = Path(__file__).parents[2]
CHAIN = ROOT / "tests" / "js" / "face_chain.js"
SPEAKING = """
import { readFileSync, writeFileSync } from 'node:fs';
import { Actor } from './web/actor.js';
import { Speaker } from './web/lips/speaker.js';
import { spoken, Track } from './web/lips/visemes.js';
import { heard } from './web/lips/voice.js';
const read = (name) => JSON.parse(readFileSync(`./face/${name}`));
const { text, recording, rate, emotions, times, target } = JSON.parse(readFileSync(0));
const expressions = read('expressions.json');
const { director, rig } = new Actor(expressions, read('framing.json'));
const { channels } = rig;
const { buffer } = Uint8Array.from(recording ? readFileSync(recording) : []);
const recorded = () => {
  const { times, weights } = heard(new Float32Array(buffer), rate, channels.names, expressions.visemes);
  return new Track(times, weights);
};
const track = text ? spoken(text, channels, expressions.visemes) : recorded();
rig.emotions.feel(emotions);
director.speaker = new Speaker(channels.names.length);
director.speaker.speech = { add: (now, weights) => track.add(now / 1000, weights) };
const shown = new Float32Array(times.length * 478 * 3);
times.forEach((time, i) => director.landmarks(time, shown.subarray(i * 478 * 3, (i + 1) * 478 * 3)));
writeFileSync(target, new Uint8Array(shown.buffer));
"""
STATES = ("idle", "live", "held")
STEP = 40.0
ASPECT = 1.5
UPPER_LIP, LOWER_LIP = 13, 14
PRESSED = 0.003
"""Widths of the frame by which lips that close are nearer than those of a mouth at rest."""

Faces = NDArray[np.float32]


@pytest.fixture(scope="module")
def voice() -> Faces:
    """A man who reads for 10 s, f32[n]."""
    with closing(Sound(clips.source("voice"))) as sound:
        return sound.samples()


def faces(presence: str) -> Iterator[Faces | None]:
    """A face that moves and trembles where there is an x, points on a line where there is an o, else none."""
    random = np.random.default_rng(1)
    photo = vectors.landmarks("photo") * [1, ASPECT, 1]
    for i, seen in enumerate(presence):
        moved = photo + random.normal(0, 2e-3, photo.shape) + [0.03 * np.sin(i / 4), 0, 0]
        yield {"x": moved.astype(np.float32), "o": np.zeros((478, 3), np.float32)}.get(seen)


def followed(presence: str, likeness: float = 0.0) -> tuple[list[str], Faces]:
    """The states and the faces f32[n,478,3] that Python has."""
    states: list[str] = []
    shown = []
    with closing(Actor(likeness)) as actor:
        for i, one in enumerate(faces(presence)):
            shown.append(actor.face(one, ASPECT, i * STEP))
            states.append(actor.state)
    return states, np.array(shown)


def followed_by_the_page(presence: str, likeness: float, work: Path) -> tuple[list[str], Faces]:
    """The states and the faces f32[n,478,3] that the page has."""
    rows = np.full((len(presence), 2 + 3 * 478), np.nan, np.float32)
    for i, one in enumerate(faces(presence)):
        rows[i, :2] = i * STEP, ASPECT
        if one is not None:
            rows[i, 2:] = one.ravel()
    rows.tofile(work / "faces")
    subprocess.run([node(), CHAIN, work / "faces", work / "shown", str(likeness)], check=True)
    result = np.fromfile(work / "shown", np.float32).reshape(len(rows), -1)
    return [STATES[int(state)] for state in result[:, 0]], result[:, 1:].reshape(-1, 478, 3)


@pytest.mark.parametrize("likeness", [0.0, 0.75])
def test_a_face_is_followed_as_on_the_page_in_every_bit(tmp_path: Path, likeness: float) -> None:
    """Found, lost for a moment, points that are no face, found and eased to, lost for good, found again."""
    presence = "." * 10 + "x" * 240 + "." * 5 + "o" * 3 + "x" * 25 + "." * 60 + "x" * 20
    states, shown = followed(presence, likeness)
    expected_states, expected = followed_by_the_page(presence, likeness, tmp_path)
    assert states == expected_states
    assert {states[i] for i in range(255, 258)} == {"held"}
    assert set(states) == set(STATES)
    np.testing.assert_array_equal(shown.view(np.uint32), expected.view(np.uint32))


def spoken_by_the_page(times: list[float], work: Path, **said: object) -> Faces:
    """The faces f32[n,478,3] of the page's modules that say something."""
    asked = json.dumps({"emotions": {}, "times": times, "target": str(work / "shown")} | said)
    subprocess.run(
        [node(), "--input-type=module", "-e", SPEAKING], cwd=ROOT, input=asked, text=True, check=True
    )
    return np.fromfile(work / "shown", np.float32).reshape(-1, 478, 3)


def spoken(actor: Actor, times: list[float]) -> Faces:
    """The faces f32[n,478,3] of an actor that nobody drives."""
    return np.array([actor.face(None, 1.0, time) for time in times])


def test_words_are_said_as_on_the_page_in_every_bit(tmp_path: Path) -> None:
    text, emotions = "Hello. You have 2 new messages, naïve one!", {"joy": 0.8, "surprise": 0.5}
    with closing(Actor(emotions=emotions)) as actor:
        times = [i * 1000 / 30 for i in range(round(30 * actor.say(text)) + 10)]
        shown = spoken(actor, times)
    expected = spoken_by_the_page(times, tmp_path, text=text, emotions=emotions)
    np.testing.assert_array_equal(shown.view(np.uint32), expected.view(np.uint32))
    assert len(times) > 90


def test_a_recording_is_heard_as_on_the_page_in_every_bit(tmp_path: Path, voice: Faces) -> None:
    times = [i * STEP for i in range(250)]
    with closing(Actor()) as actor:
        actor.hear(voice, RATE)
        shown = spoken(actor, times)
    voice.tofile(tmp_path / "voice")
    expected = spoken_by_the_page(times, tmp_path, recording=str(tmp_path / "voice"), rate=RATE)
    np.testing.assert_array_equal(shown.view(np.uint32), expected.view(np.uint32))


def gaps(shown: Faces) -> NDArray[np.float64]:
    """How far the lips are apart, in widths of the frame."""
    return (shown[:, LOWER_LIP] - shown[:, UPPER_LIP])[:, 1].astype(np.float64)


def test_the_mouth_opens_with_a_voice(voice: Faces) -> None:
    times = [i * STEP for i in range(len(voice) * 25 // RATE)]
    with closing(Actor()) as actor:
        actor.hear(voice, RATE)
        apart = gaps(spoken(actor, times))
    middles = [round(time * RATE / 1000) for time in times]
    loudness = [np.sqrt(np.mean(voice[max(0, at - 256) : at + 256] ** 2)) for at in middles]
    assert np.corrcoef(apart, loudness)[0, 1] > 0.8


@pytest.mark.parametrize("rate", [25, 30])
def test_lips_close_at_each_m_and_p(rate: int) -> None:
    with closing(Actor()) as actor:
        seconds = actor.say("mama papa")
        apart = gaps(spoken(actor, [i * 1000 / rate for i in range(round(rate * (seconds + 0.2)))]))
    pressed = apart < apart[0] - PRESSED
    assert np.count_nonzero(pressed[1:] & ~pressed[:-1]) == 4
    assert apart.max() > apart[0] + 0.03


def test_a_face_that_comes_and_goes_never_jumps() -> None:
    states, shown = followed("." * 10 + "x" * 30 + "." * 50)
    assert [states[i] for i in (0, 10, 40, -1)] == ["idle", "live", "held", "idle"]
    steps = np.abs(np.diff(shown[..., :2], axis=0)).max(axis=(1, 2))
    assert steps.max() < 0.05
    lost = states.index("held")
    assert not np.diff(shown[lost : lost + 17], axis=0).any()


def test_frames_leave_nothing_in_the_engine() -> None:
    """In each state; in the first frames its compiler learns."""
    (face,) = faces("x")
    with closing(Actor()) as actor:
        sizes = []
        for i in range(6000):
            actor.face(face if i % 100 < 50 else None, ASPECT, i * STEP)
            if i % 2000 == 1999:
                sizes.append(actor.heap)
    assert sizes[-1] - sizes[0] < 200_000


def test_what_nobody_feels_is_refused() -> None:
    with pytest.raises(LiveError, match=r"no emotion envy: name one of joy, sadness, .*, tired"):
        Actor(emotions={"envy": 1.0})


def test_python_ends_though_an_actor_is_left_open() -> None:
    program = "from onnx2wgsl.live.actor import Actor\nactor = Actor()\nactor.face(None, 1.0, 0.0)\n"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
