/** The page's end of what hears a recording ahead: a worker for each, which goes when it is done or not wanted. */
import { Track } from './lips/visemes.js';

export class Hearing {
  #worker = new Worker(new URL('./hearing_worker.js', import.meta.url), { type: 'module' });

  /**
   * The track of a recording. Once it is ended, it never comes.
   *
   * @param {Float32Array[]} parts the channels of the sound, which are given away
   * @param {number} rate samples a second
   * @param {string[]} names of the face's channels, in the order of weights
   * @param {Record<string, Record<string, number>>} visemes of expressions.json
   * @param {(share: number) => void} tell how far it is
   * @returns {Promise<Track>} rejects with an Error where the worker fails
   */
  hear(parts, rate, names, visemes, tell) {
    return new Promise((resolve, reject) => {
      this.#worker.onerror = ({ message }) => {
        this.end();
        reject(new Error(message ?? 'hearing_worker.js'));
      };
      this.#worker.onmessage = ({ data: { share, times, weights } }) => {
        if (!times) return tell(share);
        this.end();
        resolve(new Track(times, weights));
      };
      const buffers = parts.map(({ buffer }) => buffer);
      this.#worker.postMessage({ parts, rate, names, visemes }, buffers);
    });
  }

  end() {
    this.#worker.terminate();
  }
}
