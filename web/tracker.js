/**
 * The page's end of the face tracker: one picture under way; a newer one takes the place of the one that
 * waits.
 *
 * @import {Found} from './tracker_worker.js'
 * @typedef {VideoFrame | ImageBitmap} Still
 */
import { say } from './strings.js';

export class Tracker {
  #worker;
  #isReady = false;
  #isBusy = false;
  /** @type {{take: () => Still | Promise<Still>, time: number} | undefined} */
  #waiting;
  /** @type {Float32Array | undefined} */
  #spare;
  #onFound;
  #onFailed;
  /** Pictures that gave way to newer ones. */
  dropped = 0;

  /**
   * @param {string} site the URL of the page's folder
   * @param {{delegate: 'CPU' | 'GPU', onReady: (ms: number) => void, onFound: (found: Found) => void,
   *   onFailed: (message: string) => void}} options
   */
  constructor(site, { delegate, onReady, onFound, onFailed }) {
    this.#onFound = onFound;
    this.#onFailed = onFailed;
    this.#worker = new Worker(new URL('./tracker_worker.js', import.meta.url), { type: 'module' });
    this.#worker.onerror = (event) => onFailed(event.message || say('lack.tracker'));
    this.#worker.onmessage = ({ data }) => {
      if (data.type === 'ready') {
        this.#isReady = true;
        onReady(data.ms);
        return void this.#next();
      }
      this.#isBusy = false;
      if (data.type === 'found') onFound(data);
      else onFailed(data.message);
      this.#next();
    };
    this.#worker.postMessage({ type: 'open', site, delegate });
  }

  /**
   * Looks for a face, as soon as the last picture is done, in what `take` then gives.
   *
   * @param {() => Still | Promise<Still>} take
   * @param {number} time when the picture was seen
   */
  look(take, time) {
    if (this.#waiting) this.dropped++;
    this.#waiting = { take, time };
    this.#next();
  }

  /** @param {Float32Array} landmarks those of a `Found`, to be used again */
  giveBack(landmarks) {
    this.#spare = landmarks;
  }

  /** Forgets the picture that waits. */
  rest() {
    this.#waiting = undefined;
  }

  close() {
    this.#worker.terminate();
    this.#waiting = undefined;
  }

  async #next() {
    if (this.#isBusy || !this.#isReady || !this.#waiting) return;
    const { take, time } = this.#waiting;
    this.#waiting = undefined;
    this.#isBusy = true;
    try {
      const taken = take();
      const picture = taken instanceof Promise ? await taken : taken;
      const spare = this.#spare;
      this.#spare = undefined;
      const transfer = spare ? [picture, spare.buffer] : [picture];
      this.#worker.postMessage({ type: 'frame', picture, time, spare }, transfer);
    } catch (error) {
      this.#isBusy = false;
      this.#onFailed(error instanceof Error ? error.message : `${error}`);
    }
  }
}
