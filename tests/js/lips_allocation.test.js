/** What speech leaves to the collector: in a process of its own, where V8 knows one kind of array. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Speaker } from '../../web/lips/speaker.js';
import { spoken } from '../../web/lips/visemes.js';
import { Voice } from '../../web/lips/voice.js';
import { Channels } from '../../web/rig/channels.js';
import { expressions } from './rig_face.js';

const { visemes } = expressions;
const channels = new Channels(expressions);

function assertLean(step) {
  const run = (frames) => {
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < frames; i++) step(i);
    return process.memoryUsage().heapUsed - before;
  };
  run(4000);
  // The least of some runs, as of the rig's: what remains is numbers that V8 boxes.
  const bytes = Math.min(...Array.from({ length: 10 }, () => Math.abs(run(500)))) / 500;
  assert.ok(bytes < 400, `${bytes} bytes a frame`);
}

test('a frame of a text makes no object', () => {
  const track = spoken('a word after the other', channels, visemes);
  const speaker = new Speaker(channels.names.length);
  speaker.speech = { add: (now, weights) => track.add(now / 1000, weights) };
  assertLean((i) => speaker.script(25 * i));
});

test('a frame of a voice makes no object', () => {
  const voice = new Voice(48000, channels.names, visemes);
  const block = Float32Array.from({ length: 1024 }, (_, i) => Math.sin(i / 9));
  const speaker = new Speaker(channels.names.length);
  const speech = {
    add(_, weights) {
      voice.step(block, 0.025);
      voice.add(weights);
    },
  };
  speaker.speech = speech;
  assertLean((i) => speaker.script(25 * i));
});
