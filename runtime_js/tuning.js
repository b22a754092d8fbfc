/**
 * Chooses among a device's variants by the time that frames take.
 *
 * @import {Choice} from './gpu.js'
 * @import {Program} from './program.js'
 * @import {Stage} from './stage.js'
 * @typedef {{dot: string, ms: Record<string, number>}} Tuning  the variant of `dot` that was chosen, and the
 *   milliseconds a frame of each that is exact here
 */
import { runSteps, stagingBuffer } from './gpu.js';
import { testStage } from './self_test.js';

const ROUNDS = 9;
const LEAST_ROUNDS = 3;
const ROUNDS_MS = 1500;

/**
 * Times whole frames of stages with each variant of `dot`, in turns. What does not compile on this device, or is
 * not exact, is no candidate.
 *
 * @param {Stage} stage
 * @param {(choice: Choice) => Promise<Stage>} [remake] makes a stage of other variants, on the same device
 * @returns {Promise<{tuning: Tuning, chosen: Stage}>} the fastest, and a new stage to go on with in the place of the
 *   old, if that is faster
 */
export async function tuneStage(stage, remake) {
  const { requantize, dot: own } = stage.variants;
  /** @type {Stage[]} */
  const stages = [];
  let chosen = stage;
  try {
    for (const dot of Object.keys(stage.program.model.snippets.dot)) {
      const one = dot === own ? stage : await remake?.({ dot, requantize }).catch(() => undefined);
      if (!one) continue;
      stages.push(one);
      if ((await testStage(one)).report.ok) continue;
      stages.pop();
      if (one !== stage) one.release();
    }
    const times = stages.length ? await timesOf(stages.map(({ program }) => program)) : [];
    chosen = stages[times.indexOf(Math.min(...times))] ?? stage;
    const ms = Object.fromEntries(stages.map(({ variants }, i) => [variants.dot, times[i]]));
    const { variants } = chosen;
    const told = Object.entries(ms).map(([dot, time]) => `${dot} ${time.toFixed(2)}`);
    if (told.length > 1) variants.why.dot = `the fastest here, ms a frame: ${told.join(', ')}`;
    return { tuning: { dot: variants.dot, ms }, chosen };
  } finally {
    for (const one of stages) if (one !== stage && one !== chosen) one.release();
  }
}

/**
 * The median milliseconds of a frame of each program, taken in turns.
 *
 * @param {Program[]} programs
 */
async function timesOf(programs) {
  const [{ device }] = programs;
  const staging = stagingBuffer(device, 4);
  const times = programs.map(() => /** @type {number[]} */ ([]));
  try {
    const end = performance.now() + ROUNDS_MS * programs.length;
    for (let round = 0; round <= ROUNDS; round++) {
      if (round > LEAST_ROUNDS && performance.now() > end) break;
      for (const [i, { steps }] of programs.entries()) {
        const start = performance.now();
        await runSteps(device, 'The tuning failed', { writes: [], steps }, [], staging);
        await device.queue.onSubmittedWorkDone();
        // The first round warms up.
        if (round) times[i].push(performance.now() - start);
      }
    }
  } finally {
    staging.destroy();
  }
  return times.map((each) => each.sort((a, b) => a - b)[each.length >> 1]);
}
