/**
 * A recording of a canvas, with or without sound. The encoder of a slow machine gives its first bytes late, and
 * what it has not made when it is stopped is lost: so the end waits for them.
 *
 * @typedef {'off' | 'starting' | 'on' | 'saving'} State
 */
import { SourceError } from './sources.js';
import { FRAMES, save } from './takes.js';

const TYPES = ['video/mp4;codecs=avc1,mp4a.40.2', 'video/webm;codecs=vp9,opus', 'video/webm'];
const SLICE_MS = 250;
/** How long the end waits for the encoder. */
export const PATIENCE_MS = 15000;

export class Recorder {
  #onState;
  #onFailed;
  #stop = () => {};
  /** @type {State} */
  state = 'off';
  /** What the encoder has given so far. */
  bytes = 0;

  /**
   * @param {() => void} onState is told that the state is another
   * @param {(error: any) => void} onFailed
   */
  constructor(onState, onFailed) {
    this.#onState = onState;
    this.#onFailed = onFailed;
  }

  /**
   * Starts a recording; or ends it, and saves what there is of it. One that is asked for or being saved goes on.
   *
   * @param {() => HTMLCanvasElement} take gives the canvas, when nothing is recorded yet
   * @param {string} name of the file, without its kind
   * @param {boolean} hasSound whether the microphone is asked for
   */
  async toggle(take, name, hasSound) {
    if (this.state === 'on') this.#stop();
    if (this.state !== 'off') return;
    const canvas = take();
    this.#enter('starting');
    /** @type {MediaStream | undefined} */
    let stream;
    try {
      stream = canvas.captureStream(FRAMES);
      if (hasSound) for (const track of await voiceTracks()) stream.addTrack(track);
      const blob = await this.#encoded(stream);
      if (blob.size) save(blob, `${name}.${/mp4/.test(blob.type) ? 'mp4' : 'webm'}`);
    } catch (error) {
      this.#onFailed(error);
    } finally {
      for (const track of stream?.getTracks() ?? []) track.stop();
      this.#enter('off');
    }
  }

  /**
   * What is encoded of a stream until it is stopped, or ends by itself.
   *
   * @param {MediaStream} stream
   * @throws {SourceError} there is nothing, and no error that was told says why
   */
  async #encoded(stream) {
    const type = TYPES.find((one) => MediaRecorder.isTypeSupported(one));
    const recorder = new MediaRecorder(stream, type ? { mimeType: type } : undefined);
    /** @type {Blob[]} */
    const parts = [];
    this.bytes = 0;
    let isTold = false;
    const asked = signal((stop) => (this.#stop = stop));
    const ended = signal((end) => (recorder.onstop = end));
    const begun = signal((begin) => {
      recorder.ondataavailable = ({ data }) => {
        if (!data.size) return;
        parts.push(data);
        this.bytes += data.size;
        begin();
      };
    });
    recorder.onerror = (/** @type {any} */ { error }) => {
      isTold = true;
      this.#onFailed(error);
      this.#stop();
    };
    recorder.start(SLICE_MS);
    this.#enter('on');
    await Promise.race([asked, ended]);
    this.#enter('saving');
    if (!isTold) await inTime(Promise.race([begun, ended]));
    if (recorder.state !== 'inactive') recorder.stop();
    await inTime(ended);
    if (!parts.length && !isTold) throw new SourceError('unrecorded', `${PATIENCE_MS / 1000}`);
    return new Blob(parts, { type: recorder.mimeType });
  }

  /** @param {State} state */
  #enter(state) {
    this.state = state;
    this.#onState();
  }
}

/** The tracks of the microphone. @throws {SourceError} */
async function voiceTracks() {
  try {
    return (await navigator.mediaDevices.getUserMedia({ audio: true })).getTracks();
  } catch (error) {
    throw new SourceError('microphone', /** @type {Error} */ (error).message);
  }
}

/**
 * What resolves when the function that is handed on is called.
 *
 * @param {(resolve: () => void) => void} hand
 * @returns {Promise<void>}
 */
const signal = (hand) => new Promise((resolve) => hand(() => resolve()));

/** Waits for what may never come, for as long as the patience lasts. @param {Promise<void>} event */
async function inTime(event) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  await Promise.race([event, signal((resolve) => (timer = setTimeout(resolve, PATIENCE_MS)))]);
  clearTimeout(timer);
}
