/**
 * What a visitor has the avatar say: words, with a voice of this device's where there is one; a recording; what
 * the microphone hears. One at a time.
 *
 * @import {Director} from './director.js'
 * @import {Channels} from './rig/channels.js'
 * @import {Voice} from './lips/voice.js'
 * @import {Settings} from './settings.js'
 */
import { Hearing } from './hearing.js';
import { Speaker } from './lips/speaker.js';
import { spoken, Track } from './lips/visemes.js';
import { say } from './strings.js';

/** Samples a second that a recording is heard at. */
const RATE = 16000;
// Who listens to nothing loads no ears.
const ears = () => import('./lips/voice.js');
const MICROPHONE = { echoCancellation: false, noiseSuppression: true, autoGainControl: true };

/** What is said, and what its end takes. @typedef {{end(): void}} Turn */

export class Speech {
  #speaker;
  #channels;
  #visemes;
  #element;
  /** @type {Turn | undefined} */
  #turn;
  /** @type {Voice | undefined} */
  #voice;
  #levels = { sensitivity: 0.5, limit: 1 };
  #track = new Track([], []);
  #url = '';
  /** @type {Turn | undefined} that of the player */
  #recording;

  /**
   * @param {Director} director whose mouth it moves
   * @param {Channels} channels
   * @param {Record<string, Record<string, number>>} visemes of expressions.json
   * @param {(id: string) => any} element of the page
   */
  constructor(director, channels, visemes, element) {
    this.#speaker = director.speaker = new Speaker(channels.names.length);
    this.#channels = channels;
    this.#visemes = visemes;
    this.#element = element;
    const on = (/** @type {string} */ id, /** @type {string} */ kind, /** @type {any} */ act) =>
      element(id).addEventListener(kind, act);
    on('speak', 'click', () => this.#speak(element('words').value));
    on('hush', 'click', () => this.stop());
    on('listen', 'click', () => (this.#voice ? this.stop() : this.#listen()));
    on('voice-file', 'change', (/** @type {any} */ { target }) => {
      if (target.files.length) this.#load(target.files[0]);
      target.value = '';
    });
    on('player', 'play', () => this.#play());
    on('player', 'pause', () => {
      if (this.#turn && this.#turn === this.#recording) this.stop();
    });
    on('speech', 'input', (/** @type {any} */ { target }) => {
      if (target.type === 'range') this.#set({ [target.name]: Number(target.value) });
    });
    // The list of voices is fetched when it is first asked for.
    globalThis.speechSynthesis?.getVoices();
    this.#tell('speech.none');
  }

  /** @param {Settings} settings */
  apply({ sensitivity, limit }) {
    this.#set({ sensitivity, limit });
  }

  /** Ends what is said. */
  stop() {
    this.#end();
    this.#tell('speech.none');
  }

  /** @param {{sensitivity?: number, limit?: number}} levels */
  #set(levels) {
    Object.assign(this.#levels, levels);
    Object.assign(this.#voice ?? {}, this.#levels);
  }

  /** @type {(key: string, values?: Record<string, unknown>) => void} */
  #tell(key, values) {
    this.#element('speech-state').textContent = say(key, values);
    this.#element('listen').setAttribute('aria-pressed', `${!!this.#voice}`);
  }

  #end() {
    const turn = this.#turn;
    this.#turn = this.#voice = this.#speaker.speech = undefined;
    turn?.end();
  }

  /** What comes next takes the place of what is said. @param {() => void} end */
  #begin(end) {
    this.#end();
    return (this.#turn = { end });
  }

  /** Words. @param {string} text */
  #speak(text) {
    const track = spoken(text, this.#channels, this.#visemes);
    // Until a voice begins, it is no time at all.
    let begun = NaN;
    const voice = localVoice();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const turn = this.#begin(() => {
      clearTimeout(timer);
      if (voice) speechSynthesis.cancel();
    });
    const over = () => {
      if (this.#turn === turn) this.stop();
    };
    this.#speaker.speech = { add: (now, weights) => track.add((now - begun) / 1000, weights) };
    if (!voice) {
      begun = performance.now();
      timer = setTimeout(over, 1000 * track.duration);
      return this.#tell('speech.mute');
    }
    const utterance = new SpeechSynthesisUtterance(text);
    Object.assign(utterance, { voice, lang: voice.lang, onend: over, onerror: over });
    utterance.onstart = () => (begun = performance.now());
    // The voice has a pace of its own: each word begins when it says so.
    utterance.onboundary = ({ charIndex }) => {
      const start = track.start(charIndex);
      if (start !== undefined) begun = performance.now() - 1000 * start;
    };
    speechSynthesis.speak(utterance);
    this.#tell('speech.speaking', { voice: voice.name });
  }

  /** A recording, heard ahead. @param {File} file */
  async #load(file) {
    const player = this.#element('player');
    /** @type {Hearing | undefined} */
    let hearing;
    const turn = this.#begin(() => {
      player.pause();
      hearing?.end();
    });
    const refuse = (/** @type {string} */ key, /** @type {string} */ detail) => {
      if (this.#turn !== turn) return;
      this.#end();
      this.#tell(key, { detail });
    };
    this.#tell('speech.loading');
    let parts;
    try {
      const context = new OfflineAudioContext(1, 1, RATE);
      parts = channelsOf(await context.decodeAudioData(await file.arrayBuffer()));
    } catch {
      return refuse('speech.unreadable', file.name);
    }
    if (this.#turn !== turn) return;
    hearing = new Hearing();
    const tell = (/** @type {number} */ share) =>
      this.#tell('speech.hearing', { percent: Math.round(100 * share) });
    try {
      this.#track = await hearing.hear(parts, RATE, this.#channels.names, this.#visemes, tell);
    } catch (error) {
      return refuse('speech.unheard', /** @type {Error} */ (error).message);
    }
    URL.revokeObjectURL(this.#url);
    player.src = this.#url = URL.createObjectURL(file);
    player.hidden = false;
    this.stop();
    // Where the choice of a file is no gesture any more, the player waits for another.
    await player.play().catch(() => {});
  }

  #play() {
    const player = this.#element('player');
    this.#recording = this.#begin(() => player.pause());
    const track = this.#track;
    this.#speaker.speech = { add: (_, weights) => track.add(player.currentTime, weights) };
    this.#tell('speech.playing');
  }

  async #listen() {
    /** @type {MediaStream | undefined} */
    let stream;
    // Within the gesture, or it stays silent.
    const context = new AudioContext();
    const turn = this.#begin(() => {
      for (const track of stream?.getTracks() ?? []) track.stop();
      context.close();
    });
    this.#tell('speech.asking');
    const { Voice } = await ears();
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: MICROPHONE });
    } catch (error) {
      if (this.#turn !== turn) return;
      this.#end();
      const { name } = /** @type {Error} */ (error);
      return this.#tell(/NotAllowed|Security/.test(name) ? 'speech.refused' : 'speech.absent');
    }
    if (this.#turn !== turn) return turn.end();
    stream.getAudioTracks()[0].addEventListener('ended', () => {
      if (this.#turn !== turn) return;
      this.#end();
      this.#tell('speech.absent');
    });
    const voice = new Voice(context.sampleRate, this.#channels.names, this.#visemes);
    this.#voice = Object.assign(voice, this.#levels);
    const analyser = new AnalyserNode(context, { fftSize: voice.size });
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(voice.size);
    let before = NaN;
    this.#speaker.speech = {
      add(now, weights) {
        analyser.getFloatTimeDomainData(samples);
        voice.step(samples, Math.max(0, now - before) / 1000 || 0);
        before = now;
        voice.add(weights);
      },
    };
    this.#tell('speech.listening');
  }
}

/** An English voice of this device: those of others would be sent what is said. Android writes en_US. */
function localVoice() {
  const voices = globalThis.speechSynthesis?.getVoices() ?? [];
  const own = voices.filter(({ lang, localService }) => localService && /^en([-_]|$)/i.test(lang));
  return own.find((one) => one.default) ?? own[0];
}

/** Copies of a sound's channels. @param {AudioBuffer} sound */
function channelsOf(sound) {
  return Array.from({ length: sound.numberOfChannels }, (_, channel) => {
    const samples = new Float32Array(sound.length);
    sound.copyFromChannel(samples, channel);
    return samples;
  });
}
