/**
 * All that the page says, so that another language is another table. index.html has the same words, by the keys in
 * its data attributes, for they are seen before any script runs. `{name}` stands for a value.
 */

/** @type {Record<string, string>} */
const EN = {
  'page.language': 'en',
  'page.about': 'A face before a camera drives an avatar, wholly on this device.',
  'page.title': 'Live avatar',
  'label.avatar': 'The avatar',
  'label.other': 'The other side',
  'label.wipe': 'Where one side ends and the other begins',
  'label.stages': 'The stages',
  'label.source': 'The source with the landmarks found',
  'label.controls': 'Controls',
  'label.folder': "A compiled model's folder",
  'label.file': 'Picture or video',
  'do.more': 'Settings',
  'label.measures': 'Measures',
  'label.full': 'Full screen',
  'do.camera': 'Camera',
  'stage.camera': '1. Landmarks',
  'stage.drawing': '2. Aligned drawing',
  'stage.generator': '3. Generator, its own pixels',
  'page.welcome':
    'Your face can drive this avatar. The camera picture is looked at on this device, is never stored, and leaves it by no way.',
  'do.start': 'Start camera',
  'do.perform': 'Watch it perform',
  'do.reset': 'Reset',
  'do.file': 'Picture or video…',
  'do.folder': 'A compiled folder…',
  'do.view': 'View',
  'do.snapshot': 'Snapshot',
  'do.record': 'Record',
  'do.pip': 'Float',
  'do.full': 'Full',
  'head.source': 'Source',
  'head.picture': 'Picture',
  'head.generator': 'Generator',
  'set.source': 'Face',
  'set.delegate': 'Tracker on',
  'set.view': 'Show',
  'set.background': 'Background',
  'set.sharpness': 'Sharpness',
  'set.backend': 'Backend',
  'set.compare': 'Compare with',
  'set.look': 'Look',
  'set.res': 'Resolution',
  'set.tier': 'Frames a second',
  'set.model': 'Model',
  'set.against': 'Against',
  'set.mirror': 'Mirror',
  'set.sound': 'Record with sound',
  'set.autotune': 'Measure, and tune',
  'set.place': 'Name, or URL of a folder',
  'source.idle': 'Nobody',
  'source.camera': 'Camera',
  'source.performance': 'A performance',
  'delegate.CPU': 'CPU',
  'delegate.GPU': 'GPU',
  'view.avatar': 'Avatar',
  'view.side': 'Avatar and camera',
  'view.stages': 'All stages',
  'background.studio': 'A street at night',
  'background.black': 'Black',
  'background.green': 'Green, to be keyed out',
  'background.blue': 'Blue, to be keyed out',
  'background.magenta': 'Magenta, to be keyed out',
  'head.acting': 'Acting',
  'label.emotions': 'Emotions',
  'emotion.joy': 'Joy',
  'emotion.sadness': 'Sadness',
  'emotion.anger': 'Anger',
  'emotion.surprise': 'Surprise',
  'emotion.fear': 'Fear',
  'emotion.disgust': 'Disgust',
  'emotion.smirk': 'Smirk',
  'emotion.tired': 'Tired',
  'emotion.keys': 'Keys 1 to 8; with Shift they blend. 0 ends all.',
  'set.intensity': 'How strongly',
  'set.brows': 'With the brows',
  'set.eyes': 'With the eyes',
  'set.mouth': 'With the mouth',
  'set.sway': 'Idle motion',
  'set.gaze': 'Eyes that wander',
  'set.contact': 'Eye contact',
  'set.assist': 'Blink for me when I do not',
  'set.layer': 'Idle motion over the camera, too',
  'do.neutral': 'Take my neutral face',
  'do.forget': 'Forget it',
  'neutral.none': 'The avatar shows your face as the camera sees it.',
  'neutral.taking': 'Look into the camera, without any expression…',
  'neutral.taken': 'Your neutral face is the avatar’s.',
  'head.channels': 'Channels',
  'label.timeline': 'The last seconds of each channel',
  'do.release': 'All to zero',
  'channel.wide': 'Wide mouth',
  'channel.pucker': 'Pucker',
  'channel.smile': 'Smile',
  'channel.frown': 'Frown',
  'channel.upper_up': 'Upper lip',
  'channel.lower_down': 'Lower lip',
  'channel.press': 'Pressed lips',
  'channel.puff': 'Puffed cheeks',
  'channel.blink_left': 'Left lid',
  'channel.blink_right': 'Right lid',
  'channel.squint': 'Squint',
  'channel.brow_up': 'Brows up',
  'channel.brow_down': 'Brows down',
  'channel.brow_inner': 'Inner brows',
  'channel.jaw': 'Jaw',
  'channel.right': 'Gaze right',
  'channel.up': 'Gaze up',
  'channel.pitch': 'Nod',
  'channel.yaw': 'Turn',
  'channel.roll': 'Tilt',
  'backend.auto': 'Best there is',
  'backend.native': 'onnx2wgsl, WebGPU, int8',
  'backend.webnn': 'WebNN, float32',
  'backend.ort-webgpu': 'onnxruntime-web, WebGPU, float32',
  'backend.ort-wasm': 'onnxruntime-web, WASM, int8',
  'backend.off': 'Nothing',
  'choose.auto': 'Automatic',
  'tier.weak': 'up to 10',
  'tier.mid': 'up to 20',
  'tier.strong': 'up to 40',
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
  'fact.nolook': '; this site has no look {look}',
  'fact.looksize': '; this site has no model of {size} pixels with the look {look}',
  'fact.size': '; this site has no model of {size} pixels',
  'fact.differing': '{differing} of {of} values differ',
  'fact.unknown': 'The address says {what}, which this page does not know.',
  'do.share': 'Copy link',
  'done.share': 'Copied',
  'fact.thread': 'CPU, 1 thread',
  'fact.threads': 'CPU, {threads} threads',
  'fact.files': 'the files',
  'reason.asked': 'asked for',
  'reason.best': 'the best that there is here',
  'lack.float': 'there is no float32 ONNX file of this model on this site.',
  'lack.canvas': 'the canvas belongs to another backend: make a new one.',
  'lack.picture': '{name} takes no picture and gives one: it is no generator of avatars.',
  'lack.square': '{name} takes pictures of {width}x{height}; a drawing is square.',
  'lack.adapter': 'WASM has no GPU.',
  'lack.webgpu': 'WebGPU is missing, or has no adapter.',
  'lack.webnn': 'this browser has no WebNN.',
  'lack.answer': 'WebNN did not answer within {ms} ms.',
  'lack.status': '{file}: HTTP status {status}.',
  'lack.tracker': 'it could not be loaded.',
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

/** What holds words beside text, by the data attribute that has their key. */
const ATTRIBUTES = {
  label: 'aria-label',
  title: 'title',
  placeholder: 'placeholder',
  content: 'content',
  lang: 'lang',
};

/**
 * Writes the words of the table into the page, by their keys.
 *
 * @param {ParentNode} root
 * @param {(key: string) => string} [wordOf]
 */
export function inscribe(root, wordOf = say) {
  const keyed = (/** @type {string} */ name) =>
    /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(`[data-${name}]`));
  for (const one of keyed('text')) {
    const text = wordOf(`${one.dataset.text}`);
    if (one.textContent !== text) one.textContent = text;
  }
  for (const [name, attribute] of Object.entries(ATTRIBUTES))
    for (const one of keyed(name)) one.setAttribute(attribute, wordOf(`${one.dataset[name]}`));
}
