/** What a frame of the mesh leaves to the collector: in a process of its own, where V8 knows one kind of array. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { Keyframe } from '../../web/keyframe.js';
import { MotionMesh } from '../../web/motion_mesh.js';
import { assertMakesNoObject, face } from './rig_face.js';

test('a frame makes no object', () => {
  const source = new URL('../../face/drawing.json', import.meta.url);
  const mesh = new MotionMesh(JSON.parse(readFileSync(source, 'utf8')));
  const keyframe = new Keyframe();
  const [one, two] = [face(), face({ pose: [1, 1, 1] })].map((x) => Float32Array.from(x));
  keyframe.take(one);
  let due = 0;
  assertMakesNoObject(() => {
    if (keyframe.isDue(two, Infinity)) due++;
    mesh.move(keyframe.landmarks, two);
  });
  assert.equal(due, 0);
});
