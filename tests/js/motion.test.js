/** Fewer frames of the generator: when one is due, the mesh that moves the last, and what the device draws. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { readFileSync } from 'node:fs';

import { createSession } from '../../runtime_js/runtime.js';
import { Keyframe } from '../../web/keyframe.js';
import { MotionMesh } from '../../web/motion_mesh.js';
import { MOST, Pace, REST_MS, SLACK, WINDOW } from '../../web/pace.js';
import { Reprojector } from '../../web/reprojector.js';
import { IGNORED_MS } from '../../web/tuning.js';
import { apart, blocks, smooth, texels, textureOf, values } from './display.js';
import { pictureModel } from './fixture.js';
import { fixtureFolder, nodeAdapter } from './host.js';
import { face, LENGTH, somewhere } from './rig_face.js';

const specification = JSON.parse(
  readFileSync(new URL('../../face/drawing.json', import.meta.url), 'utf8'),
);
const REST = face();
const FACE = 468;
const RING = 36;
const STILL = FACE + RING;
const BORDER = 1.5;

/** A head as the page has it usually, at rest or with open mouth. */
const posed = () => ({
  pose: [somewhere(-20, 20), somewhere(-35, 35), somewhere(-15, 15)],
  expression: { jaw: somewhere(0, 1), puff: somewhere(0, 1), brow_up: somewhere(0, 1) },
});
/** It a moment later, nearly as far on as a mesh may go. */
const later = ({ pose, expression }) => ({
  pose: pose.map((angle) => angle + somewhere(-3, 3)),
  expression,
});
/** Twice the area of a triangle, by positions or by texture coordinates. */
function areaOf({ vertices, indices }, triangle, offset = 0) {
  const [[ax, ay], [bx, by], [cx, cy]] = [0, 1, 2].map((k) => {
    const at = 4 * indices[3 * triangle + k] + offset;
    return [vertices[at], vertices[at + 1]];
  });
  return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
}
const triangles = ({ indices }) => Array.from({ length: indices.length / 3 }, (_, i) => i);
/** How many corners of a triangle are the face's. */
const ofFace = ({ indices }, triangle) =>
  [0, 1, 2].filter((k) => indices[3 * triangle + k] < FACE).length;

describe('the mesh', () => {
  const mesh = new MotionMesh(specification);

  test('has the face’s 898 triangles, and each edge of each once in either direction', () => {
    const all = triangles(mesh);
    assert.equal(all.filter((one) => ofFace(mesh, one) === 3).length, 898);
    const edges = new Set();
    for (let i = 0; i < mesh.indices.length; i += 3)
      for (let k = 0; k < 3; k++) {
        const edge = `${mesh.indices[i + k]} ${mesh.indices[i + ((k + 1) % 3)]}`;
        assert.ok(!edges.has(edge), edge);
        edges.add(edge);
      }
    const open = [...edges].filter((edge) => !edges.has(edge.split(' ').reverse().join(' ')));
    // What has no other side is the border: 36 points and 4 corners.
    assert.equal(open.length, RING + 4);
    assert.ok(open.every((edge) => edge.split(' ').every((point) => point >= STILL)));
  });

  test('leaves a picture as it is where no landmark has moved', () => {
    for (let i = 0; i < 20; i++) {
      const landmarks = face(posed());
      mesh.move(landmarks, landmarks);
      for (let at = 0; at < mesh.vertices.length; at += 4) {
        assert.equal(mesh.vertices[at], mesh.vertices[at + 2]);
        assert.equal(mesh.vertices[at + 1], mesh.vertices[at + 3]);
      }
    }
  });

  test('moves the face with its landmarks, the hair with the head, what is around never', () => {
    const now = face({ pose: [0, 0, 6] });
    mesh.move(REST, now);
    for (let i = 0; i < FACE; i++)
      for (let k = 0; k < 2; k++) {
        assert.equal(mesh.vertices[4 * i + k], Math.fround(now[3 * i + k]));
        assert.equal(mesh.vertices[4 * i + 2 + k], Math.fround(REST[3 * i + k]));
      }
    const [top, low] = [0, RING / 2].map((i) => mesh.vertices.subarray(4 * (FACE + i)));
    // It tilts to the viewer's left around the neck; the body does not.
    assert.ok(top[0] < top[2] - 0.03, `${top.slice(0, 4)}`);
    assert.ok(Math.abs(low[0] - low[2]) < 1e-6, `${low.slice(0, 4)}`);
    for (let i = STILL; i < mesh.vertices.length / 4; i++) {
      const [x, y, u, v] = mesh.vertices.subarray(4 * i);
      assert.ok(x === u && y === v, `${i}`);
      if (i >= STILL + RING)
        assert.ok(Math.abs(Math.max(Math.abs(x - 0.5), Math.abs(y - 0.5)) - BORDER / 2) < 1e-6);
    }
  });

  test('covers the picture, and folds nowhere around the head, in the usual poses', () => {
    for (let i = 0; i < 200; i++) {
      const before = posed();
      mesh.move(face(before), face(later(before)));
      for (const offset of [0, 2]) {
        const areas = triangles(mesh).map((one) => areaOf(mesh, one, offset));
        // A sheet whose border lies around the picture covers all of it, front side up.
        assert.ok(Math.abs(areas.reduce((a, b) => a + b) / 2 - BORDER ** 2) < 1e-5);
        const folded = areas.filter((area, one) => area <= 0 && !ofFace(mesh, one));
        assert.deepEqual(folded, [], JSON.stringify(before));
      }
    }
  });

  test('folds the face only where it turns away', () => {
    for (let i = 0; i < 50; i++) {
      const before = { ...posed(), expression: {} };
      mesh.move(face(before), face(later(before)));
      const ofAll = triangles(mesh).filter((one) => ofFace(mesh, one) === 3);
      const seen = ofAll.filter((one) => areaOf(mesh, one, 2) > 1e-5);
      assert.ok(seen.length > 700);
      const folded = seen.filter((one) => areaOf(mesh, one) < -1e-5);
      assert.ok(folded.length < 0.02 * seen.length, `${folded.length} of ${seen.length}`);
    }
  });
});

describe('a frame of the generator is due', () => {
  const taken = (landmarks = REST) => {
    const keyframe = new Keyframe();
    keyframe.take(landmarks);
    return keyframe;
  };

  test('first, after so many, and when the last is forgotten', () => {
    const keyframe = new Keyframe();
    assert.ok(keyframe.isDue(REST, 4));
    for (const every of [1, 2, 3, 4]) {
      keyframe.take(REST);
      const due = Array.from({ length: every }, () => keyframe.isDue(REST, every));
      assert.deepEqual(due, [...Array(every - 1).fill(false), true]);
    }
    keyframe.take(REST);
    keyframe.forget();
    assert.ok(keyframe.isDue(REST, 4));
  });

  for (const [what, least, most] of [
    ['mouth', { jaw: 0.05 }, { jaw: 0.3 }],
    ['left lid', { blink_left: 0.05 }, { blink_left: 0.4 }],
    ['right lid', { blink_right: 0.05 }, { blink_right: 0.4 }],
  ])
    test(`when the ${what} opens or closes, not when it hardly does`, () => {
      const changed = face({ expression: most });
      assert.ok(!taken().isDue(face({ expression: least }), 4));
      assert.ok(taken().isDue(changed, 4));
      assert.ok(taken(changed).isDue(REST, 4));
    });

  test('when the eyes look elsewhere, which no mesh shows', () => {
    assert.ok(!taken().isDue(face({ gaze: [0.05, 0] }), 4));
    for (const gaze of [
      [0.6, 0],
      [0, -0.6],
    ])
      assert.ok(taken().isDue(face({ gaze }), 4), `${gaze}`);
  });

  test('when the head has turned far, not while it does slowly', () => {
    for (let k = 0; k < 3; k++) {
      const turned = (angle) => face({ pose: [0, 1, 2].map((i) => (i === k ? angle : 0)) });
      assert.ok(!taken().isDue(turned(1), 4));
      assert.ok(taken().isDue(turned(8), 4));
    }
  });

  test('later, where limits are wider; but no later than each so many', () => {
    const [open, turned] = [{ expression: { jaw: 0.3 } }, { pose: [0, 5, 0] }].map(face);
    for (const changed of [open, turned]) {
      assert.ok(taken().isDue(changed, 4));
      assert.ok(!taken().isDue(changed, 4, SLACK));
      assert.ok(taken().isDue(changed, 1, SLACK));
    }
  });
});

describe('the generator is spared', () => {
  const STRONG = 25;
  const MOVED = 3;

  /**
   * What a device decides on that takes so many milliseconds for a frame of the generator, until a time; of the
   * frames a share is due before its turn.
   */
  function run(pace, ms, until, { from = 0, interval = STRONG, due = () => false } = {}) {
    const changes = [];
    for (let now = from, i = 0; now < until; i++) {
      const isMade = i % pace.every === 0 || due(i);
      const cost = isMade ? ms : MOVED;
      now += Math.max(cost, interval);
      if (pace.measured(cost, isMade, interval, now)) changes.push(pace.every);
    }
    return changes;
  }

  test('not while there are frames enough, nor in the first seconds', () => {
    assert.deepEqual(run(new Pace(), 40, 60000), []);
    assert.deepEqual(run(new Pace(), 300, IGNORED_MS), []);
  });

  test('as far as it must be, within a second or two of frames, and stays so', () => {
    for (const [ms, every] of [
      [60, 2],
      [110, 3],
      [150, 4],
      [900, MOST],
    ]) {
      const pace = new Pace();
      run(pace, ms, IGNORED_MS + 3 * (WINDOW + 4) * ms);
      assert.equal(pace.every, every, `${ms} ms`);
      assert.deepEqual(run(pace, ms, 200000, { from: 100000 }), [], `${ms} ms`);
    }
  });

  test('soon also where frames are few', () => {
    const pace = new Pace();
    run(pace, 500, IGNORED_MS + 12000);
    assert.equal(pace.every, MOST);
  });

  test('less again when there is time, step by step, and not to and fro', () => {
    const pace = new Pace();
    run(pace, 150, 30000);
    assert.equal(pace.every, MOST);
    assert.deepEqual(run(pace, 10, 30000 + REST_MS, { from: 30000 }), [3]);
    assert.deepEqual(run(pace, 10, 60000, { from: 30000 + REST_MS }), [2, 1]);
    for (let ms = 5; ms < 200; ms += 5) {
      const changes = run(new Pace(), ms, 240000);
      assert.deepEqual(changes, changes.toSorted(), `${ms} ms`);
    }
  });

  test('where every frame is due, the time that they take is known, and nothing flips', () => {
    const pace = new Pace();
    assert.deepEqual(run(pace, 60, 60000, { due: () => true }), [2, 3, 4]);
    assert.deepEqual(run(pace, 10, 90000, { from: 60000, due: () => true }), [3, 2, 1]);
  });

  test('not for one frame that takes long', () => {
    const pace = new Pace();
    for (let i = 0; i < 100 * WINDOW; i++)
      assert.ok(!pace.measured(i % WINDOW === 5 ? 5000 : 30, true, STRONG, 100 * i));
  });

  test('only as far as the frames that are asked for need it', () => {
    assert.deepEqual(run(new Pace(), 90, 60000, { interval: 100 }), []);
    assert.deepEqual(run(new Pace(), 90, 60000, { interval: 50 }), [2]);
  });
});

describe('on the device', () => {
  const SIDE = 64;
  const open = [];
  after(() => open.forEach((session) => session.destroy()));

  /** A session that has made a picture, of which a reprojector has kept it. */
  async function shown(value) {
    const session = await createSession(fixtureFolder(pictureModel(3, SIDE, SIDE)), {
      adapter: nodeAdapter,
    });
    open.push(session);
    await session.run({ x: values(3, SIDE, SIDE, value) });
    const mesh = new MotionMesh(specification);
    const reprojector = new Reprojector(session, SIDE);
    await reprojector.keep(mesh);
    return { session, mesh, reprojector };
  }
  const shifted = (landmarks, x, y) =>
    Float64Array.from(landmarks, (value, i) => value + [x, y, 0][i % 3]);

  for (const [name, value] of Object.entries({ smooth, blocks }))
    for (const [format, size] of [
      ['rgba8unorm', 64],
      ['bgra8unorm', 150],
    ])
      test(`a face at rest is shown as a frame is: ${name}, ${format}, ${size}`, async () => {
        const { session, mesh, reprojector } = await shown(value);
        const [one, two] = [0, 1].map(() => textureOf(session.device, size, size, { format }));
        await session.toTexture(one, { scaling: 'bicubic', sharpness: 0.5 });
        mesh.move(REST, REST);
        reprojector.show(mesh, two, 0.5);
        const pictures = [];
        for (const texture of [one, two]) pictures.push(await texels(session.device, texture));
        assert.ok(apart(...pictures).most <= 1);
      });

  test('a face that moves takes its pixels along, and leaves the border', async () => {
    const { session, mesh, reprojector } = await shown(smooth);
    const texture = textureOf(session.device, SIDE, SIDE);
    const picture = async (x, y) => {
      mesh.move(REST, shifted(REST, x / SIDE, y / SIDE));
      reprojector.show(mesh, texture, 0);
      return texels(session.device, texture);
    };
    const [before, moved] = [await picture(0, 0), await picture(2, -1)];
    const at = (pixels, x, y) => pixels.subarray(4 * (y * SIDE + x), 4 * (y * SIDE + x) + 3);
    // Over nose and cheeks, a whole number of pixels; below, where the body is, none.
    for (let y = 24; y < 44; y++)
      for (let x = 24; x < 40; x++)
        assert.ok(apart(at(moved, x, y), at(before, x - 2, y + 1)).most <= 1, `${x}, ${y}`);
    for (const [x, y] of [
      [0, 63],
      [63, 63],
    ])
      assert.ok(apart(at(moved, x, y), at(before, x, y)).most <= 1, `${x}, ${y}`);
  });

  test('on another device, after a loss, it keeps the pictures of that one', async () => {
    const { session, mesh, reprojector } = await shown(smooth);
    session.device.destroy();
    await session.lost;
    await session.run({ x: values(3, SIDE, SIDE, blocks) });
    await reprojector.keep(mesh);
    const [one, two] = [0, 1].map(() => textureOf(session.device, SIDE, SIDE));
    await session.toTexture(one, { scaling: 'bicubic', sharpness: 1 });
    mesh.move(REST, REST);
    reprojector.show(mesh, two, 1);
    const pictures = [];
    for (const texture of [one, two]) pictures.push(await texels(session.device, texture));
    assert.ok(apart(...pictures).most <= 1);
  });

  test('without a picture there is none to move', async () => {
    const session = await createSession(fixtureFolder(pictureModel(3, 8, 8)), {
      adapter: nodeAdapter,
    });
    open.push(session);
    const reprojector = new Reprojector(session, 8);
    const texture = textureOf(session.device, 8, 8);
    assert.throws(() => reprojector.show(new MotionMesh(specification), texture, 1), /unkept/);
  });
});

assert.equal(REST.length, LENGTH);
