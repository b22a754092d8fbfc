/** The rig on faces: alone, over a person at any pose, and what of it is zero, a sum, an inverse, a turn. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Head, rotationOf } from '../../face/head.js';
import { Similarity, TrainingFrame } from '../../face/procrustes.js';
import { Calibration } from '../../web/rig/calibration.js';
import { EMOTIONS } from '../../web/rig/emotions.js';
import { Gaze } from '../../web/rig/gaze.js';
import { Rig } from '../../web/rig/rig.js';
import { turn } from '../../web/rig/sway.js';
import {
  apart,
  assertNear,
  expressions,
  face,
  flipped,
  framing,
  LENGTH,
  moved,
  person,
  randomPlacement,
  somewhere,
  stillRig,
} from './rig_face.js';

const frame = new TrainingFrame(framing);
const { names } = stillRig().channels;
const landmarks = () => new Float64Array(LENGTH);
/** A face on the canonical one's centimetres. */
const inTemplate = (points, placement = frame.placement(points)) =>
  placement.inverse(flipped(points));
const over = (rig, points, now = 0) => rig.over(points, now, landmarks());
/** Persons: one of a photograph, and the renderer's with expressions, anywhere. */
const people = () =>
  [person(), ...['joy', 'surprise', 'disgust'].map((mood) => face({ expression: expressions.emotions[mood] }))]
    .flatMap((one) => [one, ...Array.from({ length: 8 }, () => moved(one, randomPlacement()))]); // prettier-ignore
const randomWeights = () => Float64Array.from(names, () => somewhere(0, 0.9));

describe('at zero', () => {
  test('a person is left as they are, in every bit; alone there is the face at rest', () => {
    for (const one of people()) assert.deepEqual(over(stillRig(), one), one);
    assertNear(stillRig().alone(0, landmarks()), face(), 1e-12);
    assertNear(stillRig().alone(100000, landmarks()), face(), 1e-12);
  });

  test('the way to the canonical face and back is the identity, too', () => {
    for (const one of people()) {
      const rig = stillRig();
      rig.calibration.restore(Array(LENGTH).fill(0));
      assert.equal(rig.isStill, false);
      assertNear(over(rig, one), one);
    }
  });
});

describe('channels', () => {
  test('together are the sum of each, over persons at random poses', () => {
    for (const one of people()) {
      const weights = randomWeights();
      const rig = stillRig();
      const displacement = (given) => {
        rig.manual.set(given);
        return over(rig, one).map((x, i) => x - one[i]);
      };
      // What is limited is not a sum: a closed eye squints less.
      weights[names.indexOf('squint')] = 0;
      const all = displacement(weights);
      const sum = landmarks();
      names.forEach((_, i) => {
        const single = new Float64Array(names.length);
        single[i] = weights[i];
        displacement(single).forEach((x, at) => (sum[at] += x));
      });
      assert.ok(Math.max(...all) > 0.01);
      assertNear(all, sum);
    }
  });

  test('are the displacements of the renderer’s face, but for lids that glide on an eyeball', () => {
    // So far away that the picture has the canonical face's centimetres.
    const far = { pivot: [0, 0, 0], camera: { distance: 1e8, span: 1, center: [0, 0] } };
    const head = new Head(expressions, { ...framing, ...far });
    const shape = (expression) =>
      flipped(head.landmarks({ expression, gaze: [0, 0], pose: [0, 0, 0] }, landmarks()));
    const rest = shape({});
    const rig = stillRig();
    const { radius, centers } = expressions.eyes;
    const glides = (at) =>
      Object.values(centers).some(
        (center) => Math.hypot(...center.map((x, k) => rest[3 * at + k] - x)) < radius + 0.6,
      );
    for (const name of names) {
      const field = landmarks();
      rig.channels.add(rig.channels.weights({ [name]: 0.8 }), field, [1, 1]);
      const own = shape({ [name]: 0.8 });
      assert.ok(field.some((x) => Math.abs(x) > 0.1));
      for (let i = 0; i < LENGTH; i++) {
        const off = Math.abs(rest[i] + field[i] - own[i]);
        assert.ok(off < (glides(Math.floor(i / 3)) ? 0.4 : 2e-6), `${name}, ${i}: ${off}`);
      }
    }
  });

  test('keep a person’s pose, size and place: a displacement d is s R d of theirs', () => {
    for (let i = 0; i < 50; i++) {
      const rig = stillRig();
      rig.manual.set(randomWeights());
      const [one, placement] = [person(), randomPlacement()];
      const there = moved(one, placement);
      const acted = over(rig, there);
      // Undone, it is the acted face that was never moved.
      const back = flipped(placement.inverse(flipped(acted)));
      assertNear(back, over(rig, one));
      // On the canonical face it is what the channels say, whatever the pose.
      const seen = frame.placement(there);
      const field = landmarks();
      const template = inTemplate(there, seen);
      const openness = [0, 1].map((side) => rig.channels.openness(template, side));
      rig.channels.add(rig.weights, field, openness);
      const displaced = inTemplate(acted, seen).map((x, at) => x - template[at]);
      assertNear(displaced, field);
    }
  });

  test('a blink closes the lids of any eye, however far they are open', () => {
    for (const expression of [{}, { squint: 0.8 }, { blink_left: -0.2, blink_right: 0.4 }]) {
      const rig = stillRig();
      rig.manual.set(rig.channels.weights({ blink_left: 1, blink_right: 1 }));
      const before = face({ expression, pose: [5, 20, -10] });
      const after = over(rig, before);
      for (const side of [0, 1]) {
        assert.ok(rig.channels.openness(before, side) > 0.4);
        assert.ok(rig.channels.openness(after, side) < 0.25);
      }
    }
    const rig = stillRig();
    rig.manual.set(rig.channels.weights({ blink_left: 1, blink_right: 1 }));
    const closed = over(rig, person());
    for (const side of [0, 1]) assert.ok(rig.channels.openness(closed, side) < 0.25);
  });
});

describe('a sway', () => {
  const pose = [4, -9, 3];
  const rotation = rotationOf(pose);
  const swayed = (points) => {
    const out = points.slice();
    turn(out, frame.placement(points).forward(framing.pivot), rotation);
    return out;
  };

  test('before the alignment vanishes in it', () => {
    for (const one of people()) assertNear(inTemplate(swayed(one)), inTemplate(one), 1e-9);
  });

  test('after it, it appears: the person’s rotation is turned by it, and nothing else changes', () => {
    for (const one of people()) {
      const rig = stillRig();
      Object.assign(rig, { isLayered: true });
      Object.assign(rig.levels, { sway: 1 });
      over(rig, one, 0);
      const seen = frame.placement(one);
      const acted = over(rig, one, 3000);
      assert.ok(Math.hypot(...rig.pose) > 2);
      const after = frame.placement(acted);
      const expected = product(rotationOf(rig.pose), seen.rotation);
      assertNear(after.rotation, expected, 1e-9);
      assert.ok(Math.abs(after.scale / seen.scale - 1) < 1e-9);
      assertNear(after.forward(framing.pivot), seen.forward(framing.pivot), 1e-9);
      // Rigid: all distances stay. The eyes stay on what they look at.
      assertNear(inTemplate(acted).slice(0, 3 * 468), inTemplate(one).slice(0, 3 * 468));
    }
  });

  test('alone it is the camera’s pose', () => {
    const rig = stillRig();
    rig.levels.sway = 1;
    rig.levels.gaze = 1;
    rig.alone(0, landmarks());
    const points = rig.alone(2500, landmarks());
    assert.ok(Math.hypot(...rig.pose) > 2);
    assertNear(points, face({ pose: [...rig.pose], gaze: [...rig.gaze] }), 1e-12);
  });

  test('eyes stay on the viewer where they do not wander', () => {
    const rig = stillRig();
    rig.levels.sway = 1;
    for (let now = 0; now < 20000; now += 20) {
      rig.alone(now, landmarks());
      const [right, up] = rig.gaze;
      assert.ok(Math.abs(right * expressions.eyes.degrees[0] + rig.pose[1]) < 1e-9);
      const lifted = up * expressions.eyes.degrees[1];
      assert.ok(Math.abs(lifted - rig.pose[0]) < 1e-9);
    }
  });
});

function product(a, b) {
  return Float64Array.from({ length: 9 }, (_, i) =>
    [0, 1, 2].reduce((sum, k) => sum + a[3 * Math.floor(i / 3) + k] * b[3 * k + (i % 3)], 0),
  );
}

test('eye contact brings a person’s irises to where they look at the viewer', () => {
  for (const [pose, gaze] of [
    [
      [0, 0, 0],
      [0.8, -0.5],
    ],
    [
      [6, 12, 4],
      [0.5, 0.4],
    ],
    [
      [-5, -15, 0],
      [-0.7, 0.2],
    ],
  ]) {
    const rig = stillRig();
    rig.levels.contact = 1;
    const contact = [-pose[1] / expressions.eyes.degrees[0], pose[0] / expressions.eyes.degrees[1]];
    const goal = face({ pose, gaze: contact });
    const aside = face({ pose, gaze });
    const after = over(rig, aside);
    for (const iris of [468, 473]) {
      const off = (points) =>
        Math.hypot(points[3 * iris] - goal[3 * iris], points[3 * iris + 1] - goal[3 * iris + 1]);
      assert.ok(off(after) < 0.0025 && off(aside) > 0.004, `${off(after)}, ${off(aside)}`); // prettier-ignore
    }
    assert.deepEqual(after.slice(0, 3 * 468), aside.slice(0, 3 * 468));
  }
});

describe('a person’s neutral face', () => {
  const crooked = { expression: { frown: 0.4, brow_down: 0.5, blink_left: 0.2, blink_right: 0.2 } };
  const calibrated = () => {
    const rig = stillRig();
    rig.calibration.begin();
    for (let i = 0; i < 50; i++) {
      // They blink meanwhile, and turn their head.
      const closed = i > 20 && i < 27 ? 0.8 : 0.2;
      const expression = { ...crooked.expression, blink_left: closed, blink_right: closed };
      over(rig, face({ expression, pose: [0, i / 10, 0] }), i * 40);
    }
    assert.equal(rig.calibration.state, 'taken');
    return rig;
  };
  const { straight } = new Gaze(expressions);

  test('becomes the one at rest; what they show beside it stays', () => {
    const rig = calibrated();
    const neutral = frame.placement(face(crooked));
    const after = inTemplate(over(rig, face(crooked), 9000), neutral);
    assert.ok(apart(after, straight) < 0.12, `${apart(after, straight)}`);
    const smile = face({ expression: { ...crooked.expression, smile: 0.8 } });
    const smiled = inTemplate(over(rig, smile, 9100), frame.placement(smile));
    const mouth = 3 * 61 + 1;
    assert.ok(smiled[mouth] - after[mouth] > 0.4);
    for (const side of [0, 1]) {
      const openness = rig.channels.openness(over(rig, face(crooked), 9200), side);
      assert.ok(Math.abs(openness - 1) < 0.1, `${openness}`);
    }
  });

  test('is kept and given back; what is none is not taken', () => {
    const rig = calibrated();
    const kept = JSON.parse(JSON.stringify(rig.calibration.save()));
    const other = new Calibration(straight);
    other.restore(kept);
    assert.equal(other.state, 'taken');
    assertNear(other.offset, rig.calibration.offset, 1e-4);
    other.reset();
    assert.deepEqual([other.state, other.save()], ['none', []]);
    for (const broken of [undefined, null, {}, [1, 2], Array(LENGTH).fill('1'), Array(LENGTH).fill(NaN)]) {
      other.restore(broken);
      assert.equal(other.state, 'none');
    } // prettier-ignore
  });
});

describe('over a person', () => {
  const steps = function* (seconds, from = 0) {
    for (let now = from; now < from + 1000 * seconds; now += 40) yield now;
  };

  test('the rig blinks for those alone who do not, and says that it moves them then', () => {
    for (const blinks of [false, true]) {
      const rig = new Rig(expressions, framing);
      let [closed, moving] = [0, 0];
      for (const now of steps(60)) {
        const lids = blinks && now % 3000 < 160 ? 0.9 : 0;
        const one = face({ expression: { blink_left: lids, blink_right: lids } });
        over(rig, one, now);
        if (rig.weights[names.indexOf('blink_left')] > 0.5) closed++;
        if (rig.isMoving) moving++;
      }
      assert.equal(closed > 8, !blinks, `${closed}`);
      assert.equal(moving > closed, !blinks);
      rig.assists = false;
      rig.end();
      for (const now of steps(60, 60000)) over(rig, face(), now);
      assert.ok(rig.isStill);
    }
  });

  test('an emotion is added to what they show, at their pose', () => {
    const rig = stillRig();
    const one = face({ expression: { jaw: 0.4 }, pose: [0, 15, 0] });
    rig.emotions.feel({ joy: 1 });
    for (const now of steps(2)) over(rig, one, now);
    const acted = over(rig, one, 2000);
    const both = face({ expression: { jaw: 0.4, smile: 0.9 }, pose: [0, 15, 0] });
    // The corners of the mouth; the camera's perspective is all that differs.
    for (const corner of [61, 291])
      for (const k of [0, 1])
        assert.ok(Math.abs(acted[3 * corner + k] - both[3 * corner + k]) < 0.012);
    assertNear(frame.placement(acted).rotation, frame.placement(one).rotation, 0.05);
  });
});

test('what a rig does is the same for a seed, another for another', () => {
  const run = (seed) => {
    const rig = new Rig(expressions, framing, seed);
    rig.emotions.feel({ [EMOTIONS[seed % 8]]: 0.5 });
    const faces = [];
    for (let now = 0; now < 20000; now += 250) faces.push([...rig.alone(now, landmarks())]);
    return faces;
  };
  assert.deepEqual(run(1), run(1));
  assert.notDeepEqual(run(1)[40], run(9)[40]);
});
