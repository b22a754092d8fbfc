/**
 * Says where the time of a frame goes.
 *
 * @import {Step} from './gpu.js'
 * @import {Program} from './program.js'
 * @typedef {{name: string, op: string, ms: number, share: number, macs: number}} Row  of a kernel; or of the
 *   whole frame, whose op is `frame`, where the device has no timestamps
 * @typedef {{by: 'timestamps' | 'wall clock', ms: number, rows: Row[]}} Profile  ms of a frame
 */
import { checked, MAP_READ, recordSteps, runSteps, stagingBuffer } from './gpu.js';

// Browsers give timestamps in steps of up to 65 us.
const ENOUGH_NS = 2e6;
const MOST_REPEATS = 1 << 14;
const FRAMES = 20;
const FRAMES_MS = 1000;

/**
 * Times the kernels one by one; without timestamps, whole frames. What they compute is not read.
 *
 * @param {Program} program
 * @returns {Promise<Profile>}
 */
export async function profileOf(program) {
  const hasTimestamps = program.device.features.has('timestamp-query');
  const rows = await (hasTimestamps ? kernelRows : frameRows)(program);
  const ms = rows.reduce((sum, row) => sum + row.ms, 0);
  for (const row of rows) row.share = row.ms / ms;
  return { by: hasTimestamps ? 'timestamps' : 'wall clock', ms, rows };
}

/**
 * @param {Program} program
 * @returns {Promise<Row[]>}
 */
async function kernelRows({ device, steps, selfTest }) {
  const { macs } = await selfTest();
  const queries = device.createQuerySet({ type: 'timestamp', count: 2 });
  const resolved = device.createBuffer({ size: 16, usage: 0x200 | 0x4 });
  const staging = stagingBuffer(device, 16);
  const timed = (/** @type {Step[]} */ repeated) =>
    checked(device, 'The profile failed', async () => {
      const encoder = device.createCommandEncoder();
      recordSteps(encoder, repeated, {
        querySet: queries,
        beginningOfPassWriteIndex: 0,
        endOfPassWriteIndex: 1,
      });
      encoder.resolveQuerySet(queries, 0, 2, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, 16);
      device.queue.submit([encoder.finish()]);
      await staging.mapAsync(MAP_READ);
      const [start, end] = new BigUint64Array(staging.getMappedRange().slice(0));
      staging.unmap();
      return Number(end - start);
    });
  const rows = [];
  try {
    for (const [i, step] of steps.entries()) {
      let repeats = 1;
      let ns = await timed([step]);
      while (ns < ENOUGH_NS && repeats < MOST_REPEATS) {
        const wanted = ns > 0 ? Math.ceil((1.2 * repeats * ENOUGH_NS) / ns) : Infinity;
        repeats = Math.min(wanted, 16 * repeats, MOST_REPEATS);
        ns = await timed(Array(repeats).fill(step));
      }
      const { name, op } = step.kernel;
      rows.push({ name, op, ms: Math.max(0, ns) / repeats / 1e6, share: 0, macs: macs[i] });
    }
  } finally {
    for (const one of [queries, resolved, staging]) one.destroy();
  }
  return rows;
}

/**
 * @param {Program} program
 * @returns {Promise<Row[]>}
 */
async function frameRows({ device, steps, model, selfTest }) {
  const test = await selfTest();
  const staging = stagingBuffer(device, 4);
  const times = [];
  try {
    const end = performance.now() + FRAMES_MS;
    while (times.length < 3 || (times.length < FRAMES && performance.now() < end)) {
      const start = performance.now();
      await runSteps(device, 'The profile failed', { writes: [], steps }, [], staging);
      await device.queue.onSubmittedWorkDone();
      times.push(performance.now() - start);
    }
  } finally {
    staging.destroy();
  }
  const ms = times.sort((a, b) => a - b)[times.length >> 1];
  const macs = test.macs.reduce((sum, one) => sum + one, 0);
  return [{ name: model.name, op: 'frame', ms, share: 0, macs }];
}
