/**
 * What the avatar says at a moment, from whatever it is given to say. Free of the DOM and of clocks; nothing is
 * allocated for a frame.
 *
 * @typedef {{add(now: number, weights: Float64Array): void}} Speech  adds the weights of a moment, milliseconds
 */

/** Seconds in which a mouth that is interrupted closes by two thirds, and weights that are none. */
const FADE = 0.06;
const LEAST = 1e-3;

export class Speaker {
  #weights;
  #time = NaN;
  #isFading = false;
  /** @type {Speech | undefined} what is said, until it is taken away */
  speech;

  /** @param {number} width how many weights there are */
  constructor(width) {
    this.#weights = new Float64Array(width);
  }

  /** Whether the mouth is the speaker's. */
  get isMoving() {
    return !!this.speech || this.#isFading;
  }

  /**
   * The weights of a moment, if anything is said.
   *
   * @param {number} now milliseconds
   */
  script(now) {
    const weights = this.#weights;
    const seconds = Math.max(0, (now - this.#time) / 1000) || 0;
    this.#time = now;
    if (this.speech) {
      this.#isFading = true;
      weights.fill(0);
      this.speech.add(now, weights);
    } else if (this.#isFading) this.#fade(Math.exp(-seconds / FADE));
    return this.isMoving ? weights : undefined;
  }

  /** @param {number} share that remains */
  #fade(share) {
    this.#isFading = false;
    for (let i = 0; i < this.#weights.length; i++) {
      this.#weights[i] *= share;
      if (Math.abs(this.#weights[i]) > LEAST) this.#isFading = true;
    }
  }
}
