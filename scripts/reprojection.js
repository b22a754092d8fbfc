/**
 * Shows clips of pictures as the live page does between frames of the generator: node scripts/reprojection.js FOLDER
 *
 * FOLDER has jobs.json, a list of jobs, and for each of n frames NAME.landmarks, f32[n, 478, 3].
 *
 * - {name, every, limits, slack}: written to NAME.json is which frames are the generator's; limits are those of
 *   web/keyframe.js, or others, and wider by `slack`.
 * - {name, every, limits, slack, shown}: beside, of the generator's pictures NAME.pictures, u8[n, 256, 256, 3], what the
 *   display shows is written to NAME.shown, the same.
 * - {name, lag}: written to NAME.mesh is f32[n, v, 4], the mesh that has moved to each frame from the one `lag` before,
 *   the first of which have not moved; and its triangles to triangles.u16.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { createSession } from '../runtime_js/runtime.js';
import { texels, textureOf } from '../tests/js/display.js';
import { pictureModel } from '../tests/js/fixture.js';
import { fixtureFolder, nodeAdapter } from '../tests/js/host.js';
import { Keyframe, LIMITS } from '../web/keyframe.js';
import { MotionMesh } from '../web/motion_mesh.js';
import { Reprojector } from '../web/reprojector.js';

const SIDE = 256;
const AREA = SIDE * SIDE;
const LENGTH = 478 * 3;
const LOOK = { scaling: 'bicubic', sharpness: 0 };

const [folder] = process.argv.slice(2);
const bytesOf = (file) => readFileSync(join(folder, file));
const specification = JSON.parse(
  readFileSync(new URL('../face/drawing.json', import.meta.url), 'utf8'),
);

// Its picture is its input.
const session = await createSession(fixtureFolder(pictureModel(3, SIDE, SIDE)), {
  adapter: nodeAdapter,
});
const mesh = new MotionMesh(specification);
const reprojector = new Reprojector(session, SIDE);
const target = textureOf(session.device, SIDE, SIDE);

/** The landmarks of each frame. */
function faces(name) {
  const { buffer, byteOffset, byteLength } = bytesOf(`${name}.landmarks`);
  const all = new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
  return Array.from({ length: all.length / LENGTH }, (_, i) =>
    all.subarray(i * LENGTH, (i + 1) * LENGTH),
  );
}

/** f32[3, 256, 256] in [-1, 1] of u8[256, 256, 3]. */
function tensorOf(picture) {
  const tensor = new Float32Array(3 * AREA);
  for (let i = 0; i < AREA; i++)
    for (let c = 0; c < 3; c++) tensor[c * AREA + i] = picture[3 * i + c] / 127.5 - 1;
  return tensor;
}

/** Which frames are the generator's. */
function decide({ name, every, limits, slack }) {
  const keyframe = new Keyframe({ ...LIMITS, ...limits });
  const due = faces(name).map((face) => {
    const isDue = keyframe.isDue(face, every, slack);
    if (isDue) keyframe.take(face);
    return isDue;
  });
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(due));
  return due;
}

async function show(job) {
  const due = decide(job);
  const all = faces(job.name);
  const pictures = bytesOf(`${job.name}.pictures`);
  const result = new Uint8Array(3 * AREA * all.length);
  let last = all[0];
  for (const [i, face] of all.entries()) {
    if (due[i]) {
      await session.run({ x: tensorOf(pictures.subarray(3 * AREA * i, 3 * AREA * (i + 1))) });
      await session.toTexture(target, LOOK);
      await reprojector.keep(mesh);
      last = face;
    } else {
      mesh.move(last, face);
      reprojector.show(mesh, target, LOOK.sharpness);
    }
    const bytes = await texels(session.device, target);
    for (let j = 0; j < AREA; j++)
      for (let c = 0; c < 3; c++) result[3 * (AREA * i + j) + c] = bytes[4 * j + c];
  }
  writeFileSync(join(folder, `${job.name}.shown`), result);
}

function place({ name, lag }) {
  const all = faces(name);
  const moved = all.map((face, i) => {
    mesh.move(all[Math.max(0, i - lag)], face);
    return Buffer.from(mesh.vertices.slice().buffer);
  });
  writeFileSync(join(folder, `${name}.mesh`), Buffer.concat(moved));
  writeFileSync(join(folder, 'triangles.u16'), new Uint8Array(mesh.indices.buffer));
}

for (const job of JSON.parse(bytesOf('jobs.json')))
  if (job.lag) place(job);
  else if (job.shown) await show(job);
  else decide(job);
session.destroy();
