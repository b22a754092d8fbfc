/** Loops of MediaPipe's 478 points, as topology.py has them (Apache-2.0, see NOTICE). */

export const LANDMARKS = 478;
/** Points of the mesh; five of each iris follow, those of the subject's right eye first. */
export const MESH = 468;
export const LIPS_OUTER = [
  ...[61, 146, 91, 181, 84, 17, 314, 405, 321, 375],
  ...[291, 409, 270, 269, 267, 0, 37, 39, 40, 185],
];
export const LIPS_INNER = [
  ...[78, 95, 88, 178, 87, 14, 317, 402, 318, 324],
  ...[308, 415, 310, 311, 312, 13, 82, 81, 80, 191],
];
export const BROW_RIGHT = [70, 63, 105, 66, 107, 55, 65, 52, 53, 46];
export const BROW_LEFT = [300, 293, 334, 296, 336, 285, 295, 282, 283, 276];
export const EYE_RIGHT = [
  33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246,
];
export const EYE_LEFT = [
  263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466,
];
