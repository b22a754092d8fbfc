/**
 * What the page says while it runs, so that another language is another table; what always stands on it is in
 * index.html. `{name}` stands for a value.
 */

/** @type {Record<string, string>} */
const EN = {
  'state.loading': 'Loading the avatar: {percent} %',
  'state.idle': 'Nobody drives the avatar. Start the camera, or drop a picture or a video here.',
  'state.performing': 'The avatar performs by itself: no camera is on.',
  'state.tracker': 'Loading the face tracker…',
  'state.live': 'Your face drives the avatar. Nothing leaves this device.',
  'state.held': 'Your face is hidden: the avatar waits a moment.',
  'state.noface': 'No face is in view. Sit before the camera, with light on your face.',
  'state.faces': 'There are {faces} faces: the nearest drives the avatar.',
  'state.hidden': 'Paused while this tab is hidden.',
  'state.recording': 'Recording.',
  'state.saving': 'The recording is being saved…',
  'error.insecure':
    'A camera needs a secure page. Open this one over https, or on this machine as localhost.',
  'error.refused':
    'The camera was refused. Allow it in the address bar, then start it again; or watch the performance.',
  'error.absent': 'There is no camera here. Drop a picture or a video, or watch the performance.',
  'error.busy': 'The camera is in use elsewhere. Close the other program, then start it again.',
  'error.unplugged': 'The camera is gone. Plug it in, then start it again.',
  'error.unreadable': '{detail} is no picture or video that this browser reads.',
  'error.page':
    '{detail} has no model in it. Drop a page that onnx2wgsl embed --single-file wrote, or the folder of a model.',
  'error.unsupported':
    'This browser gives pages no camera. Use a recent Chrome, Edge, Firefox or Safari.',
  'error.tracker': 'The face tracker can’t run: {detail}',
  'error.no-backend': 'Nothing here runs the avatar. {detail}',
  'error.device-lost': 'The graphics device went away; the avatar comes back on a new one.',
  'error.missing-file':
    'The model can’t be read: {detail} One on another origin needs that server’s leave (CORS).',
  'error.artifact': 'This is no model for the avatar: {detail}',
  'error.sizes':
    'The two sides make pictures of different sizes, so they can’t be compared. {detail}',
  'error.model': 'This model can’t be used: {detail}',
  'error.microphone':
    'No sound can be recorded: {detail}. Allow the microphone, or record without sound.',
  'error.unrecorded':
    'Nothing was recorded: this device encoded no picture within {detail} seconds. Record for longer.',
  'error.record': 'This browser can’t record the avatar: {detail}',
  'error.pip': 'This browser shows no picture-in-picture of the avatar: {detail}',
  'error.other': 'Something failed: {detail}',
  'fact.backend': '{backend} on {adapter}: {reason}',
  'fact.size': '; this site has no model of {size} pixels',
  'fact.differing': '{differing} of {of} values differ',
  'fact.unknown': 'The address says {what}, which this page does not know.',
  'do.share': 'Copy link',
  'done.share': 'Copied',
  'read.fps': 'frames a second',
  'read.detect': 'detect',
  'read.align': 'align',
  'read.draw': 'draw',
  'read.submit': 'submit',
  'read.generate': 'generate',
  'read.latency': 'camera to canvas',
  'read.heap': 'JS heap',
  'read.trend': 'heap a minute',
  'read.drops': 'dropped',
  'read.none': 'n/a',
};

/**
 * @param {string} key
 * @param {Record<string, unknown>} [values]
 */
export function say(key, values = {}) {
  return (EN[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => `${values[name] ?? ''}`).trim();
}

/** @param {string} key */
export function knows(key) {
  return Object.hasOwn(EN, key);
}
