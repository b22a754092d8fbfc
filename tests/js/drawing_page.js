/** Runs in Chromium, for drawing.test.js: draws, and says how far from a picture that is. */

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
export async function drawn({ module, points, specification, size, height = size }) {
  const { drawLandmarks } = await import(module);
  const context = new OffscreenCanvas(size, height).getContext('2d', { willReadFrequently: true });
  drawLandmarks(context, points, specification);
  return context.getImageData(0, 0, size, size).data;
}

/** The colours (#rrggbb) of a drawing at places, each list of which is x and y in turns. */
export async function colours({ places, ...drawing }) {
  const bytes = await drawn(drawing);
  return places.map((list) =>
    Array.from({ length: list.length / 2 }, (_, i) => {
      const start = 4 * (drawing.size * list[2 * i + 1] + list[2 * i]);
      const channels = Array.from(bytes.slice(start, start + 3));
      return `#${channels.map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
    }),
  );
}

async function loaded(url, size) {
  const picture = await createImageBitmap(await (await fetch(url)).blob());
  const context = new OffscreenCanvas(size, size).getContext('2d');
  context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, size, size).data;
}
