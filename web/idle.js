/**
 * An avatar that nobody drives: the rig moves it; or it performs, for a visitor without a camera.
 *
 * @import {Rig} from './rig/rig.js'
 */

import { smooth } from './rig/motion.js';

// A performance: seconds a syllable, and what is said.
const SYLLABLE = 0.17;
const TEXT = [
  ...'PP aa nn E sil sil ou oh RR ih sil FF aa CH E sil DD ih SS aa kk oh sil sil'.split(' '),
  ...'TH E RR ou nn aa sil sil sil'.split(' '),
];

// How much further than at rest the head goes while it performs.
const REACH = 2.2;
const SMILE = 0.14;

export class Idle {
  #rig;
  #visemes;
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
    this.#visemes = TEXT.map((name) => rig.channels.weights(visemes[name]));
    this.#rest = rig.channels.weights({ smile: SMILE });
    this.#script = this.#rest.slice();
  }

  /**
   * The landmarks of a moment.
   *
   * @param {number} now milliseconds
   * @param {Float32Array} out
   */
  landmarks(now, out) {
    this.#rig.reach = this.performs ? REACH : 1;
    this.#script.set(this.#rest);
    if (this.performs) this.#talk(now / 1000);
    return this.#rig.alone(now, out, this.#script);
  }

  /** Mouths one after the other, each eased into the next. @param {number} time seconds */
  #talk(time) {
    const at = time / SYLLABLE;
    const way = smooth(at - Math.floor(at));
    const one = this.#visemes[Math.floor(at) % TEXT.length];
    const two = this.#visemes[(Math.floor(at) + 1) % TEXT.length];
    for (let i = 0; i < one.length; i++) this.#script[i] += (1 - way) * one[i] + way * two[i];
  }
}
