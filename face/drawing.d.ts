/**
 * Draws 478 landmarks on a 2-D canvas as drawing.py does, from the same drawing.json.
 *
 * Nothing is loaded here: the page passes the parsed specification. Layers go from the back to the
 * front; what each kind holds is told by the types below.
 */
export type Landmarks = ArrayLike<number>[] | Float32Array | Float64Array;
export type Polygon = {
    kind: 'polygon';
    loops: string[];
    /**
     * loops that run counter-clockwise, seen from behind, are left out
     */
    front?: boolean;
    fill?: string;
    stroke?: string;
    /**
     * of the stroke, as a fraction of the canvas' side
     */
    width?: number;
};
export type Edges = {
    kind: 'edges';
    edges: string;
    stroke: string;
    width: number;
};
export type Circle = {
    kind: 'circle';
    points: string;
    /**
     * a factor
     */
    radius: number;
    fill: string;
    /**
     * the loop that it is seen through
     */
    clip: string;
};
export type Patches = {
    kind: 'patches';
    patches: string;
    /**
     * one a patch
     */
    fills: string[];
};
export type Layer = Polygon | Edges | Circle | Patches;
export type Specification = {
    format: number;
    background: string;
    /**
     * those after the
     * landmarks: positions [x, y, z] on the head, which an affine map takes to the picture; frame
     * has what each landmark named adds to the map's x, y, z and constant columns
     */
    points: {
        frame: Record<string, number[]>;
        positions: number[][];
    };
    loops: Record<string, number[]>;
    /**
     * four points each: the ends a and b, then c and d;
     * seen from the front, the triangles a, b, c and b, a, d run clockwise
     */
    edges: Record<string, number[]>;
    /**
     * three or four points each; seen from outside,
     * they run clockwise
     */
    patches: Record<string, number[][]>;
    layers: Layer[];
};
export type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;
/**
 * Draws over the whole of a square canvas.
 *
 * @param {Context} context
 * @param {Landmarks} landmarks
 * @param {Specification} specification the content of drawing.json
 */
export declare function drawLandmarks(context: Context, landmarks: Landmarks, specification: Specification): void;
/**
 * Fills the silhouette of the head that a drawing stands for, with the context's fill and stroke styles.
 *
 * @param {Context} context of a square canvas
 * @param {Landmarks} landmarks
 * @param {Specification} specification
 * @param {number[][]} hair the points of outline.json
 * @param {number} margin that it is wider all around, as a fraction of the canvas' side
 */
export declare function fillHead(context: Context, landmarks: Landmarks, specification: Specification, hair: number[][], margin: number): void;
/** Where a head is in a picture: the affine map that takes points of the head there. */
export declare class HeadMap {
    #private;
    /** Right, up, out and constant, of x and of y each. */
    columns: Float64Array<ArrayBuffer>;
    /** @param {Specification} specification */
    constructor({ points: { frame } }: Specification);
    /**
     * Takes the map that landmarks tell of; it goes to their unit.
     *
     * @param {ArrayLike<number>} landmarks in a row, x and y first
     * @param {number} stride numbers of each
     */
    read(landmarks: ArrayLike<number>, stride: number): void;
    /** x or y of a point of the head. @type {(position: ArrayLike<number>, k: number) => number} */
    seen(position: ArrayLike<number>, k: number): number;
}
