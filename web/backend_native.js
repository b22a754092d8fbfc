/**
 * The generator on WebGPU by this project's runtime: drawing, generator and display are one submit.
 *
 * @import {Backend, Loading, Model} from './backends.js'
 */

/**
 * @param {string} site
 * @param {Model} model
 * @param {Loading} onLoading
 * @returns {Promise<Backend>}
 */
export async function openNative(site, model, onLoading) {
  const runtime = `${new URL('runtime/runtime.js', site)}`;
  const { createSession } = /** @type {typeof import('../runtime_js/runtime.js')} */ (
    await import(runtime)
  );
  const session = await createSession(model.files ?? new URL(model.folder, site), {
    validate: true,
    onProgress: ({ loaded, total }) => onLoading(loaded / total),
  });
  const input = session.inputs.find(({ image }) => image);
  const output = session.outputs.find(({ image }) => image);
  if (!input?.image || !output || session.inputs.length > 1) {
    session.destroy();
    throw new Error(`${model.name} takes no picture and gives one: it is no generator of avatars.`);
  }
  const [width, height] = input.image.size;
  if (width !== height) {
    session.destroy();
    throw new Error(`${model.name} takes pictures of ${width}x${height}; a drawing is square.`);
  }
  await session.prepare();
  const { dot, requantize } = session.variants;
  return {
    size: width,
    facts: {
      backend: 'native',
      reason: '',
      adapter: session.adapter,
      size: width,
      model: `${session.name}, ${dot}, ${requantize}`,
    },
    async show(drawing, { avatar, generator }, look) {
      if (avatar) await session.frame(drawing, avatar, { scaling: 'bicubic', ...look });
      if (generator) await session.draw(generator, { scaling: 'nearest' });
    },
    // The session makes itself a new device with the next frame.
    done: () =>
      session.device.queue.onSubmittedWorkDone().catch(({ message }) => {
        throw Object.assign(new Error(message), { code: 'device-lost' });
      }),
    async pixels(drawing) {
      const results = await session.run({ [input.name]: drawing }, { as: 'pixels' });
      return /** @type {Uint8ClampedArray} */ (results[output.name]);
    },
    destroy: () => session.destroy(),
  };
}
