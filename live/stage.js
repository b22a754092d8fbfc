/**
 * The stage on which Python has the page's actor: landmarks go in and out by memory that both see. What is bundled of
 * it, dist/stage.js, is all of the page's acting, and runs in any engine of JavaScript.
 *
 * @import {State} from '../web/director.js'
 */
import { Actor } from '../web/actor.js';
import { Speaker } from '../web/lips/speaker.js';
import { spoken, Track } from '../web/lips/visemes.js';
import { heard } from '../web/lips/voice.js';
import { EMOTIONS } from '../web/rig/emotions.js';

const LENGTH = 478 * 3;
/** What a tracker found, as its picture has it. */
export const seen = new Float32Array(LENGTH);
/** What is shown, as the generator's frame has it. */
export const shown = new Float32Array(LENGTH);
/** What there is to feel, one after the other. */
export const emotions = EMOTIONS.join();

/** @type {Actor} */
let actor;
/** @type {Record<string, Record<string, number>>} */
let visemes;
/** @type {Float32Array} */
let samples;

/** Comes on. @type {(expressions: string, framing: string) => void} contents of the .json files */
export function enter(expressions, framing) {
  const parsed = JSON.parse(expressions);
  ({ visemes } = parsed);
  actor = new Actor(parsed, JSON.parse(framing));
  actor.director.speaker = new Speaker(actor.rig.channels.names.length);
}

/** How much of a person's own shape stays, 0 to 1. @param {number} likeness */
export function resemble(likeness) {
  actor.shape.likeness = likeness;
}

/** What is felt. @param {string} intensities 0 to 1 by emotion, as JSON */
export function feel(intensities) {
  actor.rig.emotions.feel(JSON.parse(intensities));
}

/**
 * Follows the face that was seen, or that none was, and fills `shown`.
 *
 * @param {boolean} isSeen
 * @param {number} aspect how many times as wide as high the picture is
 * @param {number} time milliseconds
 * @returns {State}
 */
export function follow(isSeen, aspect, time) {
  actor.follower.follow({ time, aspect, landmarks: isSeen ? seen : undefined }, time);
  actor.director.landmarks(time, shown);
  return actor.director.state;
}

/** Says a text from time 0 on. @param {string} text English @returns {number} the seconds that it takes */
export function say(text) {
  return perform(spoken(text, actor.rig.channels, visemes));
}

/** Makes room for a recording. @param {number} length in samples */
export function makeRoom(length) {
  return (samples = new Float32Array(length));
}

/** Speaks from time 0 on as the recording in that room does. @param {number} rate samples a second */
export function hear(rate) {
  const { times, weights } = heard(samples, rate, actor.rig.channels.names, visemes);
  perform(new Track(times, weights));
  samples = new Float32Array(0);
}

/** @param {Track} track */
function perform(track) {
  if (actor.director.speaker)
    actor.director.speaker.speech = { add: (now, weights) => track.add(now / 1000, weights) };
  return track.duration;
}
