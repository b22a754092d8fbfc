/**
 * From the sound of a voice to the mouth that makes it: how loud it is opens the jaw, where its spectrum lies
 * shapes the lips. Free of the DOM and of clocks; nothing is allocated for a block.
 */
import { Spectrum } from './spectrum.js';

/** Seconds in which two thirds of the way are gone, to a louder and to a softer voice; and to another shape. */
export const ATTACK = 0.02;
export const RELEASE = 0.1;
const TURN = 0.04;
/** Decibels below full scale that shut the mouth and that open it wholly; and how far sensitivity shifts them. */
const OPEN = -16;
const LEVELS = [-48, OPEN];
const SHIFT = 36;
/** Of a jaw that is open as far as it goes; and of what a hissing sound closes it. */
const JAW = 0.9;
const TEETH = 0.8;
/** Seconds of a block that is looked at. */
const BLOCK = 0.02;
/**
 * Hertz: where a voice begins, where an open vowel has its first formant, which closed ones have below, where
 * second formants lie, where hiss begins and ends.
 */
const LOW = 150;
const FIRST = [600, 1250];
const SECOND = [700, 3500];
const HISS = [3800, 9000];
/** The centroid of second formants, of rounded lips and of spread ones. */
const ROUND = [1400, 950];
const SPREAD = [1500, 2200];
/** The share of a first formant that is an open vowel's: of rounded lips, of others. */
const CLOSED = [0.9, 0.65];
/** The share of hiss that a vowel has at most, and that a hissing sound has. */
const HISSING = [0.45, 0.8];
/** Seconds of a step of what is heard ahead, and the share of steps that open the jaw less than wholly. */
const STEP = 0.01;
const LOUD = 0.95;
/** Steps of a minute: after each it is told how far it is. */
const MINUTE = 60 / STEP;
/** Decibels that a soft recording gets at most: what is softer is no voice. */
const MOST = 36;

const clamp = (/** @type {number} */ x) => Math.min(1, Math.max(0, x));
/** How far x is from the first to the second. @type {(x: number, range: number[]) => number} */
const part = (x, range) => clamp((x - range[0]) / (range[1] - range[0]));
const decibels = (/** @type {number} */ power) => 10 * Math.log10(power + 1e-12);

/** The mean square of samples. @param {ArrayLike<number>} samples */
export function power(samples) {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += samples[i] * samples[i];
  return samples.length ? sum / samples.length : 0;
}

export class Voice {
  #spectrum;
  #size;
  #hertz;
  #round;
  #spread;
  #hiss;
  #jaw;
  /** How much of each there is. */
  level = 0;
  round = 0;
  spread = 0;
  hiss = 0;
  /** 0 to 1: how soft a voice opens the mouth, and how far it opens at most. */
  sensitivity = 0.5;
  limit = 1;
  /** Decibels by which all is louder than it comes. */
  gain = 0;

  /**
   * @param {number} rate samples a second
   * @param {string[]} names of the channels, in the order of weights
   * @param {Record<string, Record<string, number>>} visemes of expressions.json
   */
  constructor(rate, names, visemes) {
    this.#size = 2 ** Math.ceil(Math.log2(BLOCK * rate));
    this.#spectrum = new Spectrum(this.#size);
    this.#hertz = rate / this.#size;
    this.#jaw = names.indexOf('jaw');
    const lips = (/** @type {string} */ viseme) =>
      Float64Array.from(names, (name, i) => (i === this.#jaw ? 0 : (visemes[viseme][name] ?? 0)));
    this.#round = lips('ou');
    this.#spread = lips('E');
    this.#hiss = lips('SS');
  }

  /** How many samples a block must have. */
  get size() {
    return this.#size;
  }

  /**
   * Hears on.
   *
   * @param {Float32Array} samples the newest, -1 to 1
   * @param {number} seconds since the last step
   */
  step(samples, seconds) {
    const shift = this.gain + SHIFT * (this.sensitivity - 0.5);
    const level = part(decibels(power(samples)) + shift, LEVELS);
    const pace = level > this.level ? ATTACK : RELEASE;
    this.level += (1 - Math.exp(-seconds / pace)) * (level - this.level);
    // Of silence there is no shape: the last one stays, and closes.
    if (!level) return;
    this.#spectrum.take(samples);
    const way = 1 - Math.exp(-seconds / TURN);
    const hiss = part(this.#sum(HISS[0], HISS[1]) / this.#sum(LOW, HISS[1]), HISSING);
    const closed = part(this.#sum(FIRST[0], FIRST[1]) / this.#sum(LOW, FIRST[1]), CLOSED);
    const centroid = this.#sum(SECOND[0], SECOND[1], 1) / this.#sum(SECOND[0], SECOND[1]);
    const vowel = 1 - hiss;
    this.hiss += way * (hiss - this.hiss);
    this.round += way * (vowel * closed * part(centroid, ROUND) - this.round);
    this.spread += way * (vowel * part(centroid, SPREAD) - this.spread);
  }

  /** Adds the weights of the mouth. @param {Float64Array} weights */
  add(weights) {
    const open = this.limit * this.level;
    for (let i = 0; i < weights.length; i++)
      weights[i] +=
        open *
        (this.round * this.#round[i] + this.spread * this.#spread[i] + this.hiss * this.#hiss[i]);
    weights[this.#jaw] += JAW * open * (1 - TEETH * this.hiss);
  }

  /**
   * The power between two frequencies, times a power of them.
   *
   * @type {(from: number, to: number, exponent?: number) => number}
   */
  #sum(from, to, exponent = 0) {
    const { power } = this.#spectrum;
    const last = Math.min(power.length - 1, Math.floor(to / this.#hertz));
    let sum = 0;
    for (let i = Math.ceil(from / this.#hertz); i <= last; i++)
      sum += power[i] * (i * this.#hertz) ** exponent;
    return sum + Number.MIN_VALUE;
  }
}

/**
 * All channels of a sound as one.
 *
 * @param {Float32Array[]} parts no fewer than one
 */
export function mixed(parts) {
  const samples = new Float32Array(parts[0].length);
  for (const part of parts)
    for (let i = 0; i < samples.length; i++) samples[i] += part[i] / parts.length;
  return samples;
}

/**
 * What a Track of a recording is made of, heard ahead: as a microphone's, but each block lies about its moment,
 * and the loudest of it opens the mouth as far as it goes.
 *
 * @param {Float32Array} samples of one channel
 * @param {number} rate samples a second
 * @param {string[]} names of the channels, in the order of weights
 * @param {Record<string, Record<string, number>>} visemes of expressions.json
 * @param {{sensitivity?: number, limit?: number}} [options] as a Voice has them
 * @param {(share: number) => void} [tell] is called after each minute of the sound
 */
export function heard(samples, rate, names, visemes, options = {}, tell = () => {}) {
  const voice = Object.assign(new Voice(rate, names, visemes), options);
  const { size } = voice;
  const count = samples.length ? Math.floor(samples.length / rate / STEP) + 2 : 0;
  const padded = new Float32Array(samples.length + Math.ceil(2 * STEP * rate) + size);
  padded.set(samples, size / 2);
  const block = (/** @type {number} */ i) => {
    const start = Math.round(i * STEP * rate);
    return padded.subarray(start, start + size);
  };
  const levels = Float64Array.from({ length: count }, (_, i) => decibels(power(block(i)))).sort();
  voice.gain = Math.min(MOST, OPEN - (levels[Math.floor(LOUD * count)] ?? OPEN));
  const times = Float64Array.from({ length: count }, (_, i) => i * STEP);
  const width = names.length;
  const weights = new Float64Array(count * width);
  for (let i = 0; i < count; i++) {
    if (i && i % MINUTE === 0) tell(i / count);
    voice.step(block(i), STEP);
    voice.add(weights.subarray(i * width, (i + 1) * width));
  }
  return { times, weights };
}
