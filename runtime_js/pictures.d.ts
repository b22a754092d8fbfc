import type { Input } from './artifact.js';
import type { Frame, Pipeline, Step } from './gpu.js';
export type Fit = 'cover' | 'contain' | 'stretch' | {
    x: number;
    y: number;
    width: number;
    height: number;
};
export type Drawable = ImageBitmap | HTMLVideoElement | HTMLImageElement | HTMLCanvasElement | OffscreenCanvas | VideoFrame;
export type Pixels = {
    data: Uint8ClampedArray | Uint8Array | GPUBuffer;
    width: number;
    height: number;
};
export type Picture = Pixels | Drawable | GPUTexture;
export type Source = {
    holder: 'buffer' | 'texture';
    width: number;
    height: number;
    bytes?: Uint8Array<ArrayBuffer>;
    resource?: GPUBuffer | GPUTexture;
    source?: Drawable;
    isOwn?: boolean;
};
/** By which a picture of the input's size stays as it is. */
export declare const FITS: string[];
/** Of a coefficient after the point. */
export declare const BITS = 22;
/**
 * What a value is, by its tag: an array of another realm, or a Buffer, has another constructor.
 *
 * @param {unknown} value
 */
export declare function kindOf(value: unknown): string;
/**
 * A file's picture as it is stored, without its alpha multiplied in; any other value as it is.
 *
 * @param {string} name of the input
 * @param {any} value
 */
export declare function decoded(name: string, value: any): Promise<any>;
/** @param {unknown} value */
export declare function isFile(value: unknown): boolean;
/**
 * Whether a value is meant as a picture, rather than as the values of an input.
 *
 * @param {any} value
 */
export declare function isPicture(value: any): boolean;
/**
 * The pixels and the size of a picture, checked.
 *
 * @param {string} name of the input
 * @param {any} picture
 * @returns {Source}
 */
export declare function sourceOf(name: string, picture: any): Source;
/**
 * Refuses a GPUBuffer that can't be read as so many bytes.
 *
 * @param {string} name
 * @param {GPUBuffer} buffer
 * @param {number} bytes
 */
export declare function requireBuffer(name: string, { size, usage }: GPUBuffer, bytes: number): void;
/**
 * Which part of a source goes where in an input: the box [left, top, right, bottom] of the source, and
 * [x, y, width, height] in the input.
 *
 * @param {number} W
 * @param {number} H
 * @param {number} w
 * @param {number} h
 * @param {Fit} fit
 * @returns {{box: number[], target: number[]}}
 */
export declare function placement(W: number, H: number, w: number, h: number, fit: Fit): {
    box: number[];
    target: number[];
};
/**
 * For each of `count` results along an axis of `size` pixels, of which `start` to `end` are taken: the first
 * source pixel, then `taps` coefficients in units of 2^-22.
 *
 * @param {number} size
 * @param {number} start
 * @param {number} end
 * @param {number} count
 * @returns {{taps: number, axis: Int32Array}}
 */
export declare function coefficients(size: number, start: number, end: number, count: number): {
    taps: number;
    axis: Int32Array;
};
/** Brings pictures to the size of one input; what the device needs for it is kept for the next frame. */
export declare class Resizer {
    #private;
    /**
     * @param {GPUDevice} device
     * @param {Input} input
     * @param {GPUBuffer} target its RGBA words
     * @param {Record<string, Pipeline>} pipelines by what holds the source: buffer or texture
     */
    constructor(device: GPUDevice, input: Input, target: GPUBuffer, pipelines: Record<string, Pipeline>);
    /**
     * What a frame uploads and runs to have the picture in the input's RGBA words.
     *
     * @param {Source} picture
     * @param {Fit} [fit] in the place of the artifact's
     * @returns {Frame}
     */
    frame({ holder, width, height, bytes, resource, source, isOwn }: Source, fit?: Fit): Frame;
    /** Frees what the device holds for it. */
    destroy(): void;
}
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
