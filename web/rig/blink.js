/**
 * Blinks: by themselves, and beside those of a person.
 *
 * Rates and shapes as people have them: 11 to 19 a minute, lids that close 40 to 47 % faster than they open
 * (PubMed 18565090), half of all blinks partial (PMC4015796).
 */
import { Pulses } from './motion.js';
import { between, logNormal } from './random.js';

/** Seconds from blink to blink, in the mean: 15 a minute. */
export const MEAN = 4;
/** How many follow right after another one. */
export const DOUBLE = 0.1;
/** Seconds from blink to blink, at least; but for those. */
export const REFRACTORY = 0.5;
export const PARTIAL = 0.5;
/** How much faster lids close than open. */
export const FASTER = { least: 1.4, most: 1.47 };
const DOUBLE_GAP = { least: 0.34, most: 0.46 };
const SPREAD = 0.6;
// What remains for the others, that the mean be of all.
const SINGLE =
  (MEAN - (DOUBLE * (DOUBLE_GAP.least + DOUBLE_GAP.most)) / 2) / (1 - DOUBLE) - REFRACTORY;

/** @param {() => number} random */
export const blinks = (random) =>
  new Pulses((blink) => {
    const isDouble = random() < DOUBLE;
    const isPartial = random() < PARTIAL;
    blink.depth = isPartial ? between(random, 0.6, 0.9) : 1;
    blink.rise = between(random, 0.08, 0.11);
    blink.stay = between(random, 0.02, 0.04);
    blink.fall = blink.rise * between(random, FASTER.least, FASTER.most);
    blink.interval = isDouble
      ? between(random, DOUBLE_GAP.least, DOUBLE_GAP.most)
      : REFRACTORY + logNormal(random, SINGLE, SPREAD);
  });

/** Seconds without a blink of the person, after which the rig blinks for them: two of its own intervals. */
export const PATIENCE = 2 * MEAN;
// Lids below that share of how far they are usually open are a blink.
const CLOSED = 0.6;
// Seconds in which what is usual goes down to what is.
const FORGET = 10;

/** Says when a person has not blinked for so long that the rig does. */
export class Assist {
  #usual = 0;
  #since = 0;
  #isOn = false;

  /**
   * @param {number} openness how far the person's lids are open
   * @param {number} seconds
   * @param {number} own how far the rig's blink is: in the middle of one nothing changes
   * @returns {boolean} whether the rig's blink is shown
   */
  step(openness, seconds, own) {
    const way = 1 - Math.exp(-seconds / FORGET);
    this.#usual = Math.max(openness, this.#usual + way * (openness - this.#usual));
    this.#since = openness < CLOSED * this.#usual ? 0 : this.#since + seconds;
    if (own === 0) this.#isOn = this.#since > PATIENCE;
    return this.#isOn;
  }

  /** Another person comes. */
  reset() {
    this.#usual = this.#since = 0;
    this.#isOn = false;
  }
}
