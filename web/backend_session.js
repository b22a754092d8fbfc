/**
 * The int8 generator by this project's runtime: on WebGPU, where drawing, generator and display are one submit; or,
 * where that is asked for, by its fallback, onnxruntime-web on WASM, which is fetched only then.
 *
 * @import {Backend, Loading, Model} from './backends.js'
 */
import { say } from './strings.js';

/**
 * @param {'native' | 'ort-wasm'} name
 * @param {string} site
 * @param {Model} model
 * @param {Loading} onLoading
 * @returns {Promise<Backend>}
 */
export async function openSession(name, site, model, onLoading) {
  const runtime = `${new URL('runtime/runtime.js', site)}`;
  const { AdapterError, createSession } = /** @type {typeof import('../runtime_js/runtime.js')} */ (
    await import(runtime)
  );
  let threads = 1;
  const onWasm = {
    adapter() {
      throw new AdapterError(say('lack.adapter'));
    },
    async fallback() {
      const { importOnnxruntime } = await import('./onnxruntime.js');
      const ort = await importOnnxruntime(site, 'ort.wasm.min.mjs');
      threads = ort.env.wasm.numThreads;
      return ort;
    },
  };
  const session = await createSession(model.files ?? new URL(model.folder, site), {
    validate: true,
    onProgress: ({ loaded, total }) => onLoading(loaded / total),
    ...(name === 'ort-wasm' ? onWasm : {}),
  });
  const isNative = session.backend === 'webgpu';
  /** @type {Promise<import('./reprojector.js').Reprojector> | undefined} */
  let reprojector;
  try {
    const { input, output, size } = signature(session, model.name);
    const moving = () =>
      (reprojector ??= import('./reprojector.js').then(
        ({ Reprojector }) => new Reprojector(session, size),
      ));
    await session.prepare();
    const kind = isNative ? `${session.variants.dot}, ${session.variants.requantize}` : 'int8';
    return {
      size,
      facts: {
        backend: name,
        name: model.name,
        reason: '',
        adapter: isNative
          ? session.adapter
          : say(threads === 1 ? 'fact.thread' : 'fact.threads', { threads }),
        size,
        model: `${session.name}, ${kind}`,
        moves: isNative,
      },
      reprojector: isNative ? moving : undefined,
      async show(drawing, { avatar, generator }, look) {
        if (avatar) await session.frame(drawing, avatar, { scaling: 'bicubic', ...look });
        if (generator) await session.draw(generator, { scaling: 'nearest' });
      },
      // The session makes itself a new device with the next frame.
      done: async () =>
        isNative &&
        session.device.queue.onSubmittedWorkDone().catch(({ message }) => {
          throw Object.assign(new Error(message), { code: 'device-lost' });
        }),
      async pixels(drawing) {
        const results = await session.run({ [input]: drawing }, { as: 'pixels' });
        return /** @type {Uint8ClampedArray} */ (results[output]);
      },
      destroy: () => session.destroy(),
    };
  } catch (error) {
    session.destroy();
    throw error;
  }
}

/**
 * The names of a generator's input and output, and the side of its pictures.
 *
 * @param {import('../runtime_js/runtime.js').Session} session
 * @param {string} name
 * @throws {Error} it is none
 */
function signature({ inputs, outputs }, name) {
  const input = inputs.find(({ image }) => image);
  const output = outputs.find(({ image }) => image);
  if (!input?.image || !output || inputs.length > 1) throw new Error(say('lack.picture', { name }));
  const [width, height] = input.image.size;
  if (width !== height) throw new Error(say('lack.square', { name, width, height }));
  return { input: input.name, output: output.name, size: width };
}
