import type { Input } from './artifact.js';
import type { Display } from './canvas.js';
import type { Frames } from './frames.js';
import type { AnyInput } from './model_type.js';
import type { Program } from './program.js';
import type { Variants, Wishes } from './variants.js';
export type Stage = {
    gpu?: GPU;
    program: Program;
    frames: Frames;
    variants: Variants;
    owned: boolean;
    hasRun?: boolean;
    displays: Map<string, Display>;
    loss?: DeviceLostError;
    release: () => void;
};
export type Start = (device?: GPUDevice, owned?: boolean, chosen?: Wishes | Variants) => Promise<Stage>;
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
/**
 * What a stage says when its device is lost.
 *
 * @param {Stage} stage
 * @param {string} message the device's
 * @param {Start} [start] with which another may be made
 */
export declare function lossOf({ owned }: Stage, message: string, start?: Start): DeviceLostError;
/**
 * The true cause of an error: a lost device makes all kinds, and is told later.
 *
 * @param {Stage} stage
 * @param {unknown} error
 */
export declare function causeOf(stage: Stage, error: unknown): Promise<unknown>;
/**
 * Frees all of a stage, but a device of the caller.
 *
 * @param {Stage} stage
 */
export declare function free({ program, owned, release }: Stage): void;
/**
 * An input as a session tells it: without what its kernels are.
 *
 * @param {Input} input
 * @returns {AnyInput}
 */
export declare function described(input: Input): AnyInput;
