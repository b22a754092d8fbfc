import type { Values } from './artifact.js';
import type { Copy, Frame } from './gpu.js';
import type { Program } from './program.js';
export type Reading = Copy & {
    name: string;
    length: number;
    valuesOf: (bytes: ArrayBuffer) => Result;
};
export type Result = Values | Uint8ClampedArray;
/**
 * Makes what the frames are read back through.
 *
 * @param {Program} program
 * @param {{owned: boolean, debug: boolean}} options whether the device is the session's own, whose errors
 *   are the session's; whether every frame is checked, and not only the first of each kind
 */
export declare function createFrames(program: Program, options: {
    owned: boolean;
    debug: boolean;
}): Promise<Frames>;
export declare class Frames {
    #private;
    /** By output: how it is read. */
    readings: Reading[];
    /**
     * @param {Program} program
     * @param {GPUBuffer[]} ring
     * @param {{owned: boolean, debug: boolean}} options
     */
    constructor(program: Program, ring: GPUBuffer[], { owned, debug }: {
        owned: boolean;
        debug: boolean;
    });
    /**
     * Runs a frame and reads outputs.
     *
     * @param {() => Frame | undefined | Promise<void>} make called when it is the frame's turn; called again
     *   after what it wants to wait for
     * @param {Reading[]} readings
     * @returns {Promise<Record<string, Result> | undefined>} by output name; nothing where `make` gave nothing
     */
    read(make: () => Frame | undefined | Promise<void>, readings: Reading[]): Promise<Record<string, Result> | undefined>;
    /**
     * Runs a frame that stays on the device.
     *
     * @param {() => Frame | undefined | Promise<void>} make as for `read`
     * @returns {Promise<boolean>} whether `make` gave one
     */
    run(make: () => Frame | undefined | Promise<void>): Promise<boolean>;
    /**
     * Uploads at once, and records a frame into an encoder of the caller.
     *
     * @param {GPUCommandEncoder} encoder
     * @param {Frame} frame
     * @param {{reading: Reading, target: GPUBuffer}[]} copies
     */
    encode(encoder: GPUCommandEncoder, { writes, steps }: Frame, copies: {
        reading: Reading;
        target: GPUBuffer;
    }[]): void;
    /** Frees the ring. */
    destroy(): void;
}
