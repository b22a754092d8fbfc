/** What MediaPipe's own face graph has. */
export declare const DEFAULTS: {
    minCutoff: number;
    beta: number;
    derivativeCutoff: number;
};
export declare class LandmarkFilter {
    #private;
    /**
     * @param {Partial<typeof DEFAULTS>} [options] cutoffs in Hz; `beta` per unit of the face's size a second
     */
    constructor(options?: Partial<typeof DEFAULTS>);
    /** Forgets what was: the next landmarks stay as they are. */
    reset(): void;
    /**
     * Filters landmarks in place.
     *
     * @param {Float32Array} landmarks 478 * 3 numbers
     * @param {number} time in milliseconds; where it has not gone on, nothing changes
     */
    apply(landmarks: Float32Array, time: number): void;
}
