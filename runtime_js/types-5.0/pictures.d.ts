import type { Artifact, Input } from './artifact.js';
import type { Buffers, Frame, Pipeline } from './gpu.js';
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
    bytes?: Uint8Array;
    resource?: GPUBuffer | GPUTexture;
    source?: Drawable;
    isOwn?: boolean;
};
export type PictureInput = ((picture: any, fit: Fit | undefined, frame: Frame) => void) & {
    destroy(): void;
};
/** Of a coefficient after the point. */
export declare const BITS = 22;
/**
 * The picture that a file holds, or one that goes no other way to a texture, as it is stored, without its
 * alpha multiplied in; any other value as it is.
 *
 * @param {string} name of the input
 * @param {any} value
 */
export declare function decoded(name: string, value: any): Promise<any>;
/**
 * The pixels and the size of a picture, checked.
 *
 * @param {string} name of the input
 * @param {any} picture
 * @returns {Source}
 */
export declare function sourceOf(name: string, picture: any): Source;
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
 * What brings pictures to the size of each input that takes some.
 *
 * @param {GPUDevice} device
 * @param {Pick<Artifact, 'model' | 'shaders'>} artifact
 * @param {Buffers} buffers
 * @returns {Promise<(PictureInput | undefined)[]>}
 */
export declare function createPictureInputs(device: GPUDevice, artifact: Pick<Artifact, 'model' | 'shaders'>, buffers: Buffers): Promise<(PictureInput | undefined)[]>;
/**
 * A texture to copy pictures into.
 *
 * @param {GPUDevice} device
 * @param {string} label
 * @param {number} width
 * @param {number} height
 */
export declare function uploadTexture(device: GPUDevice, label: string, width: number, height: number): GPUTexture;
