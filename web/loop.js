/**
 * What happens between a source and the avatar: pictures go to the tracker, the landmarks that it finds are
 * smoothed and placed as the generator's frame has them, the director says what is shown, and the avatar's
 * worker shows it. No frame ever waits behind another: what is newer takes its place.
 *
 * @import {Avatar, Shown} from './avatar.js'
 * @import {Director} from './director.js'
 * @import {Source} from './sources.js'
 * @import {Tracker} from './tracker.js'
 * @import {Found} from './tracker_worker.js'
 * @import {Follower} from './follower.js'
 */
import { Meter, Rate, Trend } from './meters.js';

/** After which a picture that was only moved, and stays, comes from the generator; milliseconds. */
const STANDSTILL_MS = 200;

export class Loop {
  #avatar;
  #director;
  #follower;
  #isDue = false;
  #isRunning = false;
  #shownAt = -Infinity;
  /** When the last frame was ready. */
  #readyAt = -Infinity;
  #handle = 0;
  /** @type {(out: Float32Array) => void} */
  #fill;
  #now = 0;
  /** When the landmarks that are shown were seen, on the page's clock. */
  #seenAt = NaN;
  /** @type {Tracker | undefined} */
  tracker;
  /** @type {Source | undefined} */
  source;
  /** Faces in the last picture; undefined before there was one. */
  faces = /** @type {number | undefined} */ (undefined);
  /** Pictures of this source that were looked at, and those of them with a face. */
  tracked = { looked: 0, found: 0 };
  /** Frames of this visit: by the generator, and its last picture moved. */
  frames = { made: 0, moved: 0 };
  /** Whether what is seen is the generator's last picture, moved. */
  isMoved = false;
  /** Milliseconds from frame to frame, at least. */
  interval = 1000 / 40;
  /** @type {((found: Found) => void) | undefined} */
  onFound;

  rates = { shown: new Rate(), tracked: new Rate() };
  /** Milliseconds of each part of a frame. */
  meters = {
    detect: new Meter(),
    align: new Meter(),
    draw: new Meter(),
    submit: new Meter(),
    generate: new Meter(),
    move: new Meter(),
    latency: new Meter(),
  };
  heap = new Trend();
  /** Milliseconds of the page's own thread, for each frame. */
  own = new Meter();
  #ownMs = 0;

  /**
   * @param {{avatar: Avatar, director: Director, follower: Follower}} parts
   */
  constructor({ avatar, director, follower }) {
    this.#avatar = avatar;
    this.#director = director;
    this.#follower = follower;
    this.#fill = (out) => void director.landmarks(this.#now, out);
  }

  get state() {
    return this.#director.state;
  }

  /** Goes on, as when the page is seen again. */
  run() {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.source?.resume();
    this.#handle = requestAnimationFrame(this.#tick);
  }

  /** Rests: nothing is tracked, made or shown. */
  pause() {
    this.#isRunning = false;
    cancelAnimationFrame(this.#handle);
    this.source?.pause();
    this.tracker?.rest();
    this.#follower.pause();
  }

  /**
   * Takes a face from another source.
   *
   * @param {Source | undefined} source
   */
  use(source) {
    this.source?.close();
    this.source = source;
    this.faces = undefined;
    Object.assign(this.tracked, { looked: 0, found: 0 });
    this.tracker?.rest();
    this.#follower.end(performance.now());
    if (!this.#isRunning) source?.pause();
  }

  /** @param {Found} found by the tracker */
  found(found) {
    const start = performance.now();
    if (!this.source) return;
    this.rates.tracked.tick(start);
    this.meters.detect.add(found.detect);
    this.faces = found.faces;
    this.tracked.looked++;
    if (found.landmarks) this.tracked.found++;
    this.onFound?.(found);
    const before = performance.now();
    this.#follower.follow(found, start);
    if (found.landmarks) {
      this.#seenAt = found.time;
      this.tracker?.giveBack(found.landmarks);
      this.meters.align.add(performance.now() - before);
    }
    this.#isDue = true;
    this.#show(performance.now());
    this.#ownMs += performance.now() - start;
  }

  /** @param {Shown} shown by the avatar */
  shown({ time, times, isMade, frames }) {
    this.frames = frames;
    const now = performance.now();
    this.rates.shown.tick(now);
    this.#readyAt = now;
    this.isMoved = !isMade;
    if (isMade) {
      this.meters.draw.add(times.draw);
      this.meters.submit.add(times.submit);
      this.meters.generate.add(times.generate);
    } else this.meters.move.add(times.generate);
    if (!Number.isNaN(time)) this.meters.latency.add(now - time);
    this.own.add(this.#ownMs);
    this.#ownMs = 0;
    if (this.#isDue) this.#show(now);
  }

  #tick = (/** @type {number} */ now) => {
    if (!this.#isRunning) return;
    this.#handle = requestAnimationFrame(this.#tick);
    const start = performance.now();
    if (this.#director.isMoving(now) || this.#stands(now)) this.#isDue = true;
    if (this.#isDue) this.#show(now);
    this.#ownMs += performance.now() - start;
  };

  /** @param {number} now */
  #show(now) {
    // A little early is in time: screens have a beat of their own.
    const isEarly = now - this.#shownAt < this.interval - 4;
    if (!this.#isRunning || isEarly || this.#avatar.isBusy) return;
    this.#isDue = false;
    this.#shownAt = now;
    this.#now = now;
    const isFinal = this.#stands(now);
    const seen = this.state === 'live' && !isFinal ? this.#seenAt : NaN;
    this.#avatar.show(this.#fill, seen, isFinal);
  }

  /** Whether a moved picture has been seen for long enough, and none is under way. @param {number} now */
  #stands(now) {
    return this.isMoved && !this.#avatar.isBusy && now - this.#readyAt >= STANDSTILL_MS;
  }
}
