/** Breathing: the head rises as the chest fills, and sinks more slowly. */
import { smooth } from './motion.js';

/** Breaths a minute, at rest. */
export const RATE = 14;
const PERIOD = 60 / RATE;
const INHALING = 0.4;

export class Breath {
  #phase = 0;
  /** 0: out, 1: in. */
  value = 0;

  /** @param {number} seconds */
  step(seconds) {
    this.#phase = (this.#phase + seconds / PERIOD) % 1;
    this.value =
      this.#phase < INHALING
        ? smooth(this.#phase / INHALING)
        : 1 - smooth((this.#phase - INHALING) / (1 - INHALING));
  }
}
