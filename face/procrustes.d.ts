export type Anchor = {
    landmark: number;
    weight: number;
    /**
     * on the canonical face, centimetres
     */
    position: number[];
};
export type Framing = {
    format: number;
    /**
     * where the head turns on the neck, centimetres
     */
    pivot: number[];
    /**
     * centimetres from there to
     * the pivot, centimetres that the frame's side spans at it, and where it lies in the frame
     */
    camera: {
        distance: number;
        span: number;
        center: number[];
    };
    anchors: Anchor[];
};
/** The canonical face has y up and z towards the viewer; a picture's landmarks the opposite. */
export declare const UPRIGHT: number[];
/** Landmarks or points that say nothing of where a face is: which, and why. */
export declare class FaceError extends Error {
    name: string;
}
/** x -> scale * rotation * x + translation; the rotation row by row. */
export declare class Similarity {
    scale: number;
    rotation: Float64Array<ArrayBuffer>;
    translation: Float64Array<ArrayBuffer>;
    /**
     * Where points go.
     *
     * @param {ArrayLike<number>} points
     * @param {Float32Array | Float64Array} out is written to; it may be the points
     */
    forward(points: ArrayLike<number>, out?: Float32Array | Float64Array): Float32Array<ArrayBufferLike> | Float64Array<ArrayBufferLike>;
    /**
     * Where points come from: inverse(forward(x)) = x.
     *
     * @param {ArrayLike<number>} points
     * @param {Float32Array | Float64Array} out is written to; it may be the points
     */
    inverse(points: ArrayLike<number>, out?: Float32Array | Float64Array): Float32Array<ArrayBufferLike> | Float64Array<ArrayBufferLike>;
}
/**
 * Fits of one source to targets, by weights: Umeyama, "Least-squares estimation of transformation
 * parameters between two point patterns", IEEE TPAMI 13(4), 1991. It never mirrors.
 */
export declare class Fit {
    #private;
    /**
     * @param {ArrayLike<number>} source
     * @param {ArrayLike<number>} weights one a point
     */
    constructor(source: ArrayLike<number>, weights: ArrayLike<number>);
    /**
     * The similarity that brings the source nearest to a target: the one with the least sum of
     * weight * |target - forward(source)|^2.
     *
     * @param {ArrayLike<number>} target
     * @param {Similarity} result is written to
     */
    to(target: ArrayLike<number>, result?: Similarity): Similarity;
}
/** Any camera's landmarks as the renderer frames a face. */
export declare class TrainingFrame {
    #private;
    /** @param {Framing} framing the content of framing.json */
    constructor({ pivot, camera, anchors }: Framing);
    /**
     * Where a face is in a picture: from the canonical face's centimetres to upright landmarks, which
     * have its axes and one unit, the picture's width: x, -y / aspect, -z.
     *
     * @param {ArrayLike<number>} landmarks 478 * 3 numbers: fractions of the picture, y down
     * @param {number} aspect how many times as wide as high the picture is
     * @param {Similarity} result is written to
     */
    placement(landmarks: ArrayLike<number>, aspect?: number, result?: Similarity): Similarity;
    /**
     * Landmarks as the renderer frames a face: rotation and expression are kept; scale and position
     * become those of its usual frame, by a fit of the canonical face.
     *
     * @param {ArrayLike<number>} landmarks 478 * 3 numbers: fractions of the picture, y down
     * @param {number} aspect how many times as wide as high the picture is
     * @param {Float32Array | Float64Array} out is written to; it may be the landmarks
     */
    place(landmarks: ArrayLike<number>, aspect?: number, out?: Float32Array | Float64Array): Float32Array<ArrayBufferLike> | Float64Array<ArrayBufferLike>;
}
