/** Loops of MediaPipe's 478 points, as topology.py has them (Apache-2.0, see NOTICE). */
export declare const LANDMARKS = 478;
/** Points of the mesh; five of each iris follow, those of the subject's right eye first. */
export declare const MESH = 468;
export declare const LIPS_OUTER: number[];
export declare const LIPS_INNER: number[];
export declare const BROW_RIGHT: number[];
export declare const BROW_LEFT: number[];
export declare const EYE_RIGHT: number[];
export declare const EYE_LEFT: number[];
