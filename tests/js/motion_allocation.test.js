/** What a frame of the mesh leaves to the collector: in a process of its own, where V8 knows one kind of array. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { Keyframe } from '../../web/keyframe.js';
import { MotionMesh } from '../../web/motion_mesh.js';
import { face } from './rig_face.js';

test('a frame makes no object', () => {
  const source = new URL('../../face/drawing.json', import.meta.url);
  const mesh = new MotionMesh(JSON.parse(readFileSync(source, 'utf8')));
  const keyframe = new Keyframe();
  const [one, two] = [face(), face({ pose: [1, 1, 1] })].map((x) => Float32Array.from(x));
  keyframe.take(one);
  let due = 0;
  const run = (frames) => {
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < frames; i++) {
      if (keyframe.isDue(two, Infinity)) due++;
      mesh.move(keyframe.landmarks, two);
    }
    return process.memoryUsage().heapUsed - before;
  };
  run(8000);
  const bytes = Math.min(...Array.from({ length: 10 }, () => Math.abs(run(500)))) / 500;
  assert.ok(bytes < 400, `${bytes} bytes a frame`);
  assert.equal(due, 0);
});
