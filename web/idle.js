/**
 * An avatar that nobody drives: the rig moves it; or it performs, for a visitor without a camera.
 *
 * @import {Rig} from './rig/rig.js'
 */

import { spoken } from './lips/visemes.js';

// What is said in a performance, again and again.
const TEXT =
  'Hello. I am the avatar. I have no camera, so I act by myself: I look about, I blink, and I speak. ' +
  'Show me your face, and I will follow you.';

// How much further than at rest the head goes while it performs.
const REACH = 2.2;
const SMILE = 0.14;

export class Idle {
  #rig;
  #track;
  #rest;
  #script;
  /** Whether it performs: talks and turns its head. */
  performs = false;

  /**
   * @param {Rig} rig
   * @param {Record<string, Record<string, number>>} visemes
   */
  constructor(rig, visemes) {
    this.#rig = rig;
    this.#track = spoken(TEXT, rig.channels, visemes);
    this.#rest = rig.channels.weights({ smile: SMILE });
    this.#script = this.#rest.slice();
  }

  /**
   * The landmarks of a moment.
   *
   * @param {number} now milliseconds
   * @param {Float32Array} out
   * @param {ArrayLike<number>} [said] weights of what it is given to say, which it does not talk over
   */
  landmarks(now, out, said) {
    this.#rig.reach = this.performs ? REACH : 1;
    this.#script.set(this.#rest);
    if (said) for (let i = 0; i < said.length; i++) this.#script[i] += said[i];
    else if (this.performs) this.#track.add((now / 1000) % this.#track.duration, this.#script);
    return this.#rig.alone(now, out, this.#script);
  }
}
