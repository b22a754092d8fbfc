// What a program in TypeScript does with the runtime, under the strictest settings: package.test.js compiles it.
import { createSession, InputError, MissingFileError, toPixels } from '../../runtime_js/runtime.js';
import type { Session } from '../../runtime_js/runtime.js';

export async function picture(
  source: string | URL,
  context: CanvasRenderingContext2D,
): Promise<void> {
  const session: Session = await createSession(source, {
    cache: 'models',
    signal: AbortSignal.timeout(60_000),
    onProgress: ({ loaded, total, file }) => console.log(file, loaded / total),
  });
  const out = await session.run({ input: context.getImageData(0, 0, 256, 256) });
  const pixels = toPixels(session.outputs[0], out['output']);
  context.putImageData(new ImageData(pixels, 256, 256), 0, 0);
  const { scores } = await session.run<{ scores: Float32Array }>({ ids: new BigInt64Array(4) });
  const best: number = Math.max(...scores);
  console.log(best, session.outputs[0].shape.length);
  session.destroy();
}

export async function sources(bytes: ArrayBuffer, file: File, device: GPUDevice): Promise<string> {
  try {
    await createSession({ 'model.json': bytes, 'weights.bin': file }, { device, fetch });
  } catch (error) {
    if (error instanceof MissingFileError) return `${error.status ?? 'none'} ${error.code}`;
    if (error instanceof InputError) return error.message;
  }
  return '';
}

export async function anywhere(source: string): Promise<'webgpu' | 'onnxruntime-web'> {
  const session = await createSession(source, { fallback: () => import('onnxruntime-web/wasm') });
  return session.backend;
}
