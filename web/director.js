/**
 * Decides what face the avatar shows: the one that the tracker finds, that one held for a moment when it is
 * lost, or an idle one; from one to the other it eases, so that nothing jumps. Free of the DOM and of
 * clocks: every call is given the time.
 *
 * @import {Idle} from './idle.js'
 * @import {Speaker} from './lips/speaker.js'
 * @import {Rig} from './rig/rig.js'
 * @typedef {'idle' | 'live' | 'held'} State
 */

import { smooth } from './rig/motion.js';

const LENGTH = 478 * 3;
/** How long a lost face stays before the avatar turns to itself, milliseconds. */
export const HOLD_MS = 700;
/** How long the way from one face to another takes; and to a face that was lost for a moment only. */
export const EASE_MS = 600;
export const FOUND_MS = 150;

export class Director {
  #idle;
  #rig;
  #live = new Float32Array(LENGTH);
  /** What was shown last, and where an easing began. */
  #shown = new Float32Array(LENGTH);
  #from = new Float32Array(LENGTH);
  #target = new Float32Array(LENGTH);
  #seen = -Infinity;
  #easedAt = -Infinity;
  #easeMs = EASE_MS;
  #hasShown = false;
  /** @type {State} */
  state = 'idle';
  /** @type {Speaker | undefined} what moves the mouth beside */
  speaker;

  /**
   * @param {Idle} idle
   * @param {Rig} rig what acts over the face that is found
   */
  constructor(idle, rig) {
    this.#idle = idle;
    this.#rig = rig;
  }

  /**
   * A face was found.
   *
   * @param {ArrayLike<number>} landmarks as the generator's frame has them
   * @param {number} now milliseconds
   */
  found(landmarks, now) {
    this.#live.set(landmarks);
    this.#seen = now;
    this.#enter('live', now);
  }

  /** No face was found. @param {number} now */
  lost(now) {
    if (this.state === 'live') this.#enter('held', now);
  }

  /** The source ended. @param {number} now */
  end(now) {
    this.#seen = -Infinity;
    this.#rig.end();
    if (this.state !== 'idle') this.#enter('idle', now);
  }

  /**
   * What to show now.
   *
   * @param {number} now
   * @param {Float32Array} out
   */
  landmarks(now, out) {
    if (this.state === 'held' && now - this.#seen > HOLD_MS) this.#enter('idle', now);
    const said = this.speaker?.script(now);
    const target =
      this.state === 'idle'
        ? this.#idle.landmarks(now, this.#target, said)
        : this.#rig.over(this.#live, now, this.#target, said);
    const way = smooth((now - this.#easedAt) / this.#easeMs);
    if (way < 1)
      for (let i = 0; i < LENGTH; i++) out[i] = this.#from[i] + way * (target[i] - this.#from[i]);
    else out.set(target);
    this.#shown.set(out);
    this.#hasShown = true;
    return out;
  }

  /** Whether the picture changes though the tracker says nothing new. @param {number} now */
  isMoving(now) {
    const acts = this.#rig.isMoving || !!this.speaker?.isMoving;
    return this.state !== 'live' || acts || now - this.#easedAt < this.#easeMs;
  }

  /** @type {(state: State, now: number) => void} */
  #enter(state, now) {
    if (state === this.state) return;
    const before = this.state;
    this.state = state;
    if (state === 'held' || !this.#hasShown) return;
    this.#from.set(this.#shown);
    this.#easedAt = now;
    this.#easeMs = before === 'held' && state === 'live' ? FOUND_MS : EASE_MS;
  }
}
