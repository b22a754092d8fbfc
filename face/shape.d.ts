import type { Expressions } from './head.js';
import type { Framing } from './procrustes.js';
export declare class FaceShape {
    #private;
    /** How much of the person's own shape stays, 0 to 1. */
    likeness: number;
    /**
     * @param {Expressions} expressions the content of expressions.json
     * @param {Framing} framing the content of framing.json
     */
    constructor(expressions: Expressions, framing: Framing);
    /** The next face is another person's. */
    reset(): void;
    /**
     * Takes a person's shape out of landmarks, in place.
     *
     * @param {Float32Array | Float64Array} landmarks 478 * 3 numbers, as the generator's frame has them
     * @param {number} time milliseconds
     */
    apply(landmarks: Float32Array | Float64Array, time: number): void;
}
