/** The rig's parts over time: blinks, sway, breath, brows, emotions, and what watches a person's blinks. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Breath, RATE } from '../../web/rig/breath.js';
import {
  Assist,
  blinks,
  DOUBLE,
  FASTER,
  MEAN,
  PARTIAL,
  PATIENCE,
  REFRACTORY,
} from '../../web/rig/blink.js';
import { brows } from '../../web/rig/brows.js';
import { Channels, SEGMENTS } from '../../web/rig/channels.js';
import { Emotions, EMOTIONS, presets } from '../../web/rig/emotions.js';
import { Spring } from '../../web/rig/motion.js';
import { numbers } from '../../web/rig/random.js';
import { REACH, Sway } from '../../web/rig/sway.js';
import { apart, expressions } from './rig_face.js';

const HOUR = 3600;
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
const deviation = (values) => {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((x) => (x - middle) ** 2)));
};
const within = (value, least, most) =>
  assert.ok(value >= least && value <= most, `${value} is not from ${least} to ${most}`);

/** The blinks of an hour, as lids show them. */
function observe(seed, step = 0.001) {
  const lids = blinks(numbers(seed));
  const seen = [];
  let blink;
  let before = 0;
  for (let time = 0; time < HOUR; time += step) {
    lids.step(step);
    const { value } = lids;
    if (value > 0 && before === 0) seen.push((blink = { start: time, depth: 0 }));
    if (value > 0 && value > blink.depth) Object.assign(blink, { depth: value, closed: time });
    if (value === blink?.depth) blink.opens = time;
    if (value === 0 && before > 0) blink.end = time;
    before = value;
  }
  return before === 0 ? seen : seen.slice(0, -1);
}

describe('an hour of blinks', () => {
  const seen = observe(1);
  const intervals = seen.slice(1).map(({ start }, i) => start - seen[i].start);
  const singles = intervals.filter((x) => x >= REFRACTORY);

  test('has 11 to 19 of them a minute, 4 seconds apart in the mean', () => {
    within(seen.length / 60, 11, 19);
    within(mean(intervals), 0.93 * MEAN, 1.07 * MEAN);
  });

  test('has log-normal intervals, none in the refractory time but those of double blinks', () => {
    within(1 - singles.length / intervals.length, DOUBLE - 0.03, DOUBLE + 0.03);
    const doubles = intervals.filter((x) => x < REFRACTORY);
    within(Math.min(...doubles), 0.33, 0.36);
    within(Math.max(...doubles), 0.44, 0.47);
    const logs = singles.map((x) => Math.log(x - REFRACTORY));
    within(deviation(logs), 0.54, 0.66);
    // As a normal distribution has it: no skew, and 68 % within one deviation.
    const [middle, spread] = [mean(logs), deviation(logs)];
    within(mean(logs.map((x) => ((x - middle) / spread) ** 3)), -0.3, 0.3);
    const near = logs.filter((x) => Math.abs(x - middle) < spread);
    within(near.length / logs.length, 0.63, 0.73);
  });

  test('closes lids 40 to 47 % faster than it opens them; half of them in part', () => {
    const faster = seen.map(({ start, closed, opens, end }) => (end - opens) / (closed - start));
    within(mean(faster), FASTER.least, FASTER.most);
    // A step is a hundredth of the way.
    within(Math.min(...faster), FASTER.least - 0.04, FASTER.least + 0.04);
    within(Math.max(...faster), FASTER.most - 0.04, FASTER.most + 0.04);
    const depths = seen.map(({ depth }) => depth);
    within(depths.filter((x) => x < 1).length / seen.length, PARTIAL - 0.06, PARTIAL + 0.06);
    within(Math.min(...depths), 0.6, 0.62);
  });

  test('is the same for a seed, and another for another', () => {
    assert.deepEqual(observe(1), seen);
    assert.notDeepEqual(observe(2).slice(0, 3), seen.slice(0, 3));
  });

  for (const step of [1 / 60, 0.1, 0.5, 3, 17, HOUR / 2])
    test(`loses none in steps of ${step.toFixed(2)} s, and shows each that falls between two`, () => {
      const lids = blinks(numbers(1));
      // As far as they are observed.
      const margin = Math.min(0.01, step / 5);
      const heights = seen.map(({ closed, opens }) => (closed + opens) / 2);
      let [at, shown] = [0, 0];
      let time = 0;
      while (time + step <= HOUR + 1e-6) {
        const before = time;
        lids.step(step);
        time += step;
        while (at < heights.length && heights[at] <= before + margin) at++;
        if (!(heights[at] < time - margin)) continue;
        within(lids.value, 0.6, 1);
        shown++;
      }
      assert.ok(shown > 0);
      const begun = seen.filter(({ start }) => start < time).length;
      within(lids.count - begun, -1, 1);
    });
});

describe('a head at rest', () => {
  /** Heads and sights, a hundred a second. */
  const run = (seconds, step = 0.01) => {
    const sway = new Sway(numbers(5));
    const frames = [];
    for (let time = step; time <= seconds; time += step) {
      sway.step(step);
      frames.push({ head: [...sway.head], sight: [...sway.sight] });
    }
    return frames;
  };

  test('goes as far as heads go, and no further; slowly', () => {
    const frames = run(1200);
    const [pitch, yaw, roll] = [0, 1, 2].map((i) => frames.map(({ head }) => head[i]));
    within(Math.max(...yaw), 0.7 * REACH.turn, REACH.turn);
    within(Math.min(...yaw), -REACH.turn, -0.7 * REACH.turn);
    within(Math.max(...roll), 0.7 * REACH.tilt, REACH.tilt);
    within(Math.max(...pitch), 0.7 * REACH.down, REACH.down);
    within(Math.min(...pitch), -REACH.up, -0.7 * REACH.up);
    const fastest = Math.max(...yaw.slice(1).map((x, i) => Math.abs(x - yaw[i]) * 100));
    within(fastest, 20, 80);
  });

  test('eyes jump, and the head comes after', () => {
    const yaw = run(600).map(({ head, sight }) => ({ head: head[1], sight: sight[1] }));
    const jumps = [];
    for (let i = 10; i < yaw.length - 100; i++) {
      const away = yaw[i + 8].sight - yaw[i].sight;
      const before = yaw[i - 8];
      const wasStill = apart(Object.values(yaw[i]), [before.sight, before.sight]) < 0.5;
      const isLast = yaw
        .slice(i + 8, i + 101)
        .every(({ sight }) => Math.abs(sight - yaw[i + 100].sight) < 0.5);
      if (wasStill && isLast && Math.abs(away) > 8) jumps.push({ i, away });
    }
    assert.ok(jumps.length > 10);
    for (const { i, away } of jumps) {
      const share = (frames) => (yaw[i + frames].head - yaw[i].head) / away;
      // The head has not begun to arrive when the eyes have, and is there a second later.
      assert.ok(Math.abs(share(8)) < 0.35, `${share(8)}`);
      assert.ok(Math.abs(yaw[i + 100].head - yaw[i + 100].sight) < 0.15 * REACH.turn);
    }
  });

  test('is where it would be, however long the steps are', () => {
    const fine = run(60);
    const coarse = run(60, 0.7);
    coarse.forEach(({ head, sight }, i) => {
      const then = fine[Math.round((i + 1) * 70) - 1];
      assert.ok(apart(head, then.head) < 1e-6 && apart(sight, then.sight) < 1e-6);
    });
  });
});

test('a spring arrives without overshoot, by the same way in any steps', () => {
  const [one, other] = [new Spring(6), new Spring(6)];
  let most = 0;
  for (let i = 0; i < 100; i++) {
    one.step(1, 0.02);
    most = Math.max(most, one.value);
  }
  other.step(1, 2);
  assert.ok(most < 1 && Math.abs(one.value - other.value) < 1e-12 && one.value > 0.999);
});

test('breaths are 14 a minute, in more quickly than out', () => {
  const breath = new Breath();
  let [breaths, rises, before] = [0, 0, 0];
  for (let i = 0; i < 60000; i++) {
    breath.step(0.01);
    if (breath.value > 0.5 && before <= 0.5) breaths++;
    if (breath.value > before) rises++;
    before = breath.value;
  }
  within(breaths / 10, RATE - 0.2, RATE + 0.2);
  within(rises / 60000, 0.38, 0.42);
});

test('brows rise by a part, some times a minute', () => {
  const pulses = brows(numbers(3));
  let most = 0;
  for (let i = 0; i < 60000; i++) {
    pulses.step(0.01);
    most = Math.max(most, pulses.value);
  }
  within(pulses.count / 10, 6, 12);
  within(most, 0.3, 0.35);
});

describe('emotions', () => {
  const channels = new Channels(expressions);
  const { names } = channels;
  const all = presets(expressions.emotions);
  const make = () => new Emotions(expressions, names);
  const weightsOf = (emotions) => {
    const weights = new Float64Array(names.length);
    emotions.add(weights);
    return weights;
  };
  const settled = (intensities, segments = {}) => {
    const emotions = make();
    Object.assign(emotions.segments, segments);
    emotions.feel(intensities);
    for (let i = 0; i < 300; i++) emotions.step(0.02);
    return weightsOf(emotions);
  };

  test('are eight, of the renderer’s channels; six are the renderer’s, none of them weaker than its own', () => {
    const eight = ['joy', 'sadness', 'anger', 'surprise', 'fear', 'disgust', 'smirk', 'tired'];
    assert.deepEqual(EMOTIONS, eight);
    for (const emotion of EMOTIONS) {
      const weights = settled({ [emotion]: 1 });
      assert.ok(apart(weights, channels.weights(all[emotion])) < 1e-3);
      const own = channels.weights(expressions.emotions[emotion] ?? {});
      assert.ok(
        own.every((x, i) => Math.abs(x) <= Math.abs(weights[i]) + 1e-3),
        emotion,
      );
      const before = weights.slice();
      channels.limit(weights);
      // Squints give way to lids that are half closed.
      assert.ok(apart(weights, before) < 0.2 && weights.some((x) => x > 0.25), emotion);
    }
    assert.deepEqual(Object.values(SEGMENTS).flat().sort(), [...names].sort());
  });

  test('come and go softly, in about half a second', () => {
    const emotions = make();
    const smile = () => weightsOf(emotions)[names.indexOf('smile')];
    assert.ok(!emotions.isMoving);
    emotions.feel({ joy: 1 });
    assert.ok(emotions.isMoving);
    let before = 0;
    let most = 0;
    for (let i = 0; i < 25; i++) {
      emotions.step(0.02);
      most = Math.max(most, smile() - before);
      before = smile();
    }
    within(before, 0.7, 0.9);
    assert.ok(most < 0.08);
    emotions.feel({});
    emotions.step(2);
    assert.ok(smile() < 1e-3);
    emotions.step(2);
    assert.ok(!emotions.isMoving);
  });

  test('blend, and are of a segment where the others take no part', () => {
    const [joy, fear] = [settled({ joy: 1 }), settled({ fear: 1 })];
    const blend = joy.map((x, i) => (x + fear[i]) / 2);
    assert.ok(apart(settled({ joy: 1, fear: 1 }), blend) < 1e-6);
    assert.ok(apart(settled({ joy: 0.4 }), joy.map((x) => 0.4 * x)) < 1e-6); // prettier-ignore
    const mouth = settled({ fear: 1 }, { brows: 0, eyes: 0 });
    names.forEach((name, i) => {
      const expected = SEGMENTS.mouth.includes(name) ? fear[i] : 0;
      assert.ok(Math.abs(mouth[i] - expected) < 1e-9, name);
    });
  });
});

describe('a person’s blinks', () => {
  /** How often within two minutes the rig is asked to blink, of a person who blinks at these times. */
  const asked = (isClosed) => {
    const assist = new Assist();
    let count = 0;
    for (let time = 0; time < 120; time += 0.04)
      if (assist.step(isClosed(time) ? 0.3 : 1.1, 0.04, 0)) count++;
    return count * 0.04;
  };

  test('are their own as long as they blink; who does not is helped', () => {
    assert.equal(asked((time) => time % 4 < 0.15), 0); // prettier-ignore
    within(
      asked(() => false),
      120 - PATIENCE - 0.2,
      120 - PATIENCE + 0.2,
    );
    // Each time they blink, it is theirs again.
    within(
      asked((time) => time > 1 && time % 20 < 0.15),
      60,
      75,
    );
  });

  test('nothing changes in the middle of a blink of the rig', () => {
    const assist = new Assist();
    assist.step(1, PATIENCE + 1, 0.5);
    assert.equal(assist.step(1, 0.04, 0.5), false);
    assert.equal(assist.step(1, 0.04, 0), true);
    assert.equal(assist.step(0.2, 0.04, 0.7), true);
    assert.equal(assist.step(1, 0.04, 0), false);
    assist.step(1, PATIENCE + 1, 0);
    assist.reset();
    assert.equal(assist.step(1, 0.04, 0), false);
  });
});
