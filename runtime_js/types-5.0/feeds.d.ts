import type { Input, Model, Values } from './artifact.js';
import type { Frame, Step } from './gpu.js';
import type { Fit, Picture } from './pictures.js';
import type { Program } from './program.js';
export type Feeds = Record<string, Values | GPUBuffer | Picture | Blob>;
/** What stands on the device for an int64 that 32 bits do not hold. */
export declare const BEYOND: bigint;
/**
 * What a value is, by its tag: an array of another realm, or a Buffer, has another constructor.
 *
 * @param {unknown} value
 */
export declare function kindOf(value: unknown): string;
/** @param {unknown} value */
export declare function isFile(value: unknown): boolean;
/** @type {Set<string>} kinds of pictures that this browser copies to no texture, as it turned out */
export declare const indirect: Set<string>;
/**
 * Whether a value must become an ImageBitmap first: a file, or a kind of picture that this browser copies to
 * no texture (Firefox no VideoFrame).
 *
 * @param {unknown} value
 */
export declare function needsBitmap(value: unknown): boolean;
/**
 * Whether a value is meant as a picture, rather than as the values of an input.
 *
 * @param {any} value
 */
export declare function isPicture(value: any): boolean;
/**
 * Refuses a GPUBuffer that has fewer bytes, or can't be used so.
 *
 * @param {string} what
 * @param {any} buffer
 * @param {number} bytes
 * @param {'STORAGE' | 'COPY_DST'} [flag]
 */
export declare function requireBuffer(what: string, { size, usage }: any | undefined, bytes: number, flag?: 'STORAGE' | 'COPY_DST'): void;
/**
 * Whether a frame needs what pictures.js makes on the device.
 *
 * @param {Model} model
 * @param {Feeds} feeds
 * @param {Fit} [fit]
 */
export declare function needsPictures({ inputs }: Model, feeds: Feeds, fit?: Fit): boolean;
/**
 * What a frame uploads and runs, which depends on how each input came.
 *
 * @param {Pick<Program, 'device' | 'model' | 'buffers' | 'steps' | 'pictureSteps' | 'pictures'>} program
 * @param {Feeds} feeds of which none needs pictures that the program lacks
 * @param {{fit?: Fit}} [options] fit: of pictures, in the place of the artifact's
 * @returns {Frame}
 */
export declare function frameOf(program: Pick<Program, 'device' | 'model' | 'buffers' | 'steps' | 'pictureSteps' | 'pictures'>, feeds: Feeds, { fit }?: {
    fit?: Fit;
}): Frame;
/**
 * Feeds with the pictures that files hold, and with bitmaps of what goes no other way; a promise only where
 * there are such.
 *
 * @param {Feeds} feeds
 * @returns {Feeds | Promise<Feeds>}
 */
export declare function readFeeds(feeds: Feeds): Feeds | Promise<Feeds>;
/**
 * Refuses a name that is none of the known ones.
 *
 * @param {string} what
 * @param {string[]} names
 * @param {string[]} known
 */
export declare function requireKnown(what: string, names: string[], known: string[]): void;
/**
 * The values of an input, checked.
 *
 * @param {Input} input
 * @param {Values} values
 */
export declare function valuesOf(input: Input, values: Values): Values;
/**
 * The bytes, filled up to a whole word: writeBuffer takes no less; and of one owner: not every WebGPU takes what
 * threads share.
 *
 * @param {Values | Uint8ClampedArray} values
 * @returns {Uint8Array}
 */
export declare function padded(values: Values | Uint8ClampedArray): Uint8Array;
/**
 * A step with a caller's buffer in the place of the one of that name, made once.
 *
 * @param {GPUDevice} device
 * @param {Step} step
 * @param {string} name
 * @param {GPUBuffer} buffer
 * @param {Frame} frame
 */
export declare function withBuffer(device: GPUDevice, step: Step, name: string, buffer: GPUBuffer, frame: Frame): Step;
/**
 * A step that binds what a caller gave: what the device has against it becomes a check of the frame.
 *
 * @param {GPUDevice} device
 * @param {string} name of the input
 * @param {Frame} frame
 * @param {() => Step} make
 * @param {() => void} forget where the device refuses it
 */
export declare function checkedStep(device: GPUDevice, name: string, frame: Frame, make: () => Step, forget: () => void): Step;
