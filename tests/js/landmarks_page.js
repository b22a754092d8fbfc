/** Runs in Chromium, for landmarks.test.js: draws, and says how far from a picture that is. */

/**
 * How far a drawing is from a picture, in bytes: the mean of the differences, the share of pixels
 * that differ by more than 24, and the largest difference between the means of squares of 1/32 of
 * the side, in which anti-aliasing evens out.
 */
export async function difference({ module, points, specification, picture, size }) {
  const a = await drawn({ module, points, specification, size });
  const b = await loaded(picture, size);
  const block = size / 32;
  const blocks = new Float64Array(32 * 32 * 3);
  let sum = 0;
  let far = 0;
  for (let pixel = 0; pixel < size * size; pixel++) {
    const place = Math.floor(pixel / size / block) * 32 + Math.floor((pixel % size) / block);
    let largest = 0;
    for (let channel = 0; channel < 3; channel++) {
      const apart = a[4 * pixel + channel] - b[4 * pixel + channel];
      largest = Math.max(largest, Math.abs(apart));
      sum += Math.abs(apart);
      blocks[3 * place + channel] += apart / block ** 2;
    }
    if (largest > 24) far++;
  }
  const square = blocks.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return { mean: sum / (3 * size * size), far: far / (size * size), square };
}

/** The bytes of a drawing, RGBA. */
export async function drawn({ module, points, specification, size, height = size, flat = false }) {
  const { drawLandmarks } = await import(module);
  const context = new OffscreenCanvas(size, height).getContext('2d', { willReadFrequently: true });
  drawLandmarks(context, flat ? Float32Array.from(points.flat()) : points, specification);
  return context.getImageData(0, 0, size, size).data;
}

async function loaded(url, size) {
  const picture = await createImageBitmap(await (await fetch(url)).blob());
  const context = new OffscreenCanvas(size, size).getContext('2d');
  context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, size, size).data;
}
