import type { Tensor } from './artifact.js';
import type { Reading } from './frames.js';
import type { Frame, Step } from './gpu.js';
import type { Program } from './program.js';
export type Canvas = HTMLCanvasElement | OffscreenCanvas;
export type Look = {
    /**
     * `nearest` shows the bytes as they are. `bicubic` is for a
     * canvas larger than the picture: a cubic B-spline in linear light, then contrast-adaptive sharpening,
     * strong on flat areas and gentle at edges
     */
    scaling?: 'nearest' | 'bicubic';
    /**
     * from 0, none, to 1; 0.6 where it is not said
     */
    sharpness?: number;
    /**
     * of the canvas, in the place of the browser's preferred one
     */
    format?: GPUTextureFormat;
};
export type View = {
    view: GPUTextureView;
    format: GPUTextureFormat;
    width: number;
    height: number;
};
export type Surface = Pick<GPUTexture, 'createView' | 'format' | 'width' | 'height' | 'usage'>;
export type Painter = (texture: Surface, sharpness: number) => Frame;
/**
 * Makes what shows an output.
 *
 * @param {Program} program
 * @param {Tensor} output
 */
export declare function createDisplay(program: Program, output: Tensor): Promise<Display>;
export declare class Display {
    #private;
    /** Makes the words of the pixels, in rows of whole 256 bytes. */
    words: Step;
    /** @type {Reading} how the pixels are read */
    reading: Reading;
    /**
     * Use `createDisplay`.
     *
     * @param {GPUDevice} device
     * @param {Tensor} output
     * @param {Map<string, GPUBuffer>} buffers
     * @param {Record<string, number>} constants
     * @param {Step} words
     */
    constructor(device: GPUDevice, output: Tensor, buffers: Map<string, GPUBuffer>, constants: Record<string, number>, words: Step);
    /**
     * What paints a target: made at its first use, a promise until then.
     *
     * @param {Canvas | GPUTexture | View} target
     * @param {Look} look
     */
    painter(target: Canvas | GPUTexture | View, { scaling, format }: Look): Painter | Promise<Painter>;
    /**
     * A frame, followed by what shows its output.
     *
     * @param {Frame} frame
     * @param {Painter} painter
     * @param {Canvas | GPUTexture | View} target
     * @param {Look} look
     * @returns {Frame}
     */
    shown(frame: Frame, painter: Painter, target: Canvas | GPUTexture | View, { sharpness }: Look): Frame;
    /** Frees what was made. */
    destroy(): void;
}
