import type { Framing } from './procrustes.js';
export type Sparse = {
    points: number[];
    values: number[];
};
export type Expressions = {
    format: number;
    rest: number[];
    channels: Record<string, Sparse>;
    jaw: Sparse & {
        joint: number[];
        degrees: number;
    };
    eyes: {
        radius: number;
        iris: number;
        degrees: number[];
        centers: {
            right: number[];
            left: number[];
        };
    };
    visemes: Record<string, Record<string, number>>;
    emotions: Record<string, Record<string, number>>;
};
export type Face = {
    expression: Record<string, number>;
    gaze: number[];
    pose: number[];
};
/**
 * The names of the channels in the order of weights: those of expressions.json, then `jaw`.
 *
 * @param {Expressions} expressions
 */
export declare const channelNames: ({ channels }: Expressions) => string[];
export declare class Head {
    #private;
    /**
     * @param {Expressions} expressions the content of expressions.json
     * @param {Framing} framing the content of framing.json
     */
    constructor(expressions: Expressions, framing: Framing);
    /**
     * The 478 landmarks of a face as the renderer's camera sees it: fractions of the frame, y down; z in the
     * unit of x, smaller is nearer.
     *
     * @param {Face} face
     * @param {Float32Array | Float64Array} out 478 * 3 numbers
     */
    landmarks({ expression, gaze, pose }: Face, out?: Float32Array | Float64Array): Float32Array<ArrayBufferLike> | Float64Array<ArrayBufferLike>;
    /**
     * The same, of weights in the order of `channelNames`; allocates nothing.
     *
     * @param {Float64Array} weights
     * @param {ArrayLike<number>} gaze
     * @param {ArrayLike<number>} pose
     * @param {Float32Array | Float64Array} out 478 * 3 numbers
     */
    move(weights: Float64Array, gaze: ArrayLike<number>, pose: ArrayLike<number>, out: Float32Array | Float64Array): Float32Array<ArrayBufferLike> | Float64Array<ArrayBufferLike>;
}
/**
 * Moves the points of a channel.
 *
 * @param {Sparse} channel centimetres
 * @param {number} weight
 * @param {Float64Array} out 478 * 3 numbers
 */
export declare function displace({ points, values }: Sparse, weight: number, out: Float64Array): void;
/**
 * Moves points as a jaw that opens does.
 *
 * @param {Expressions['jaw']} jaw
 * @param {number} weight
 * @param {Float64Array} points 478 * 3 numbers, centimetres: where they are
 * @param {Float64Array} out what moves: the points themselves, or displacements
 */
export declare function turnJaw({ points: indices, values, joint, degrees }: Expressions['jaw'], weight: number, points: Float64Array, out: Float64Array): void;
/**
 * A head's rotation, row by row: a nod, then a turn, then a tilt.
 *
 * @param {ArrayLike<number>} pose pitch, yaw and roll, degrees
 * @param {Float64Array} out 9 numbers
 */
export declare function rotationOf(pose: ArrayLike<number>, out?: Float64Array): Float64Array<ArrayBufferLike>;
/**
 * Puts an eye's iris where it looks.
 *
 * @param {Expressions['eyes']} eyes
 * @param {number} index 0: right, 1: left
 * @param {ArrayLike<number>} gaze
 * @param {Float64Array} points 478 * 3 numbers; five of the points are written, centimetres
 */
export declare function placeIris({ radius, iris, degrees, centers }: Expressions['eyes'], index: number, gaze: ArrayLike<number>, points: Float64Array): void;
