/**
 * Replays the test vectors of an artifact on the user's own device.
 *
 * @import {Input, Model, Store, Values} from './artifact.js'
 * @import {Step, Write} from './gpu.js'
 * @import {Program} from './program.js'
 * @typedef {{name: string, ok: boolean}} Verdict
 */
import { ARRAYS, elements, sha256 } from './artifact.js';
import { ArtifactError } from './errors.js';
import { bound, runSteps, stagingBuffer } from './gpu.js';
import { frameOf, runFrame } from './program.js';

/**
 * Runs the seeded inputs kernel by kernel, then as a frame, and compares every checksum.
 *
 * @param {Program} program
 * @returns {Promise<{kernels: Verdict[], outputs: Verdict[]}>}
 */
export async function runSelfTest(program) {
  const { device, model, buffers } = program;
  const { self_test: test, kernels } = model;
  if (test.kernels.includes('none')) {
    throw new ArtifactError(
      'The artifact was compiled with --no-self-test: compile it again without.',
    );
  }
  const inputs = testInputs(model);
  const frame = frameOf(program, inputs);
  const size = Math.max(...kernels.map(({ stores }) => stores.reduce((n, s) => n + span(s), 0)));
  const staging = stagingBuffer(device, size);
  /** @type {Verdict[]} */
  const verdicts = [];
  /** @type {(name: string, writes: Write[], step: Step, expected: string) => Promise<void>} */
  const compare = async (name, writes, step, expected) => {
    const { stores } = step.kernel;
    const copies = stores.map((store) => ({
      buffer: bound(buffers, store.buffer),
      offset: 4 * store.offset,
      bytes: span(store),
    }));
    const one = { writes, steps: [step] };
    const bytes = await runSteps(device, `Kernel ${name}`, one, copies, staging);
    const digest = await sha256(gather(new Uint32Array(bytes), stores));
    verdicts.push({ name, ok: fits(digest, expected) });
  };
  try {
    for (const [i, { name }] of kernels.entries())
      await compare(name, i ? [] : frame.writes, frame.steps[i], test.kernels[i]);
    for (const [k, { name, image }] of model.inputs.entries()) {
      if (!image) continue;
      const [width, height] = image.size;
      const data = Uint8ClampedArray.from(testBytes(4 * height * width, test.seed + k));
      const { writes, steps } = frameOf(program, { ...inputs, [name]: { data, width, height } });
      await compare(`${name} (picture)`, writes, steps[image.replaces], test.pictures[name]);
    }
  } finally {
    staging.destroy();
  }
  const outputs = [];
  for (const [name, values] of Object.entries(await runFrame(program, frame))) {
    const digest = await sha256(/** @type {Values & BufferSource} */ (values));
    outputs.push({ name, ok: fits(digest, test.outputs[name]) });
  }
  return { kernels: verdicts, outputs };
}

/**
 * Whether a digest is the expected one; what devices round in their own ways has 'float' instead.
 *
 * @param {string} digest
 * @param {string} expected
 */
function fits(digest, expected) {
  return expected === 'float' || digest.slice(0, 16) === expected;
}

/**
 * The bytes from the first word that a store writes to the last.
 *
 * @param {Store} store
 */
function span({ rows, pitch, width }) {
  return rows && 4 * ((rows - 1) * pitch + width);
}

/**
 * The words of each store's rows, without what lies between the rows.
 *
 * @param {Uint32Array} words the spans of the stores, one after the other
 * @param {Store[]} stores
 */
function gather(words, stores) {
  const rows = new Uint32Array(stores.reduce((n, store) => n + store.rows * store.width, 0));
  let start = 0;
  let end = 0;
  for (const store of stores) {
    for (let row = 0; row < store.rows; row++, end += store.width) {
      const first = start + row * store.pitch;
      rows.set(words.subarray(first, first + store.width), end);
    }
    start += span(store) / 4;
  }
  return rows;
}

/**
 * The seeded inputs, as docs/artifact.md defines them.
 *
 * @param {Model} model
 * @returns {Record<string, Values>}
 */
function testInputs({ inputs, self_test: { seed, inputs: ranges } }) {
  return Object.fromEntries(
    inputs.map((input, k) => [input.name, testInput(input, seed + k, ranges[input.name])]),
  );
}

/**
 * @param {Input} input
 * @param {number} seed
 * @param {{low: number, high: number}} range of float values
 */
function testInput(input, seed, { low, high } = { low: 0, high: 1 }) {
  const { dtype } = input;
  const values = new ARRAYS[dtype](elements(input));
  for (let i = 0; i < values.length; i++) {
    const h = hash(i, seed);
    const whole = h & (dtype === 'bool' ? 1 : 255);
    const value = dtype === 'float32' ? low + ((high - low) * h) / 16777216 : whole;
    values[i] = /** @type {never} */ (dtype === 'int64' ? BigInt(value) : value);
  }
  return values;
}

/**
 * @param {number} count
 * @param {number} seed
 */
function testBytes(count, seed) {
  return Uint8Array.from({ length: count }, (_, i) => hash(i, seed));
}

/**
 * 24 bits for element i.
 *
 * @param {number} i
 * @param {number} seed
 */
function hash(i, seed) {
  let h = Math.imul(i, 0x9e3779b1) + Math.imul(seed, 0x85ebca77);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return (h ^ (h >>> 15)) >>> 8;
}
