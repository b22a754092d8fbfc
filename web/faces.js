/** Which of several faces drives the avatar. */

/**
 * The face that takes up most of the picture.
 *
 * @param {{x: number, y: number, z: number}[][]} faces
 */
export function largest(faces) {
  /** @type {{x: number, y: number, z: number}[] | undefined} */
  let best;
  let most = -1;
  for (const face of faces) {
    let [left, right, top, bottom] = [1, 0, 1, 0];
    for (const { x, y } of face) {
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
    const area = (right - left) * (bottom - top);
    if (area > most) [most, best] = [area, face];
  }
  return best;
}
