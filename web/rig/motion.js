/** How what moves gets to where it goes: springs, and pulses that come by chance. All seconds. */

/** 3x^2 - 2x^3 between 0 and 1. @param {number} x */
export function smooth(x) {
  const at = Math.min(1, Math.max(0, x));
  return at * at * (3 - 2 * at);
}

/** Follows a target without overshoot, by the same way whatever the steps are: a critically damped spring. */
export class Spring {
  value = 0;
  #velocity = 0;
  #rate;

  /** @param {number} rate 1 / second; after 4 / rate nine tenths of the way are done */
  constructor(rate) {
    this.#rate = rate;
  }

  /** @type {(target: number, seconds: number) => void} */
  step(target, seconds) {
    const away = this.value - target;
    const push = this.#velocity + this.#rate * away;
    const decay = Math.exp(-this.#rate * seconds);
    this.value = target + (away + push * seconds) * decay;
    this.#velocity = (this.#velocity - this.#rate * push * seconds) * decay;
  }
}

/**
 * What rises, stays and falls again, one after the other by chance.
 *
 * @typedef {{depth: number, rise: number, stay: number, fall: number, interval: number}} Pulse  how high it
 *   rises, and the time from its begin to that of the next one, which is no shorter than the pulse
 */
export class Pulses {
  #draw;
  /** @type {Pulse} */
  #pulse = { depth: 0, rise: 0, stay: 0, fall: 0, interval: 0 };
  /** Since the pulse began. */
  #since = 0;
  /** How many have begun. */
  count = 0;
  value = 0;

  /** @param {(pulse: Pulse) => void} draw writes the next one; first of all the interval before it */
  constructor(draw) {
    this.#draw = draw;
    draw(this.#pulse);
    this.#pulse.depth = 0;
  }

  /**
   * Goes on. A pulse whose height falls between two steps is shown by the later one, however late that is.
   *
   * @param {number} seconds
   */
  step(seconds) {
    const pulse = this.#pulse;
    let before = this.#since;
    this.#since += seconds;
    this.value = this.#shown(before);
    while (this.#since >= pulse.interval) {
      this.#since -= pulse.interval;
      before -= pulse.interval;
      this.#draw(pulse);
      this.count++;
      this.value = Math.max(this.value, this.#shown(before));
    }
  }

  /** @param {number} before where the step began */
  #shown(before) {
    const { depth, rise, stay, fall } = this.#pulse;
    const height = rise + stay / 2;
    if (before < height && this.#since >= height) return depth;
    if (this.#since < rise) return depth * smooth(this.#since / rise);
    return depth * (1 - smooth((this.#since - rise - stay) / fall));
  }
}
