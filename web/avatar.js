/**
 * The page's end of the avatar's worker: landmarks go there, pictures appear on the canvases that were
 * handed over.
 *
 * @typedef {{id: number, time: number, times: import('./avatar_worker.js').Times, isMade: boolean, frames: {made:
 *   number, moved: number}, differing?: {differing: number, of: number}}} Shown  whether the generator made this
 *   one; how many it has made, and how many were moved
 */

const LENGTH = 478 * 3;
const BUFFERS = 3;

export class Avatar {
  #worker;
  /** @type {Float32Array[]} */
  #free = Array.from({ length: BUFFERS }, () => new Float32Array(LENGTH));
  #id = 0;
  #captures = new Map();
  #under = 0;
  dropped = 0;

  /**
   * @param {{onLoading: (share: number) => void, onReady: (facts: any) => void, onShown: (shown: Shown) => void, onFailed: (error: {code: string,
   *   message: string}) => void}} options
   */
  constructor({ onLoading, onReady, onShown, onFailed }) {
    this.#worker = new Worker(new URL('./avatar_worker.js', import.meta.url), { type: 'module' });
    this.#worker.onerror = ({ message }) => onFailed({ code: 'worker', message });
    this.#worker.onmessage = ({ data }) => {
      if (data.landmarks) this.#free.push(data.landmarks);
      if (data.type === 'ready') onReady(data);
      else if (data.type === 'loading') onLoading(data.share);
      else if (data.type === 'captured') this.#captures.get(data.id)?.(data);
      else if (data.type === 'failed') onFailed(data);
      else {
        this.#under--;
        if (data.type === 'shown') onShown(data);
        else this.dropped++;
      }
    };
  }

  /** Whether a frame is under way. */
  get isBusy() {
    return this.#under > 0;
  }

  /** @param {object} request what avatar_worker.js opens */
  open(request) {
    this.#worker.postMessage({ type: 'open', ...request });
  }

  /**
   * Hands a canvas of the page over; or none, where what it would show is not seen any more.
   *
   * @param {string} name
   * @param {HTMLCanvasElement} [canvas]
   */
  give(name, canvas) {
    if (!canvas) return this.#worker.postMessage({ type: 'canvas', name });
    const offscreen = canvas.transferControlToOffscreen();
    this.#worker.postMessage({ type: 'canvas', name, canvas: offscreen }, [offscreen]);
  }

  /**
   * @param {object} look
   * @param {boolean} counts whether differing values are counted
   * @param {string} background what is behind the avatar
   * @param {number} every at the latest each so many frames the generator makes one
   * @param {number} slack by how much the limits are wider at which it makes one in any case
   */
  look(look, counts, background, every, slack) {
    this.#worker.postMessage({ type: 'look', look, counts, background, every, slack });
  }

  /**
   * Shows a face.
   *
   * @param {(out: Float32Array) => void} fill writes its landmarks
   * @param {number} time when it was seen
   * @param {boolean} isFinal whether the generator must make it, because no other may follow soon
   */
  show(fill, time, isFinal) {
    const landmarks = this.#free.pop();
    // All of them are under way: the next frame will be newer.
    if (!landmarks) return;
    fill(landmarks);
    this.#under++;
    this.#worker.postMessage({ type: 'frame', id: ++this.#id, landmarks, time, isFinal }, [
      landmarks.buffer,
    ]);
  }

  /**
   * The bytes that the generator was given for the last face, and those that it made of them, RGBA.
   *
   * @returns {Promise<{input: Uint8ClampedArray, output: Uint8ClampedArray}>}
   */
  capture() {
    const id = ++this.#id;
    return new Promise((resolve) => {
      this.#captures.set(id, (/** @type {any} */ captured) => {
        this.#captures.delete(id);
        resolve(captured);
      });
      this.#worker.postMessage({ type: 'capture', id });
    });
  }
}
