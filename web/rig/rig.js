/**
 * A face that acts: blinks, a head that sways, eyes that look about, breath, brows, emotions, and the weights
 * that sliders and speech give; alone on the canonical face, or over that of a person.
 *
 * Every channel is a displacement on the canonical face, and they add up. Over a person, who is where their
 * landmarks say (scale s, rotation R), a displacement d becomes s R d of theirs: pose, size and place stay.
 * The sway is a rigid turn, and comes last: one before the alignment would be taken for the person's pose.
 *
 * Free of the DOM and of clocks: every call is given the time. Nothing is allocated for a frame.
 *
 * @import {Expressions} from '../../face/head.js'
 * @import {Framing} from '../../face/procrustes.js'
 * @typedef {Float32Array | Float64Array} Landmarks  478 * 3 numbers, as the generator's frame has them
 */
import { Head, rotationOf } from '../../face/head.js';
import { Similarity, TrainingFrame, UPRIGHT } from '../../face/procrustes.js';
import { Assist, blinks } from './blink.js';
import { Breath } from './breath.js';
import { brows } from './brows.js';
import { Calibration } from './calibration.js';
import { Channels } from './channels.js';
import { Emotions } from './emotions.js';
import { Gaze } from './gaze.js';
import { numbers } from './random.js';
import { Sway, turn } from './sway.js';

/** How much there is of each, 0 to 1. */
export const LEVELS = { blink: 1, sway: 0.5, gaze: 0.5, breath: 0.5, brows: 0.5, contact: 0 };
/** Degrees that the head rises with a breath. */
const BREATH = 1.2;

export class Rig {
  #head;
  #frame;
  #pivot;
  #time = NaN;
  #blinks;
  #brows;
  #sway;
  #gaze;
  #breath = new Breath();
  #assist = new Assist();
  #isAssisted = false;
  #isTouched = false;
  #lids;
  #brow;
  #placement = new Similarity();
  #points = new Float64Array(3 * 478);
  #field = new Float64Array(3 * 478);
  #openness = new Float64Array(2);
  #sight = new Float64Array(2);
  #turn = new Float64Array(9);
  #about = new Float64Array(3);
  channels;
  emotions;
  calibration;
  levels = { ...LEVELS };
  /** How much further than at rest the head goes. */
  reach = 1;
  /** Whether a person's head sways, breathes and raises its brows, too. */
  isLayered = false;
  /** Whether the rig blinks for a person who does not. */
  assists = true;
  /** The weights that sliders give. */
  manual;
  /** What was shown last: weights; gaze right and up; pitch, yaw and roll in degrees. */
  weights;
  gaze = new Float64Array(2);
  pose = new Float64Array(3);

  /**
   * @param {Expressions} expressions the content of expressions.json
   * @param {Framing} framing the content of framing.json
   * @param {number} [seed] the same seed acts the same
   */
  constructor(expressions, framing, seed = 1) {
    this.#head = new Head(expressions, framing);
    this.#frame = new TrainingFrame(framing);
    this.#pivot = framing.pivot;
    this.channels = new Channels(expressions);
    this.emotions = new Emotions(expressions, this.channels.names);
    this.#gaze = new Gaze(expressions);
    this.calibration = new Calibration(this.#gaze.straight);
    const [a, b, c] = [1, 2, 3].map((stream) => numbers(seed * 7919 + stream * 104729));
    this.#blinks = blinks(a);
    this.#brows = brows(b);
    this.#sway = new Sway(c);
    this.weights = new Float64Array(this.channels.names.length);
    this.manual = new Float64Array(this.channels.names.length);
    this.#lids = ['blink_right', 'blink_left'].map((name) => this.channels.names.indexOf(name));
    this.#brow = this.channels.names.indexOf('brow_up');
  }

  /**
   * The landmarks of a moment, of a face that nobody drives.
   *
   * @param {number} now milliseconds
   * @param {Landmarks} out
   * @param {ArrayLike<number>} [script] weights that are added: what is said
   */
  alone(now, out, script) {
    this.#step(now);
    this.#compose(script, this.levels.blink, this.levels.brows);
    this.#look(1);
    this.channels.limit(this.weights);
    return this.#head.move(this.weights, this.gaze, this.pose, out);
  }

  /**
   * The landmarks of a moment, of a person's.
   *
   * @param {Landmarks} landmarks
   * @param {number} now milliseconds
   * @param {Landmarks} out
   * @param {ArrayLike<number>} [script] weights that are added: what is said
   */
  over(landmarks, now, out, script) {
    const seconds = this.#step(now);
    this.#isTouched = false;
    this.#openness[0] = this.channels.openness(landmarks, 0);
    this.#openness[1] = this.channels.openness(landmarks, 1);
    const openness = (this.#openness[0] + this.#openness[1]) / 2;
    this.#isAssisted = this.#assist.step(openness, seconds, this.#blinks.value) && this.assists;
    const layer = this.isLayered ? 1 : 0;
    this.#compose(script, this.#isAssisted ? this.levels.blink : 0, layer * this.levels.brows);
    this.#look(layer);
    this.channels.limit(this.weights);
    out.set(landmarks);
    if (this.isStill) return out;
    this.#frame.placement(landmarks, 1, this.#placement);
    this.#displace(landmarks, seconds, out);
    if (this.pose[0] || this.pose[1] || this.pose[2]) {
      this.#placement.forward(this.#pivot, this.#about);
      turn(out, this.#about, rotationOf(this.pose, this.#turn));
    }
    return out;
  }

  /** Whether a person's face was left as it is. */
  get isStill() {
    if (this.levels.contact || this.calibration.state !== 'none') return false;
    for (let i = 0; i < this.weights.length; i++) if (this.weights[i]) return false;
    return !this.pose[0] && !this.pose[1] && !this.pose[2];
  }

  /** Whether a person's face changes though their landmarks do not. */
  get isMoving() {
    const blinks = this.#isAssisted && this.#blinks.value > 0;
    return this.#isTouched || this.isLayered || blinks || this.emotions.isMoving;
  }

  /** Something was set anew, so that a face is another than before. */
  touch() {
    this.#isTouched = true;
  }

  /** The person goes; the next one blinks otherwise. */
  end() {
    this.#assist.reset();
    this.#isAssisted = false;
  }

  /** @param {number} now @returns the seconds that have gone by */
  #step(now) {
    const seconds = Math.max(0, (now - this.#time) / 1000) || 0;
    this.#time = now;
    this.#blinks.step(seconds);
    this.#brows.step(seconds);
    this.#sway.step(seconds);
    this.#breath.step(seconds);
    this.emotions.step(seconds);
    return seconds;
  }

  /** @type {(script: ArrayLike<number> | undefined, blink: number, brows: number) => void} */
  #compose(script, blink, brows) {
    const { weights, manual } = this;
    for (let i = 0; i < weights.length; i++) weights[i] = manual[i] + (script ? script[i] : 0);
    this.emotions.add(weights);
    for (let side = 0; side < 2; side++) weights[this.#lids[side]] += blink * this.#blinks.value;
    weights[this.#brow] += brows * this.#brows.value;
  }

  /** Turns head and eyes. @param {number} share of it all */
  #look(share) {
    const { levels, pose } = this;
    const { head, sight } = this.#sway;
    const sway = share * this.reach * levels.sway;
    for (let i = 0; i < 3; i++) pose[i] = sway * head[i];
    pose[0] -= share * levels.breath * BREATH * (this.#breath.value - 0.5);
    const wander = share * levels.gaze * (1 - levels.contact);
    for (let i = 0; i < 2; i++) this.#sight[i] = wander * sight[i];
    this.#gaze.within(this.#sight, pose, this.gaze);
  }

  /** @type {(landmarks: Landmarks, seconds: number, out: Landmarks) => void} */
  #displace(landmarks, seconds, out) {
    const { channels, calibration, levels, weights } = this;
    const points = this.#points;
    for (let i = 0; i < points.length; i++) points[i] = UPRIGHT[i % 3] * landmarks[i];
    this.#placement.inverse(points, points);
    calibration.take(points, seconds);
    const field = this.#field;
    field.set(calibration.offset);
    for (let i = 0; i < points.length; i++) points[i] += field[i];
    for (let side = 0; side < 2; side++) this.#openness[side] = channels.openness(points, side);
    channels.add(weights, field, this.#openness);
    this.#gaze.add(this.gaze, field);
    this.#gaze.addContact(levels.contact, points, this.#placement, field);
    const { scale, rotation: r } = this.#placement;
    for (let i = 0; i < field.length; i += 3)
      for (let k = 0; k < 3; k++) {
        const along =
          r[3 * k] * field[i] + r[3 * k + 1] * field[i + 1] + r[3 * k + 2] * field[i + 2];
        out[i + k] += UPRIGHT[k] * scale * along;
      }
  }
}
