/**
 * What the live page shows of landmarks: node tests/js/face_chain.js FACES SHOWN [LIKENESS]
 *
 * FACES: for each picture f32[2 + 478 * 3]: its time in milliseconds, its aspect, its landmarks, which are NaN where
 * there is no face. SHOWN: for each f32[1 + 478 * 3]: the state (0 idle, 1 live, 2 held), the face of that moment.
 */
import { readFileSync, writeFileSync } from 'node:fs';

import { Actor } from '../../web/actor.js';

const LENGTH = 478 * 3;
const STATES = ['idle', 'live', 'held'];
const read = (file) => JSON.parse(readFileSync(new URL(`../../face/${file}`, import.meta.url)));
const [source, target, likeness] = process.argv.slice(2);
const { buffer, byteOffset, byteLength } = readFileSync(source);
const faces = new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
const count = faces.length / (LENGTH + 2);
const { director, follower, shape } = new Actor(read('expressions.json'), read('framing.json'));
shape.likeness = Number(likeness ?? 0);
const shown = new Float32Array(count * (LENGTH + 1));
for (let i = 0; i < count; i++) {
  const [time, aspect, ...numbers] = faces.subarray(i * (LENGTH + 2), (i + 1) * (LENGTH + 2));
  const landmarks = Number.isNaN(numbers[0]) ? undefined : Float32Array.from(numbers);
  follower.follow({ time, aspect, landmarks }, time);
  const start = i * (LENGTH + 1);
  director.landmarks(time, shown.subarray(start + 1, start + 1 + LENGTH));
  shown[start] = STATES.indexOf(director.state);
}
writeFileSync(target, new Uint8Array(shown.buffer));
