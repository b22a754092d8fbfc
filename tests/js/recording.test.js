/** When a recording ends, and what becomes of it: against a MediaRecorder that does what the test says. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';

import { PATIENCE_MS, Recorder } from '../../web/recording.js';

/** A browser's recorder, which encodes nothing by itself. */
class Encoder extends EventTarget {
  static isTypeSupported = (type) => /webm/.test(type);
  static last;
  state = 'inactive';
  mimeType = 'video/webm';

  constructor(stream) {
    super();
    this.stream = stream;
    Encoder.last = this;
  }

  start() {
    this.state = 'recording';
  }

  give(text) {
    this.ondataavailable({ data: new Blob([text]) });
  }

  stop() {
    this.state = 'inactive';
    this.ondataavailable({ data: new Blob([]) });
    this.onstop();
  }
}

const track = () => ({ stop: mock.fn() });
/** Lets what waits for promises go on. */
const settle = async () => {
  for (let i = 0; i < 20; i++) await null;
};

describe('a recording', () => {
  let files;
  let picture;
  let voice;
  let failures;
  let states;
  let recorder;
  let timers;
  let microphone;

  const canvas = () => {
    assert.equal(recorder.state, 'off');
    const tracks = [picture];
    return {
      captureStream: () => ({ getTracks: () => tracks, addTrack: (one) => tracks.push(one) }),
    };
  };
  /** Presses the button; `over` resolves when what that began has ended. */
  const toggle = async (hasSound) => {
    const over = recorder.toggle(canvas, 'avatar', hasSound);
    await settle();
    return { over };
  };
  const isStopped = (one) => one.stop.mock.callCount() > 0;

  beforeEach(() => {
    timers = [];
    mock.method(globalThis, 'setTimeout', (wake, ms) => timers.push({ wake, ms }) - 1);
    mock.method(globalThis, 'clearTimeout', (i) => timers.splice(i, 1, { wake() {} }));
    files = [];
    failures = [];
    states = [];
    [picture, voice] = [track(), track()];
    recorder = new Recorder(
      () => states.push(recorder.state),
      (error) => failures.push(error),
    );
    globalThis.MediaRecorder = Encoder;
    mock.method(URL, 'createObjectURL', (blob) => (files.push({ blob }), 'blob:x'));
    const link = { click: () => (files.at(-1).name = link.download) };
    globalThis.document = { createElement: () => link };
    microphone = async () => ({ getTracks: () => [voice] });
    const mediaDevices = { getUserMedia: () => microphone() };
    Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { mediaDevices } });
  });
  afterEach(() => {
    mock.restoreAll();
    delete globalThis.MediaRecorder;
    delete globalThis.document;
    delete globalThis.navigator;
  });

  test('is a file of all that was encoded', async () => {
    const { over } = await toggle(true);
    assert.equal(recorder.state, 'on');
    for (const text of ['one', 'two']) Encoder.last.give(text);
    assert.equal(recorder.bytes, 6);
    await toggle();
    await over;
    const [{ blob, name }] = files;
    assert.deepEqual([await blob.text(), blob.type, name], ['onetwo', 'video/webm', 'avatar.webm']);
    assert.deepEqual(states, ['starting', 'on', 'saving', 'off']);
    assert.ok(isStopped(picture) && isStopped(voice));
    assert.deepEqual(failures, []);
  });

  test('that is stopped early goes on until there is something of it', async () => {
    const { over } = await toggle();
    await toggle();
    await settle();
    assert.deepEqual([recorder.state, Encoder.last.state], ['saving', 'recording']);
    // Meanwhile the button does nothing.
    const { last } = Encoder;
    await toggle();
    assert.equal(Encoder.last, last);
    last.give('late');
    await over;
    assert.equal(await files[0].blob.text(), 'late');
    assert.equal(recorder.state, 'off');
  });

  test('of which nothing comes is told, and is no file', async () => {
    const { over } = await toggle(true);
    await toggle();
    assert.equal(timers.at(-1).ms, PATIENCE_MS);
    timers.at(-1).wake();
    await over;
    assert.deepEqual(files, []);
    assert.deepEqual(
      failures.map(({ code }) => code),
      ['unrecorded'],
    );
    assert.ok(isStopped(picture) && isStopped(voice));
    assert.equal(recorder.state, 'off');
  });

  for (const text of ['', 'some'])
    test(`that fails ${text ? 'midway saves what it has' : 'at once is no file'}, and says why, once`, async () => {
      const { over } = await toggle(true);
      if (text) Encoder.last.give(text);
      Encoder.last.onerror({ error: new Error('the encoder broke') });
      await over;
      assert.deepEqual(
        failures.map(({ message }) => message),
        ['the encoder broke'],
      );
      assert.equal(files.length, text ? 1 : 0);
      assert.ok(isStopped(picture) && isStopped(voice));
      assert.equal(recorder.state, 'off');
    });

  test('whose canvas goes ends by itself, and is a file', async () => {
    const { over } = await toggle();
    Encoder.last.give('whole');
    Encoder.last.stop();
    await over;
    assert.equal(await files[0].blob.text(), 'whole');
  });

  test('without leave for the microphone is none, and says so', async () => {
    microphone = async () => {
      throw new Error('Permission denied');
    };
    await (
      await toggle(true)
    ).over;
    assert.deepEqual(
      failures.map(({ code, message }) => [code, message]),
      [['microphone', 'Permission denied']],
    );
    assert.ok(isStopped(picture));
    assert.equal(recorder.state, 'off');
  });

  test('that the browser has no encoder for stops what it would have recorded', async () => {
    globalThis.MediaRecorder = class extends Encoder {
      start() {
        throw new Error('NotSupported');
      }
    };
    await (
      await toggle(true)
    ).over;
    assert.deepEqual(
      failures.map(({ message }) => message),
      ['NotSupported'],
    );
    assert.ok(isStopped(picture) && isStopped(voice));
  });
});
