/** What is said: from letters to mouths, and mouths in time. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Director } from '../../web/director.js';
import { Idle } from '../../web/idle.js';
import { mouths, sounds } from '../../web/lips/letters.js';
import { Speaker } from '../../web/lips/speaker.js';
import { BEAT, spoken, Track } from '../../web/lips/visemes.js';
import { Channels } from '../../web/rig/channels.js';
import { expressions, LENGTH, person, stillRig } from './rig_face.js';

const { visemes } = expressions;
const channels = new Channels(expressions);
/** How far the lips are apart at a moment of a track, in widths of the frame. */
const gap = (points) => points[3 * 14 + 1] - points[3 * 13 + 1];
const gapAt = (track, time) => {
  const script = new Float64Array(channels.names.length);
  track?.add(time, script);
  return gap(stillRig().alone(0, new Float64Array(LENGTH), script));
};

describe('letters', () => {
  const WORDS = {
    mama: 'PP aa PP E',
    papa: 'PP aa PP E',
    through: 'TH RR ou',
    enough: 'E nn E FF',
    home: 'oh ou PP',
    some: 'SS E PP',
    wanted: 'ou oh nn DD E DD',
    played: 'PP nn E ih DD',
    boxes: 'PP oh ou kk SS ih SS',
    knife: 'nn aa ih FF',
    castle: 'kk aa SS E nn',
    question: 'kk ou E SS CH E nn',
    picture: 'PP ih kk CH RR',
    apple: 'aa PP E nn',
    science: 'SS aa ih E nn SS',
    church: 'CH RR CH',
    who: 'ou',
  };
  test('become mouths, by those beside them', () => {
    for (const [word, all] of Object.entries(WORDS)) assert.equal(mouths(word).join(' '), all);
  });

  test('have mouths in every rule that the renderer has, and a length', () => {
    const letters = 'abcdefghijklmnopqrstuvwxyz';
    for (const one of letters)
      for (const two of letters)
        for (const three of letters)
          for (const { viseme, beats } of sounds(`${one}${two}${three} ${two}${one}ed`)) {
            assert.ok(Object.hasOwn(visemes, viseme), viseme);
            assert.ok(beats > 0.5 && beats < 1.5, `${viseme}: ${beats}`);
          }
  });

  test('of other alphabets open the mouth; stops rest it, digits and signs are read', () => {
    const read = (text) => sounds(text).map(({ viseme }) => viseme).join(' '); // prettier-ignore
    assert.equal(read('2&é'), `${read('two')} ${read('and')} ${read('e')}`);
    assert.equal(read('да'), 'aa aa');
    assert.equal(read('I’m "so", so…'), 'aa ih PP SS oh ou sil SS oh ou sil');
    assert.equal(read(' ()\t* '), '');
    assert.equal(sounds('so so').at(-1).index, 3);
  });
});

describe('a text', () => {
  test('"mama papa" closes the lips at each m and p, and opens them between', () => {
    const track = spoken('mama papa', channels, visemes);
    const rest = gapAt(undefined, 0);
    const closed = [];
    let wasClosed = true;
    let most = 0;
    // As a page of 25 frames a second shows it, whenever that begins.
    for (let phase = 0; phase < 0.04; phase += 0.005) {
      let count = 0;
      wasClosed = true;
      for (let time = phase - 0.04; time < track.duration + 0.1; time += 0.04) {
        const high = gapAt(track, time);
        most = Math.max(most, high);
        const isClosed = high <= rest + 1e-4;
        if (isClosed && !wasClosed) count++;
        wasClosed = isClosed;
      }
      closed.push(count);
    }
    // The first m begins with closed lips; three more, and the end.
    assert.deepEqual(closed, Array(8).fill(4));
    assert.ok(most > rest + 0.03, `${most}`);
  });

  test('begins and ends at rest, rests at a stop, and never jumps', () => {
    const track = spoken('Yes. Go', channels, visemes);
    assert.equal(track.start(0), BEAT);
    const stop = track.start(3);
    const script = (time) => {
      const out = new Float64Array(channels.names.length);
      track.add(time, out);
      return out;
    };
    for (const time of [-1, 0, stop + 3 * BEAT, track.duration, track.duration + 1, NaN])
      assert.ok(
        script(time).every((x) => x === 0),
        `${time}`,
      );
    let before = script(0);
    let most = 0;
    for (let time = 0; time < track.duration + 0.1; time += 0.001) {
      const now = script(time);
      most = Math.max(most, ...now.map((x, i) => Math.abs(x - before[i])));
      before = now;
    }
    assert.ok(most < 0.05, `${most} in a millisecond`);
  });

  test('is said faster by a rate; of nothing there is nothing', () => {
    const [one, two] = [1, 2].map((rate) => spoken('hello world', channels, visemes, rate));
    assert.ok(Math.abs(one.duration - 2 * two.duration) < 1e-9);
    assert.equal(spoken('', channels, visemes).duration, 2 * BEAT);
    assert.equal(new Track([], []).duration, 0);
  });
});

describe('a speaker', () => {
  const words = () => {
    const track = spoken('papa', channels, visemes);
    return { add: (now, weights) => track.add(now / 1000, weights) };
  };
  const sum = (weights) => weights.reduce((all, x) => all + Math.abs(x), 0);

  test('says what it is given, closes the mouth when it is interrupted, then says nothing', () => {
    const speaker = new Speaker(channels.names.length);
    assert.equal(speaker.script(0), undefined);
    speaker.speech = words();
    const open = sum(speaker.script(270));
    assert.ok(open > 0.8, `${open}`);
    speaker.speech = undefined;
    assert.ok(speaker.isMoving);
    const closing = sum(speaker.script(290));
    assert.ok(closing > 0 && closing < 0.8 * open, `${closing} of ${open}`);
    for (let now = 310; now < 1000; now += 20) speaker.script(now);
    assert.ok(!speaker.isMoving);
    assert.equal(speaker.script(1020), undefined);
  });

  test('speaks for the idle avatar, and over a person who is there', () => {
    const rig = stillRig();
    const director = new Director(new Idle(rig, visemes), rig);
    director.speaker = new Speaker(channels.names.length);
    const jaws = (now) => {
      const points = director.landmarks(now, new Float32Array(LENGTH));
      return points[3 * 152 + 1];
    };
    for (const who of ['nobody', 'a person']) {
      const start = who === 'nobody' ? 0 : 10000;
      if (start) director.found(person(), start);
      const rest = jaws(start + 2000);
      director.speaker.speech = {
        add: (now, weights) => (weights[channels.names.indexOf('jaw')] = 1),
      };
      assert.ok(director.isMoving(start + 2000));
      assert.ok(jaws(start + 2020) > rest + 0.02, who);
      director.speaker.speech = undefined;
      for (let now = start + 2040; now < start + 4000; now += 20) jaws(now);
      assert.ok(Math.abs(jaws(start + 4000) - rest) < 0.005, who);
    }
    assert.ok(!director.isMoving(14000));
  });
});
