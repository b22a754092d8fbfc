/**
 * What a session has on one device, and what of a model it tells.
 *
 * @import {Input} from './artifact.js'
 * @import {Display} from './canvas.js'
 * @import {Frames} from './frames.js'
 * @import {AnyInput} from './model_type.js'
 * @import {Program} from './program.js'
 * @import {Variants, Wishes} from './variants.js'
 * @typedef {{gpu?: GPU, program: Program, frames: Frames, variants: Variants, owned: boolean, hasRun?:
 *   boolean, displays: Map<string, Display>, loss?: DeviceLostError, release: () => void}} Stage
 *   all that is on one device; `owned` is a device that the session made, of `gpu`,
 *   which it would not outlive; `release` frees what is not the device
 * @typedef {(device?: GPUDevice, owned?: boolean, chosen?: Wishes | Variants) => Promise<Stage>} Start  on
 *   that device, or on a new one
 */
import { DeviceLostError } from './errors.js';

// How long an error waits for the loss of the device that may be its cause.
const LOSS_MS = 50;

/**
 * What a stage says when its device is lost.
 *
 * @param {Stage} stage
 * @param {string} message the device's
 * @param {Start} [start] with which another may be made
 */
export function lossOf({ owned }, message, start) {
  const next = !start
    ? 'make a new session'
    : owned
      ? 'run again, on a new one'
      : 'give session.recover a new one';
  return new DeviceLostError(`The GPU device was lost (${message}): ${next}.`);
}

/**
 * The true cause of an error: a lost device makes all kinds, and is told later.
 *
 * @param {Stage} stage
 * @param {unknown} error
 */
export async function causeOf(stage, error) {
  const { lost } = stage.program.device;
  await Promise.race([lost, new Promise((resolve) => setTimeout(resolve, LOSS_MS))]);
  return stage.loss ?? error;
}

/**
 * Frees all of a stage, but a device of the caller.
 *
 * @param {Stage} stage
 */
export function free({ program, owned, release }) {
  release();
  if (owned) program.device.destroy();
}

/**
 * An input as a session tells it: without what its kernels are.
 *
 * @param {Input} input
 * @returns {AnyInput}
 */
export function described(input) {
  if (!input.image) return input;
  const { resize, replaces, skips, kernel, ...image } = input.image;
  return { ...input, image };
}
