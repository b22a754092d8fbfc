/** What is heard: from the sound of a voice to the mouth that makes it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { Spectrum } from '../../web/lips/spectrum.js';
import { Track } from '../../web/lips/visemes.js';
import { ATTACK, heard, power, RELEASE, Voice } from '../../web/lips/voice.js';
import { Channels } from '../../web/rig/channels.js';
import { clipSource } from './host.js';
import { expressions } from './rig_face.js';

const RATE = 48000;
const STEP = 0.02;
const { names } = new Channels(expressions);
const jaw = names.indexOf('jaw');
const width = names.length;
const newVoice = (rate = RATE) => new Voice(rate, names, expressions.visemes);
const sound = (wave, seconds = 1) => Float32Array.from({ length: RATE * seconds }, (_, i) => wave(i / RATE)); // prettier-ignore
const mouthOf = (voice) => {
  const weights = new Float64Array(width);
  voice.add(weights);
  return weights;
};

/** The jaw at each step of a sound, and how loud that was. */
function hear(voice, samples, rate) {
  const [jaws, loudness] = [[], []];
  for (let i = voice.size; i <= samples.length; i += STEP * rate) {
    const block = samples.subarray(i - voice.size, i);
    voice.step(block, STEP);
    jaws.push(mouthOf(voice)[jaw]);
    loudness.push(Math.sqrt(power(block)));
  }
  return { jaws, loudness };
}

function correlation(a, b) {
  const mean = (all) => all.reduce((sum, x) => sum + x, 0) / all.length;
  const away = (all) => all.map((x) => x - mean(all));
  const dot = (one, two) => one.reduce((sum, x, i) => sum + x * two[i], 0);
  const [one, two] = [away(a), away(b)];
  return dot(one, two) / Math.sqrt(dot(one, one) * dot(two, two));
}

/** A man who reads. */
function reading() {
  const file = readFileSync(clipSource('voice'));
  const [start, rate] = [file.indexOf('data') + 8, file.readUInt32LE(24)];
  const samples = Float32Array.from(
    { length: (file.length - start) >> 1 },
    (_, i) => file.readInt16LE(start + 2 * i) / 32768,
  );
  return { samples, rate };
}

/** A vowel by its formants: harmonics of a voice through resonances. */
function vowel(pitch, formants) {
  const tones = [];
  for (let hertz = pitch, order = 1; hertz < 5000; hertz += pitch, order++) {
    let strength = 1 / order;
    for (const formant of formants)
      strength *= formant ** 2 / Math.hypot(formant ** 2 - hertz ** 2, 90 * hertz);
    tones.push([2 * Math.PI * hertz, strength, order ** 2]);
  }
  const wave = sound(
    (t) => tones.reduce((sum, [w, strength, phase]) => sum + strength * Math.sin(w * t + phase), 0),
    0.4,
  );
  const most = Math.max(...wave.map(Math.abs));
  return wave.map((x) => (0.5 * x) / most);
}

describe('a spectrum', () => {
  test('is that of the discrete Fourier transform, of windowed differences', () => {
    const size = 64;
    const samples = Float64Array.from({ length: 80 }, (_, i) => Math.sin(i * i) + (i % 7));
    const spectrum = new Spectrum(size);
    spectrum.take(samples);
    for (let k = 0; k < size / 2; k++) {
      let [real, imaginary] = [0, 0];
      for (let i = 0; i < size; i++) {
        const x = Math.sin((Math.PI * i) / size) ** 2 * (samples[16 + i] - samples[15 + i]);
        real += x * Math.cos((2 * Math.PI * k * i) / size);
        imaginary -= x * Math.sin((2 * Math.PI * k * i) / size);
      }
      assert.ok(Math.abs(spectrum.power[k] - real ** 2 - imaginary ** 2) < 1e-9, `${k}`);
    }
  });

  test('of a block that is no longer than it begins with no difference', () => {
    const spectrum = new Spectrum(8);
    spectrum.take(new Float32Array(8).fill(1));
    assert.deepEqual([...spectrum.power], [0, 0, 0, 0]);
  });
});

describe('a voice', () => {
  test('opens the jaw in 20 ms, closes it in 100, whatever the steps are', () => {
    const loud = sound((t) => Math.sin(2 * Math.PI * 200 * t), 0.03);
    const quiet = new Float32Array(loud.length);
    for (const steps of [1, 5]) {
      const voice = newVoice();
      for (let i = 0; i < steps; i++) voice.step(loud, ATTACK / steps);
      assert.ok(Math.abs(voice.level - (1 - Math.exp(-1))) < 1e-9, `${voice.level}`);
      voice.level = 1;
      for (let i = 0; i < steps; i++) voice.step(quiet, RELEASE / steps);
      assert.ok(Math.abs(voice.level - Math.exp(-1)) < 1e-9, `${voice.level}`);
    }
  });

  test('shapes the lips: rounded for o and u, spread for i, neither for a, teeth for s', () => {
    const shape = (samples) => {
      const voice = newVoice();
      hear(voice, samples, RATE);
      return voice;
    };
    for (const pitch of [110, 210]) {
      const a = shape(vowel(pitch, [730, 1090, 2440]));
      const e = shape(vowel(pitch, [530, 1840, 2480]));
      const i = shape(vowel(pitch, [270, 2290, 3010]));
      const o = shape(vowel(pitch, [490, 910, 2450]));
      const u = shape(vowel(pitch, [300, 870, 2240]));
      for (const one of [o, u]) assert.ok(one.round > 0.9 && one.spread < 0.1, `${one.round}`);
      assert.ok(i.spread > 0.9 && i.round < 0.1, `${i.spread}`);
      assert.ok(e.spread > 0.2 && e.spread < 0.6 && e.round < 0.1, `${e.spread}`);
      for (const side of ['round', 'spread', 'hiss']) assert.ok(a[side] < 0.1, side);
      const pucker = names.indexOf('pucker');
      assert.ok(mouthOf(u)[pucker] > 0.8 && mouthOf(a)[pucker] < 0.1);
    }
    let before = 0;
    let seed = 1;
    const hissing = sound(() => {
      const noise = (seed = (seed * 16807) % 2147483647) / 2147483647 - 0.5;
      const difference = noise - before;
      before = noise;
      return difference / 2;
    });
    const s = shape(hissing);
    assert.ok(s.hiss > 0.8 && s.round + s.spread < 0.3, `${s.hiss}`);
    assert.ok(mouthOf(s)[jaw] < 0.5, `${mouthOf(s)[jaw]}`);
  });

  test('moves the jaw of who reads as loud as it is; silence closes the mouth', () => {
    const { samples, rate } = reading();
    const voice = newVoice(rate);
    const { jaws, loudness } = hear(voice, samples, rate);
    const near = correlation(jaws, loudness);
    assert.ok(near > 0.8, `${near}`);
    assert.ok(Math.max(...jaws) > 0.5 && Math.max(...jaws) <= 1);
    for (let i = 0; i < 50; i++) voice.step(new Float32Array(voice.size), STEP);
    assert.ok(mouthOf(voice).every((x) => Math.abs(x) < 1e-3));
  });

  test('that begins is seen within two frames of 40 a second', () => {
    const onset = 0.5;
    const tone = sound((t) => (t < onset ? 0 : 0.3 * Math.sin(2 * Math.PI * 300 * t)));
    const end = newVoice();
    hear(end, tone, RATE);
    const delays = [];
    for (let phase = 0; phase < 1; phase += 0.1) {
      const voice = newVoice();
      let time = 0.3 + phase / 40;
      while (mouthOf(voice)[jaw] < mouthOf(end)[jaw] / 2) {
        time += 1 / 40;
        const last = Math.round(time * RATE);
        voice.step(tone.subarray(last - voice.size, last), 1 / 40);
      }
      delays.push(1000 * (time - onset));
    }
    const mean = delays.reduce((sum, x) => sum + x, 0) / delays.length;
    assert.ok(mean < 30 && Math.max(...delays) < 50, `${mean} ms; ${delays}`);
  });

  test('is heard by its sensitivity, and opens the mouth to its limit', () => {
    const { samples, rate } = reading();
    const most = (options) => {
      const voice = Object.assign(newVoice(rate), options);
      return Math.max(...hear(voice, samples, rate).jaws);
    };
    const plain = most({});
    assert.ok(most({ sensitivity: 1 }) > plain && most({ sensitivity: 0 }) < plain / 2);
    assert.ok(Math.abs(most({ limit: 0.5 }) - plain / 2) < 1e-9);
    assert.equal(most({ limit: 0 }), 0);
  });
});

describe('a recording, heard ahead', () => {
  const track = (samples, rate, options) => {
    const { times, weights } = heard(samples, rate, names, expressions.visemes, options);
    return new Track(times, weights);
  };
  const jawAt = (one, time) => {
    const weights = new Float64Array(width);
    one.add(time, weights);
    return weights[jaw];
  };

  test('moves the jaw as loud as it is at each moment, wholly where it is loudest', () => {
    const { samples, rate } = reading();
    const one = track(samples, rate);
    assert.ok(Math.abs(one.duration - samples.length / rate) < 0.02);
    const [jaws, loudness] = [[], []];
    for (let time = 0; time < one.duration - 0.05; time += 0.02) {
      const middle = Math.round(time * rate);
      jaws.push(jawAt(one, time));
      const about = samples.subarray(Math.max(0, middle - 256), middle + 256);
      loudness.push(Math.sqrt(power(about)));
    }
    const near = correlation(jaws, loudness);
    assert.ok(near > 0.8, `${near}`);
    assert.ok(Math.max(...jaws) > 0.85, `${Math.max(...jaws)}`);
    // A soft recording is as loud to the mouth.
    const soft = track(
      samples.map((x) => x / 8),
      rate,
    );
    assert.ok(Math.abs(jawAt(soft, 2) - jawAt(one, 2)) < 1e-3);
    assert.ok(Math.abs(jawAt(track(samples, rate, { limit: 0.5 }), 2) - jawAt(one, 2) / 2) < 1e-9);
  });

  test('opens the mouth when a tone begins, and shuts it after', () => {
    const one = track(
      sound((t) => (t > 0.4 && t < 0.6 ? Math.sin(2 * Math.PI * 800 * t) : 0)),
      RATE,
    );
    const open = (time) => jawAt(one, time) / 0.9;
    assert.ok(open(0.38) < 0.01 && open(0.44) > 0.8, `${open(0.38)}, ${open(0.44)}`);
    assert.ok(open(0.58) > 0.95 && open(0.98) < 0.05, `${open(0.58)}, ${open(0.98)}`);
    assert.equal(track(new Float32Array(0), RATE).duration, 0);
    const silence = track(new Float32Array(RATE), RATE);
    for (let time = 0; time < 1; time += 0.1) assert.ok(jawAt(silence, time) < 1e-6);
  });
});
