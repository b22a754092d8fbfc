/** What the live read-out is made of: the last values of each measure, in arrays that are made once. */

const LENGTH = 120;

export class Meter {
  #values;
  #sorted;
  #count = 0;

  /** @param {number} [length] of how many values it knows */
  constructor(length = LENGTH) {
    this.#values = new Float64Array(length);
    this.#sorted = new Float64Array(length);
  }

  /** @param {number} value */
  add(value) {
    this.#values[this.#count++ % this.#values.length] = value;
  }

  get count() {
    return this.#count;
  }

  get last() {
    return this.#count ? this.#values[(this.#count - 1) % this.#values.length] : NaN;
  }

  /**
   * The value that a share of the last ones does not exceed; NaN where there are none.
   *
   * @param {number} share
   */
  percentile(share) {
    const length = Math.min(this.#count, this.#values.length);
    if (!length) return NaN;
    const sorted = this.#sorted.subarray(0, length);
    sorted.set(this.#values.subarray(0, length));
    sorted.sort();
    return sorted[Math.min(length - 1, Math.floor(share * length))];
  }

  /**
   * Draws the last values as a line, the newest on the right.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {string} color
   */
  draw(context, color) {
    const { width, height } = context.canvas;
    const room = this.#values.length;
    context.clearRect(0, 0, width, height);
    const length = Math.min(this.#count, room);
    const most = Math.max(this.percentile(0.98) * 1.25, 1e-6);
    context.beginPath();
    for (let i = 0; i < length; i++) {
      const value = this.#values[(this.#count - length + i) % room];
      const x = ((room - length + i) / (room - 1)) * width;
      const y = height - 1 - Math.min(1, value / most) * (height - 2);
      if (i) context.lineTo(x, y);
      else context.moveTo(x, y);
    }
    context.strokeStyle = color;
    context.stroke();
  }
}

/** How often something happens a second, over the last two. */
export class Rate {
  #times = new Float64Array(LENGTH);
  #count = 0;

  get count() {
    return this.#count;
  }

  /** @param {number} now milliseconds */
  tick(now) {
    this.#times[this.#count++ % LENGTH] = now;
  }

  /** @param {number} now */
  perSecond(now) {
    const length = Math.min(this.#count, LENGTH);
    let first = now;
    let recent = 0;
    for (let i = 0; i < length; i++) {
      const time = this.#times[i];
      if (now - time > 2000) continue;
      recent++;
      first = Math.min(first, time);
    }
    return recent > 1 ? ((recent - 1) * 1000) / Math.max(1, now - first) : 0;
  }
}

/** The slope of a measure over minutes, by least squares: what a leak would show in. */
export class Trend {
  #n = 0;
  #sums = { x: 0, y: 0, xx: 0, xy: 0 };

  /**
   * @param {number} value
   * @param {number} now milliseconds
   */
  add(value, now) {
    const x = now / 60000;
    this.#n++;
    this.#sums.x += x;
    this.#sums.y += value;
    this.#sums.xx += x * x;
    this.#sums.xy += x * value;
  }

  /** The change a minute. */
  get slope() {
    const { x, y, xx, xy } = this.#sums;
    const spread = this.#n * xx - x * x;
    return spread > 0 ? (this.#n * xy - x * y) / spread : 0;
  }
}
