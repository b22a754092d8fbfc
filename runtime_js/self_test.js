/**
 * Replays the test vectors of an artifact on the user's own device.
 *
 * @import {Input, Model, SelfTest, Store, Values} from './artifact.js'
 * @import {Choice, Frame, Step} from './gpu.js'
 * @import {Program} from './program.js'
 * @import {Stage} from './stage.js'
 * @import {Variants} from './variants.js'
 * @typedef {{name: string, ok: boolean, frames?: boolean[]}} Verdict  of an output: each time that it was
 *   made
 * @typedef {{ok: boolean, message: string, kernels: Verdict[], outputs: Verdict[], adapter: string,
 *   variants: Variants, text: string}} Report  `text` is all of it, `message` a line
 */
import { ARRAYS, byteLength, elements, sha256 } from './artifact.js';
import { ArtifactError } from './errors.js';
import { adapterName, bound, runSteps, stagingBuffer, wholeWords } from './gpu.js';
import { frameOf } from './feeds.js';
import { ASKED } from './variants.js';

const FRAMES = 3;

/**
 * Tests a stage; where it fails, the next variants, until one is exact. Variants that were asked for stay.
 *
 * @param {Stage} stage
 * @param {(choice: Choice) => Promise<Stage>} [remake] makes a stage of other variants, on the same device
 * @returns {Promise<{report: Report, chosen: Stage}>} a new stage is one to go on with in the place of the
 *   old
 */
export async function testStage(stage, remake) {
  const { device, model } = stage.program;
  const adapter = adapterName(device.adapterInfo);
  const first = await verdictsOf(stage, adapter);
  const tried = [first];
  let chosen = stage;
  for (const choice of first.ok ? [] : nextChoices(stage.variants)) {
    const next = await remake?.(choice);
    if (!next) break;
    const found = await verdictsOf(next, adapter).catch((error) => {
      next.release();
      throw error;
    });
    tried.push(found);
    if (found.ok) {
      const { why } = next.variants;
      for (const use of USES)
        why[use] =
          choice[use] === stage.variants[use]
            ? stage.variants.why[use]
            : `the self-test failed with ${stage.variants[use]}`;
      chosen = next;
      break;
    }
    next.release();
  }
  const last = chosen === stage ? first : /** @type {Found} */ (tried.at(-1));
  const { kernels, outputs, ok } = last;
  const { variants } = chosen;
  const message = [...new Set([first.message, last.message])].join(' ');
  const report = { ok, message, kernels, outputs, adapter, variants };
  return { report: { ...report, text: textOf(model, report, tried) }, chosen };
}

const USES = /** @type {const} */ (['dot', 'requantize']);

/**
 * @param {Variants} variants those that failed
 * @returns {Choice[]}
 */
function nextChoices({ dot, requantize, why }) {
  const dots = why.dot === ASKED ? [dot] : [...new Set([dot, 'emulated'])];
  const others = why.requantize === ASKED ? [requantize] : [...new Set([requantize, 'integer'])];
  return dots.flatMap((one) => others.map((two) => ({ dot: one, requantize: two }))).slice(1);
}

/**
 * @typedef {{ok: boolean, message: string, kernels: Verdict[], outputs: Verdict[]}} Found
 * @param {Stage} stage
 * @param {string} adapter
 * @returns {Promise<Found>}
 */
async function verdictsOf({ program, variants: { dot, requantize } }, adapter) {
  const { kernels, outputs } = await runSelfTest(program);
  const { runtime } = program.model.reference;
  const kernel = kernels.find((verdict) => !verdict.ok);
  const wrong = kernel ?? outputs.find((verdict) => !verdict.ok);
  const isLate = wrong?.frames?.[0];
  const message = wrong
    ? `${kernel ? 'Kernel' : 'Output'} ${wrong.name} differs from ${runtime}, the first that ` +
      `does, ${isLate ? 'though not in the first frame, ' : ''}on ${adapter} with ${dot}, ${requantize}.`
    : `Kernels (${kernels.length}) and outputs (${outputs.length}) equal ${runtime}, bit for bit, ` +
      `with ${dot}, ${requantize}.`;
  return { ok: !wrong, message, kernels, outputs };
}

/**
 * A report for people, to be copied into an issue.
 *
 * @param {Model} model
 * @param {Omit<Report, 'text'>} report
 * @param {Found[]} tried
 */
function textOf({ name, generator, sha256 }, { ok, adapter, variants, kernels, outputs }, tried) {
  const { navigator, process } = /** @type {any} */ (globalThis);
  const host = process?.versions?.node ? `Node.js ${process.versions.node}` : navigator?.userAgent;
  const wrong = [...kernels, ...outputs].filter((verdict) => !verdict.ok);
  return [
    `onnx2wgsl self-test: ${ok ? 'bit-exact' : 'NOT exact'}`,
    `model: ${name} (${generator}, ${sha256.slice(0, 16)})`,
    `host: ${host}`,
    `adapter: ${adapter}`,
    ...USES.map((use) => `${use}: ${variants[use]}, because ${variants.why[use]}`),
    ...tried.map(({ message }) => message),
    ...wrong.map((verdict) => `wrong: ${verdict.name}`),
  ].join('\n');
}

/**
 * Runs the seeded inputs kernel by kernel, then as whole frames, and compares every checksum. Frames run
 * three times, as values and as pictures: there are drivers with which only the first is right.
 *
 * @param {Program} program
 * @returns {Promise<{kernels: Verdict[], outputs: Verdict[]}>}
 */
async function runSelfTest(program) {
  const { device, model, buffers } = program;
  const { kernels, outputs } = model;
  const test = await program.selfTest();
  if (test.kernels.includes('none')) {
    throw new ArtifactError(
      'The artifact was compiled with --no-self-test: compile it again without.',
    );
  }
  const copies = outputs.map((output) => ({
    buffer: bound(buffers, `output:${output.name}`),
    offset: 0,
    bytes: wholeWords(byteLength(output)),
  }));
  const spans = test.stores.map((stores) => stores.reduce((sum, store) => sum + span(store), 0));
  const all = copies.reduce((sum, { bytes }) => sum + bytes, 0);
  const staging = stagingBuffer(device, Math.max(all, ...spans));
  const inputs = testInputs(model, test);
  const frame = frameOf(program, inputs);
  /** @type {{kernels: Verdict[], outputs: Verdict[]}} */
  const verdicts = { kernels: [], outputs: [] };

  /** @type {(name: string, frame: Frame, expected: string, stores: Store[]) => Promise<void>} of one step */
  const compareKernel = async (name, one, expected, stores) => {
    const parts = stores.map((store) => ({
      buffer: bound(buffers, store.buffer),
      offset: 4 * store.offset,
      bytes: span(store),
    }));
    const bytes = await runSteps(device, `Kernel ${name}`, one, parts, staging);
    const digest = await sha256(gather(new Uint32Array(bytes), stores));
    verdicts.kernels.push({ name, ok: fits(digest, expected) });
  };
  const digests = async (/** @type {Frame} */ whole) => {
    const bytes = await runSteps(device, 'The frame failed', whole, copies, staging);
    let start = 0;
    return Promise.all(
      outputs.map((output, i) => {
        const own = bytes.slice(start, start + byteLength(output));
        start += copies[i].bytes;
        return sha256(own);
      }),
    );
  };
  /** @type {(whole: Frame, expected: string[], suffix: string) => Promise<void>} */
  const compareFrames = async (whole, expected, suffix) => {
    /** @type {string[][]} */
    const found = [];
    for (let i = 0; i < FRAMES; i++) {
      clear(program);
      found.push(await digests(whole));
    }
    for (const [k, { name }] of outputs.entries()) {
      const frames = found.map((each) => fits(each[k], expected[k]) && each[k] === found[0][k]);
      verdicts.outputs.push({ name: name + suffix, ok: frames.every(Boolean), frames });
    }
  };

  clear(program);
  try {
    for (const [i, { name }] of kernels.entries()) {
      const one = { writes: i ? [] : frame.writes, steps: [frame.steps[i]] };
      await compareKernel(name, one, test.kernels[i], test.stores[i]);
    }
    await compareFrames(
      frame,
      outputs.map(({ name }) => test.outputs[name]),
      '',
    );
    for (const [k, { name, image }] of model.inputs.entries()) {
      if (!image) continue;
      const [width, height] = image.size;
      const data = Uint8ClampedArray.from(testBytes(4 * height * width, test.seed + k));
      const { writes, steps } = frameOf(program, { ...inputs, [name]: { data, width, height } });
      const own = /** @type {Step} */ (program.pictureSteps[k]);
      const title = `${name} (picture)`;
      const stores = test.stores[image.replaces];
      await compareKernel(title, { writes, steps: [own] }, test.pictures[name], stores);
      for (const step of steps.slice(0, -1))
        await runSteps(device, title, { writes: [], steps: [step] }, [], staging);
      const singly = await digests({ writes: [], steps: steps.slice(-1) });
      const expected = singly.map((digest) => digest.slice(0, 16));
      await compareFrames({ writes, steps }, expected, ` of ${title}`);
    }
    return verdicts;
  } finally {
    staging.destroy();
  }
}

/**
 * Sets to zero what kernels write, so that words of the frame before are not taken for those of the next.
 *
 * @param {Program} program
 */
function clear({ device, buffers }) {
  const encoder = device.createCommandEncoder();
  for (const [name, buffer] of buffers)
    if (/^(arena$|output:)/.test(name)) encoder.clearBuffer(buffer);
  device.queue.submit([encoder.finish()]);
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
 * @param {SelfTest} test
 * @returns {Record<string, Values>}
 */
function testInputs({ inputs }, { seed, inputs: ranges }) {
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
