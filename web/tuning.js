/**
 * How many frames a second a device is asked for: a tier, or by measuring. Measured, it goes down quickly,
 * and up only after a long while, so that it never flips.
 *
 * @typedef {'weak' | 'mid' | 'strong'} Tier
 */
import { Meter } from './meters.js';
import { TIERS } from './settings.js';

const ORDER = /** @type {const} */ (['weak', 'mid', 'strong']);
/** What comes first is shaders, caches, and a page that opens. */
export const IGNORED_MS = 4000;
const WINDOW = 60;
export const COOLDOWN_MS = 60000;
const SHARE = 0.9;
// A tier is sustained if its slowest frames take no more than this share of their time.
const DOWN = 1.1;
const UP = 0.6;

export class Tuning {
  #costs = new Meter(WINDOW);
  #started = NaN;
  #changed = -Infinity;
  /** @type {Tier} */
  tier;

  /** @param {Tier} tier to begin with */
  constructor(tier) {
    this.tier = tier;
  }

  /**
   * Takes a frame's cost.
   *
   * @param {number} ms
   * @param {number} now milliseconds
   * @returns {boolean} whether the tier changed
   */
  measured(ms, now) {
    if (Number.isNaN(this.#started)) this.#started = now;
    if (now - this.#started < IGNORED_MS) return false;
    this.#costs.add(ms);
    if (this.#costs.count < WINDOW) return false;
    const cost = this.#costs.percentile(SHARE);
    this.#costs = new Meter(WINDOW);
    const at = ORDER.indexOf(this.tier);
    const time = (/** @type {number} */ i) => 1000 / TIERS[ORDER[i]];
    if (at > 0 && cost > DOWN * time(at)) return this.#enter(at - 1, now);
    const rested = now - this.#changed >= COOLDOWN_MS;
    if (at + 1 < ORDER.length && rested && cost < UP * time(at + 1))
      return this.#enter(at + 1, now);
    return false;
  }

  /** @type {(at: number, now: number) => boolean} */
  #enter(at, now) {
    this.tier = ORDER[at];
    this.#changed = now;
    return true;
  }
}
