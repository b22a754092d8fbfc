/**
 * A loaded model on a device: what `createSession` gives.
 *
 * @import {Tensor, Values} from './artifact.js'
 * @import {Canvas, Look, View} from './canvas.js'
 * @import {Feeds} from './feeds.js'
 * @import {Reading, Result} from './frames.js'
 * @import {Frame, Step} from './gpu.js'
 * @import {AnyModel, FeedsOf, ModelType, OutputName, PixelsOf, ResultsOf} from './model_type.js'
 * @import {Fit} from './pictures.js'
 * @import {Profile} from './profile.js'
 * @import {Report} from './self_test.js'
 * @import {Stage, Start} from './stage.js'
 * @import {Tuning} from './tuning.js'
 * @import {Variants} from './variants.js'
 * @typedef {Look & {output?: string}} Show  the output to show, else the first that is a picture
 */
import { DestroyedError, DeviceLostError, InputError, SessionError } from './errors.js';
import { frameOf, needsPictures, readFeeds, requireBuffer, requireKnown } from './feeds.js';
import { adapterName } from './gpu.js';
import { causeOf, described, free, lossOf } from './stage.js';

const LOOK = ['output', 'scaling', 'sharpness', 'format'];

/** @template {ModelType} [M=AnyModel] what the model.d.ts of an artifact says */
export class Session {
  /** @type {Stage | undefined} none where the device was lost */ #stage;
  /** @type {Stage} */ #last;
  /** @type {Start | undefined} none where the artifact was freed */ #start;
  /** @type {Promise<Stage> | undefined} a stage in the making */ #coming;
  /** @type {Promise<void> | undefined} what must have the buffers for itself */ #exclusive;
  /** @type {Variants | undefined} what the self-test chose, for the next device, too */ #tested;
  /** @type {DestroyedError | undefined} */ #end;

  /**
   * Use `createSession`.
   *
   * @internal
   * @param {Stage} stage
   * @param {Start} [start]
   */
  constructor(stage, start) {
    const { model } = stage.program;
    /** The model's. */
    this.name = model.name;
    /** What `run` is fed with. @type {M['inputs']} */
    this.inputs = model.inputs.map(described);
    /** What `run` gives. @type {M['outputs']} */
    this.outputs = model.outputs;
    /** The names of the classes, where the artifact has them. */
    this.labels = model.labels;
    /** The file of a picture to show the model on, where the artifact has one. */
    this.sample = model.sample;
    this.#start = start;
    this.#last = this.#stage = stage;
    this.#watch(stage);
  }

  /** The device that the session runs on; another one after a recovery. */
  get device() {
    return this.#last.program.device;
  }

  /**
   * What runs the model: a fallback is no device.
   *
   * @returns {'webgpu' | 'onnxruntime-web'}
   */
  get backend() {
    return 'webgpu';
  }

  /** What the adapter of the device calls itself. */
  get adapter() {
    return adapterName(this.device.adapterInfo);
  }

  /** What was chosen on this device, and why. */
  get variants() {
    return this.#last.variants;
  }

  /** Resolves when the device is lost; `destroy` loses a device that the session made. */
  get lost() {
    return this.device.lost;
  }

  /**
   * Runs the model once. Several runs may be in flight; they resolve in the order of their calls. After a
   * loss of the device, those in flight reject with a DeviceLostError, and the next run makes a new device,
   * if the session made the lost one.
   *
   * @param {FeedsOf<M>} [feeds] for each input a typed array or a GPUBuffer, or where `image` says that it
   *   is a picture anything that is one, of any size; they must stay as they are until the promise settles
   * @template {'values' | 'pixels' | Record<string, Result>} [As='values']
   * @template {OutputName<M>} [Name=OutputName<M>]
   * @param {{outputs?: Name[], as?: As & string, fit?: Fit}} [options] the outputs to read, all where none
   *   are named. As `pixels`, outputs that are pictures come as RGBA bytes, as `toPixels` makes them, but
   *   made on the device: a quarter of the floats to read. fit: cover, contain, stretch or a rectangle of
   *   pictures, in the place of what the model says.
   * @returns {Promise<As extends 'pixels' ? Pick<PixelsOf<M>, Name> : As extends string ?
   *   Pick<ResultsOf<M>, Name> : As>} by output name; without a model.d.ts `run<{ y: Float32Array }>` says
   *   which, and of what dtype
   * @throws {Error} an unknown or missing input, a wrong dtype or length, a lost device
   */
  async run(feeds, options = {}) {
    requireKnown('option', Object.keys(options), ['outputs', 'as', 'fit']);
    const { outputs, fit } = options;
    const as = /** @type {string} */ (options.as ?? 'values');
    if (as !== 'values' && as !== 'pixels')
      throw new InputError(`as is ${as}, expected values or pixels.`);
    const names = outputs ?? this.outputs.map(({ name }) => name);
    const reading = readFeeds(feeds ?? {});
    const read = reading instanceof Promise ? await reading : reading;
    for (;;) {
      const stage = this.#stage ?? (await this.#revived());
      const coming = this.#preparing(stage, read, fit);
      if (coming) await coming;
      const readings = this.#readings(stage, names);
      /** @type {Step[]} */
      const steps = [];
      if (as === 'pixels')
        for (const [i, { name }] of readings.entries()) {
          if (!this.#outputOf(name).image) continue;
          const { words, reading } = stage.displays.get(name) ?? (await this.#display(stage, name));
          steps.push(words);
          readings[i] = reading;
        }
      const make = () => {
        const frame = this.#frame(stage, read, fit);
        return steps.length ? { ...frame, steps: [...frame.steps, ...steps] } : frame;
      };
      const results = await this.#told(stage, () =>
        stage.frames.read(() => this.#turn(stage, make), readings),
      );
      if (results) return /** @type {any} */ (results);
    }
  }

  /**
   * Runs the model on a picture and shows what it makes of it: one submit, nothing is read back.
   *
   * @param {Feeds[string]} source whatever the input takes
   * @param {Canvas | GPUTexture | View} canvas sized by you, or a texture to render to
   * @param {Show & {input?: string, feeds?: Partial<FeedsOf<M>>, fit?: Fit}} [options] the input that the
   *   source is for, else the first that is a picture; what other inputs there are
   */
  async frame(source, canvas, options = {}) {
    requireKnown('option', Object.keys(options), ['input', 'feeds', 'fit', ...LOOK]);
    const { input = this.inputs.find(({ image }) => image)?.name, feeds, fit, ...look } = options;
    if (!input) throw new InputError('The model takes no picture: use run, then draw.');
    const reading = readFeeds({ ...feeds, [input]: source });
    const read = reading instanceof Promise ? await reading : reading;
    await this.#show(read, canvas, look, fit);
  }

  /**
   * Shows the output of the last frame.
   *
   * @param {Canvas} canvas sized by you
   * @param {Show} [options]
   */
  async draw(canvas, options = {}) {
    requireKnown('option', Object.keys(options), LOOK);
    await this.#show(undefined, canvas, options);
  }

  /**
   * Renders the output of the last frame to a texture of the session's device, with alpha premultiplied.
   *
   * @param {GPUTexture | View} texture whose usage is RENDER_ATTACHMENT; or a view of one, with its format
   *   and size: `{view, format, width, height}`
   * @param {Show} [options]
   */
  async toTexture(texture, options = {}) {
    requireKnown('option', Object.keys(options), LOOK);
    await this.#show(undefined, texture, options);
  }

  /**
   * Records a frame into an encoder of the caller, who submits it; arrays are uploaded at once, by the queue.
   * So submit a frame before you record or run the next. Before pictures, other than bytes of the input's size,
   * await `prepare`.
   *
   * @param {GPUCommandEncoder} encoder of the session's device
   * @param {{inputs?: FeedsOf<M>, outputs?: Record<string, GPUBuffer>, fit?: Fit}} [options] inputs as for
   *   `run`, but for files; the buffers that outputs are copied to, in whole words: they stay the caller's.
   *   Any output is also in `outputBuffer`.
   * @throws {Error} what `run` throws; a lost device, which `recover` replaces
   */
  encode(encoder, options = {}) {
    requireKnown('option', Object.keys(options), ['inputs', 'outputs', 'fit']);
    const { inputs, outputs = {}, fit } = options;
    const stage = this.#stage;
    if (!stage) throw this.#end ?? this.#last.loss;
    if (this.#exclusive)
      throw new SessionError('The session is being tested or profiled: wait until that is done.');
    if (!stage.program.pictures && needsPictures(stage.program.model, inputs ?? {}, fit))
      throw new SessionError(
        'Nothing is there yet that resizes pictures: await session.prepare() before.',
      );
    const readings = this.#readings(stage, Object.keys(outputs));
    const copies = readings.map((reading) => {
      const target = outputs[reading.name];
      requireBuffer(`The target of output ${reading.name}`, target, reading.bytes, 'COPY_DST');
      return { reading, target };
    });
    stage.frames.encode(encoder, this.#frame(stage, inputs, fit), copies);
  }

  /**
   * Makes what resizes pictures and what shows outputs, so that the first frame that needs them waits for
   * nothing, and `encode` takes pictures.
   */
  async prepare() {
    const stage = this.#stage ?? (await this.#revived());
    const shown = this.outputs.filter(({ image }) => image);
    await this.#told(stage, () =>
      Promise.all([
        stage.program.preparePictures(),
        ...shown.map(({ name }) => stage.displays.get(name) ?? this.#display(stage, name)),
      ]),
    );
  }

  /**
   * The session's own buffer of an output, as the last frame left it: row-major, in whole words. It goes with
   * the session and with the device; don't destroy it.
   *
   * @param {OutputName<M>} name
   * @returns {GPUBuffer}
   */
  outputBuffer(name) {
    if (!this.#stage) throw this.#end ?? this.#last.loss;
    return this.#readings(this.#stage, [name])[0].buffer;
  }

  /**
   * Runs the artifact's test vectors on this device and compares every kernel with the reference, then whole
   * frames, three times each. Where something differs, the next variants are tried, and the first exact ones
   * chosen: `variants` and the report say so. Other frames wait; `draw` needs a new one afterwards.
   *
   * @returns {Promise<Report>} `text` is the whole of it, to be copied
   */
  async selfTest() {
    const { report } = await this.#chosen(async (...given) =>
      (await import('./self_test.js')).testStage(...given),
    );
    return report;
  }

  /**
   * Times frames with each variant of `dot` that is exact here, goes on with the fastest; its `dot` may be given to
   * the next `createSession`. Other frames wait; `draw` needs a new one.
   *
   * @returns {Promise<Tuning>}
   */
  async tune() {
    const { tuning } = await this.#chosen(async (...given) =>
      (await import('./tuning.js')).tuneStage(...given),
    );
    return tuning;
  }

  /**
   * The classes with the largest values of a classifier's output, by the artifact's labels where it has them.
   *
   * @param {Values | ArrayLike<number>} values as `run` gives them
   * @param {number} [k]
   * @param {{labels?: string[], softmax?: boolean}} [options] names of the classes; whether the values are
   *   turned into probabilities
   */
  async topK(values, k, options) {
    return (await import('./labels.js')).topK(values, k, options, this.labels);
  }

  /**
   * Times each kernel on this device, by timestamps where it has `timestamp-query`: a session asks for it
   * with `createSession(folder, {profile: true})`. Elsewhere, times whole frames. Other frames wait.
   *
   * @returns {Promise<Profile>}
   */
  profile() {
    return this.#alone(async ({ program }) => (await import('./profile.js')).profileOf(program));
  }

  /**
   * Moves the session to another device, as after a loss: what was on the old one is freed, the next frames
   * give the same bits. Runs do so by themselves where the session made its device.
   *
   * @param {GPUDevice} [device] of the caller; a new one where none is given
   */
  async recover(device) {
    if (this.#end) throw this.#end;
    if (!device && !this.#last.owned) throw new InputError('Give recover the device to use.');
    await this.#coming?.catch(() => {});
    await this.#revived(device);
  }

  /**
   * Frees what the session made: its buffers, and its device, but none of the caller's. Nothing runs
   * afterwards.
   */
  destroy() {
    this.#end ??= new DestroyedError('The session was destroyed: make a new one.');
    if (this.#stage) free(this.#stage);
    this.#stage = this.#start = undefined;
  }

  /**
   * @param {Feeds | undefined} feeds none for what the last frame left
   * @param {Canvas | GPUTexture | View} target
   * @param {Show} options
   * @param {Fit} [fit]
   */
  async #show(feeds, target, { output, ...look }, fit) {
    const name = output ?? this.outputs.find(({ image }) => image)?.name;
    if (!name) throw new InputError('No output of the model is a picture.');
    for (;;) {
      const stage = this.#stage ?? (await this.#revived());
      const coming = this.#preparing(stage, feeds, fit);
      if (coming) await coming;
      const isDone = await this.#told(stage, async () => {
        const display = stage.displays.get(name) ?? (await this.#display(stage, name));
        const making = display.painter(target, look);
        const painter = making instanceof Promise ? await making : making;
        const make = () => {
          if (!feeds && !stage.hasRun)
            throw new SessionError('There is nothing to draw yet: run a frame first.');
          const frame = feeds ? this.#frame(stage, feeds, fit) : { writes: [], steps: [] };
          return display.shown(frame, painter, target, look);
        };
        return stage.frames.run(() => this.#turn(stage, make));
      });
      if (isDone) return;
    }
  }

  /**
   * What a frame must wait for once, so that its pictures can be resized; later frames wait, too, for their turn.
   *
   * @param {Stage} stage
   * @param {Feeds | undefined} feeds
   * @param {Fit | undefined} fit
   */
  #preparing(stage, feeds, fit) {
    const { program } = stage;
    if (program.pictures || !(program.preparing || needsPictures(program.model, feeds ?? {}, fit)))
      return;
    return this.#told(stage, program.preparePictures);
  }

  /**
   * What shows an output.
   *
   * @param {Stage} stage
   * @param {string} name
   */
  async #display(stage, name) {
    const output = this.#outputOf(name);
    const { createDisplay } = await import('./canvas.js');
    const display = await this.#told(stage, () => createDisplay(stage.program, output));
    const first = stage.displays.get(name);
    if (first || stage !== this.#stage) display.destroy();
    else stage.displays.set(name, display);
    return first ?? display;
  }

  /** @param {string} name */
  #outputOf(name) {
    const known = this.outputs.map((output) => output.name);
    requireKnown('output', [name], known);
    return this.outputs[known.indexOf(name)];
  }

  /**
   * What outputs are read by.
   *
   * @param {Stage} stage
   * @param {string[]} names
   */
  #readings({ frames }, names) {
    return names.map((name) => frames.readings[this.outputs.indexOf(this.#outputOf(name))]);
  }

  /**
   * A frame, or what it must wait for; none where the session has left that stage.
   *
   * @param {Stage} stage
   * @param {() => Frame} make
   * @returns {Frame | undefined | Promise<void>}
   */
  #turn(stage, make) {
    return this.#exclusive ?? (stage === this.#stage ? make() : undefined);
  }

  /**
   * @param {Stage} stage
   * @param {Feeds | undefined} feeds
   * @param {Fit | undefined} fit
   */
  #frame(stage, feeds, fit) {
    const frame = frameOf(stage.program, feeds ?? {}, { fit });
    stage.hasRun = true;
    return frame;
  }

  /**
   * Does what no frame may come between.
   *
   * @template T
   * @param {(stage: Stage) => Promise<T>} task
   * @returns {Promise<T>}
   */
  async #alone(task) {
    while (this.#exclusive) await this.#exclusive;
    let release = () => {};
    this.#exclusive = new Promise((resolve) => (release = () => resolve()));
    try {
      const stage = this.#stage ?? (await this.#revived());
      return await this.#told(stage, () => task(stage));
    } finally {
      this.#last.hasRun = false;
      this.#exclusive = undefined;
      release();
    }
  }

  /**
   * Goes on with the stage that is chosen among those with other variants on the same device.
   *
   * @template {{chosen: Stage}} T
   * @param {(stage: Stage, remake?: (choice: any) => Promise<Stage>) => Promise<T>} choose
   */
  #chosen(choose) {
    return this.#alone(async (stage) => {
      const { program, owned } = stage;
      const remake = (/** @type {any} */ choice) => this.#made(program.device, owned, choice);
      const found = await choose(stage, this.#start && remake);
      if (found.chosen !== stage) {
        this.#adopt(found.chosen);
        this.#tested = found.chosen.variants;
      }
      return found;
    });
  }

  /**
   * A task's result, or the true cause of its error: a lost device and a destroyed session make all kinds.
   *
   * @template T
   * @param {Stage} stage
   * @param {() => Promise<T>} task
   */
  async #told(stage, task) {
    try {
      return await task();
    } catch (error) {
      if (error instanceof InputError) throw error;
      const cause = await causeOf(stage, error);
      throw this.#end ?? cause;
    }
  }

  /**
   * The stage on a new device in the place of the lost one: made once, whoever waits for it.
   *
   * @param {GPUDevice} [device]
   */
  #revived(device) {
    this.#coming ??= this.#replace(device).finally(() => (this.#coming = undefined));
    return this.#coming;
  }

  /** @param {GPUDevice} [device] */
  async #replace(device) {
    const { owned, loss } = this.#last;
    if (this.#end || !this.#start || !(device || owned)) throw this.#end ?? loss;
    const stage = await this.#made(device, !device, device ? undefined : this.#tested);
    this.#adopt(stage);
    return stage;
  }

  /**
   * A new stage that has what the old one had.
   *
   * @type {Start}
   */
  async #made(...where) {
    const { program } = this.#last;
    const stage = await /** @type {Start} */ (this.#start)(...where);
    if (program.pictures) await stage.program.preparePictures();
    return stage;
  }

  /**
   * Goes on with a new stage; frees the old one, but for a device that both are on.
   *
   * @param {Stage} stage
   */
  #adopt(stage) {
    const old = this.#stage;
    if (this.#end) {
      free(stage);
      throw this.#end;
    }
    this.#last = this.#stage = stage;
    this.#watch(stage);
    if (!old) return;
    old.loss ??= new DeviceLostError('The session moved to another device: run again.');
    if (old.program.device === stage.program.device) old.release();
    else free(old);
  }

  /** @param {Stage} stage */
  async #watch(stage) {
    const { message } = await stage.program.device.lost;
    stage.loss = lossOf(stage, message, this.#start);
    if (this.#stage === stage) this.#stage = undefined;
  }
}
