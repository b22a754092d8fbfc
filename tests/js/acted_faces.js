/**
 * What the rig makes of a person's face: node tests/js/acted_faces.js FACE SHOWN
 *
 * FACE: f32[1 + 478 * 3]: the picture's aspect and the landmarks in it. SHOWN: f32[4, 478 * 3 + 3]: that face as it is,
 * with a blink, surprised, and with its head swaying; each with the pitch, yaw and roll of that sway in degrees.
 */
import { readFileSync, writeFileSync } from 'node:fs';

import { TrainingFrame } from '../../face/procrustes.js';
import { FaceShape } from '../../face/shape.js';
import { expressions, framing, LENGTH, stillRig } from './rig_face.js';

const [source, target] = process.argv.slice(2);
const { buffer, byteOffset } = readFileSync(source);
const [aspect, ...landmarks] = new Float32Array(buffer.slice(byteOffset), 0, 1 + LENGTH);
const person = new TrainingFrame(framing).place(landmarks, aspect);
new FaceShape(expressions, framing).apply(person, 0);
const blink = { blink_left: 1, blink_right: 1 };
const shown = [{}, blink, expressions.emotions.surprise, {}].flatMap((expression, i) => {
  const rig = stillRig();
  rig.manual.set(rig.channels.weights(expression));
  if (i === 3) {
    rig.isLayered = true;
    rig.levels.sway = 1;
    rig.over(person, 0, new Float32Array(LENGTH));
  }
  return [...rig.over(person, 2500, new Float32Array(LENGTH)), ...rig.pose];
});
writeFileSync(target, new Uint8Array(Float32Array.from(shown).buffer));
