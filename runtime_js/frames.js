/**
 * Runs the frames of a program: uploads, one compute pass, copies, one submit. What is read back goes through
 * a ring of buffers, so that several frames may be in flight; the queue keeps them in order.
 *
 * @import {Tensor, Values} from './artifact.js'
 * @import {Copy, Frame, Step} from './gpu.js'
 * @import {Program} from './program.js'
 * @typedef {Copy & {name: string, length: number, valuesOf: (bytes: ArrayBuffer) => Result}} Reading
 *   an output; `length` is that of its bytes, of which the result is made
 * @typedef {Values | Uint8ClampedArray<ArrayBuffer>} Result
 */
import { ARRAYS, byteLength } from './artifact.js';
import { SessionError } from './errors.js';
import { BEYOND } from './feeds.js';
import {
  bound,
  checked,
  MAP_READ,
  recordCopies,
  recordSteps,
  stagingBuffer,
  upload,
  wholeWords,
} from './gpu.js';
import { stagingBytes } from './program.js';

const RING = 3;

/**
 * Makes what the frames are read back through.
 *
 * @param {Program} program
 * @param {{owned: boolean, debug: boolean}} options whether the device is the session's own, whose errors
 *   are the session's; whether every frame is checked, and not only the first of each kind
 */
export async function createFrames(program, options) {
  const { device, model } = program;
  const ring = await checked(device, 'Cannot make the buffers to read back', () =>
    Array.from({ length: RING }, () => stagingBuffer(device, stagingBytes(model))),
  );
  return new Frames(program, ring, options);
}

export class Frames {
  /** @type {Program} */ #program;
  /** @type {GPUBuffer[]} */ #ring;
  /** @type {GPUBuffer[]} */ #free;
  /** @type {((staging: GPUBuffer) => void)[]} runs that found the ring in use */ #waiting = [];
  /** @type {boolean} */ #debug;
  /** @type {WeakSet<Step | GPUBindGroup>} what a frame ran without an error */ #proven =
    new WeakSet();
  // A step on a canvas has another group for each frame; one of another size is another step.
  #isProven = (/** @type {Step} */ step) => this.#proven.has(step) || this.#proven.has(step.group);
  /** @type {Promise<void> | undefined} a frame in error scopes: others wait */ #checking;
  /** What the device reported outside of error scopes: how often, the last, how much of it was thrown. */
  #faults = { count: 0, last: '', told: 0 };

  #hear = (/** @type {GPUUncapturedErrorEvent} */ { error }) => {
    this.#faults.count++;
    this.#faults.last = error.message;
  };

  /**
   * @param {Program} program
   * @param {GPUBuffer[]} ring
   * @param {{owned: boolean, debug: boolean}} options
   */
  constructor(program, ring, { owned, debug }) {
    this.#program = program;
    this.#ring = ring;
    this.#free = [...ring];
    this.#debug = debug;
    /** By output: how it is read. */
    this.readings = program.model.outputs.map((output) => readingOf(program, output));
    if (owned) program.device.addEventListener('uncapturederror', this.#hear);
  }

  /**
   * Runs a frame and reads outputs.
   *
   * @param {() => Frame | undefined | Promise<void>} make called when it is the frame's turn; called again
   *   after what it wants to wait for
   * @param {Reading[]} readings
   * @returns {Promise<Record<string, Result> | undefined>} by output name; nothing where `make` gave nothing
   */
  async read(make, readings) {
    /** @type {GPUBuffer} */
    const staging =
      this.#free.pop() ?? (await new Promise((resolve) => this.#waiting.push(resolve)));
    try {
      while (this.#checking) await this.#checking;
      let frame;
      while ((frame = make()) instanceof Promise) await frame;
      if (!frame) return;
      const { count } = this.#faults;
      const end = readings.reduce((sum, { bytes }) => sum + bytes, 0);
      await this.#checked(frame, () => {
        this.#submit(frame, (encoder) => void recordCopies(encoder, readings, staging));
        return mapped(this.#program.device, staging, end);
      });
      this.#throwFaults(count);
      return resultsOf(readings, staging.getMappedRange(0, end));
    } finally {
      staging.unmap();
      const next = this.#waiting.shift();
      if (next) next(staging);
      else this.#free.push(staging);
    }
  }

  /**
   * Runs a frame that stays on the device.
   *
   * @param {() => Frame | undefined | Promise<void>} make as for `read`
   * @returns {Promise<boolean>} whether `make` gave one
   */
  async run(make) {
    while (this.#checking) await this.#checking;
    let frame;
    while ((frame = make()) instanceof Promise) await frame;
    if (!frame) return false;
    this.#throwFaults(this.#faults.told);
    const done = this.#checked(frame, () => this.#submit(frame, frame.finish));
    if (done) await done;
    return true;
  }

  /**
   * Uploads at once, and records a frame into an encoder of the caller.
   *
   * @param {GPUCommandEncoder} encoder
   * @param {Frame} frame
   * @param {{reading: Reading, target: GPUBuffer}[]} copies
   */
  encode(encoder, { writes, steps }, copies) {
    for (const write of writes) upload(this.#program.device, write);
    recordSteps(encoder, steps);
    for (const { reading, target } of copies) recordCopies(encoder, [reading], target);
  }

  /** @param {number} count those that came before the frame */
  #throwFaults(count) {
    const faults = this.#faults;
    if (faults.count === count) return;
    faults.told = faults.count;
    throw new SessionError(`The device failed: ${faults.last}`);
  }

  /** Frees the ring. */
  destroy() {
    this.#program.device.removeEventListener('uncapturederror', this.#hear);
    for (const buffer of this.#ring) buffer.destroy();
  }

  /**
   * @param {Frame} frame
   * @param {Frame['finish']} finish
   */
  #submit({ writes, steps }, finish) {
    const { device } = this.#program;
    for (const write of writes) upload(device, write);
    const encoder = device.createCommandEncoder();
    recordSteps(encoder, steps);
    finish?.(encoder);
    device.queue.submit([encoder.finish()]);
  }

  /**
   * Submits; in error scopes where one of the steps never ran, as they cost a frame two promises.
   *
   * @param {Frame} frame
   * @param {() => Promise<void> | void} submit
   */
  #checked({ steps, checks = [], isNew }, submit) {
    if (!this.#debug && !isNew && steps.every(this.#isProven)) return submit();
    const done = checked(this.#program.device, 'The frame failed', submit).then(
      () => {
        for (const step of steps) this.#proven.add(step).add(step.group);
      },
      async (failure) => {
        for (const error of await Promise.all(checks)) if (error) throw error;
        throw failure;
      },
    );
    const over = () => void (this.#checking = undefined);
    this.#checking = done.then(over, over);
    return done;
  }
}

/**
 * @param {Program} program
 * @param {Tensor} output
 * @returns {Reading}
 */
function readingOf({ buffers }, output) {
  const length = byteLength(output);
  return {
    name: output.name,
    buffer: bound(buffers, `output:${output.name}`),
    offset: 0,
    bytes: wholeWords(length),
    length,
    valuesOf(bytes) {
      const values = new ARRAYS[output.dtype](bytes);
      if (values instanceof BigInt64Array && values.includes(BEYOND))
        throw new SessionError(
          `Output ${output.name} overflows; an int64 is computed in 32 bits: ` +
            'leave it a float in the model.',
        );
      return values;
    },
  };
}

/**
 * @param {Reading[]} readings
 * @param {ArrayBuffer} bytes their copies, one after the other
 */
function resultsOf(readings, bytes) {
  let start = 0;
  return Object.fromEntries(
    readings.map((reading) => {
      const own = bytes.slice(start, start + reading.length);
      start += reading.bytes;
      return [reading.name, reading.valuesOf(own)];
    }),
  );
}

/**
 * Waits until a buffer is mapped. Firefox takes 100 ms to notice that unless something is submitted
 * meanwhile.
 *
 * @param {GPUDevice} device
 * @param {GPUBuffer} staging
 * @param {number} bytes
 */
async function mapped(device, staging, bytes) {
  const isSlow = globalThis.navigator?.userAgent?.includes('Firefox/');
  const nudges = isSlow ? setInterval(() => device.queue.submit([]), 1) : undefined;
  try {
    await staging.mapAsync(MAP_READ, 0, bytes);
  } finally {
    clearInterval(nudges);
  }
}
