/**
 * Shows the last picture of a session anew, as a mesh: one draw, straight to the canvas, by the display's own
 * shader, so that it is as sharp as a frame of the generator.
 *
 * @import {MotionMesh} from './motion_mesh.js'
 * @import {Session} from '../runtime_js/session.js'
 * @typedef {{device: GPUDevice, picture: GPUTexture, vertices: GPUBuffer, indices: GPUBuffer, look: GPUBuffer,
 *   count: number, draws: Map<GPUTextureFormat, {pipeline: GPURenderPipeline, group: GPUBindGroup}>,
 *   module: GPUShaderModule, values: Float32Array<ArrayBuffer>}} Parts
 */
import { MESH } from './mesh_shader.js';

const [COPY_DST, INDEX, VERTEX, UNIFORM] = [0x8, 0x10, 0x20, 0x40];
const [SAMPLED, RENDER] = [0x4, 0x10];

export class Reprojector {
  #session;
  #size;
  /** @type {Parts | undefined} of the device that the last picture is on */
  #parts;

  /**
   * @param {Session} session
   * @param {number} size the side of its pictures
   */
  constructor(session, size) {
    this.#session = session;
    this.#size = size;
  }

  /**
   * Keeps the picture of the last frame.
   *
   * @param {MotionMesh} mesh that it will move with
   */
  async keep(mesh) {
    const { device } = this.#session;
    // A session that has lost its device goes on on another.
    if (this.#parts?.device !== device) this.#parts = partsOf(device, this.#size, mesh);
    await this.#session.toTexture(this.#parts.picture);
  }

  /**
   * Shows that picture as the mesh has moved.
   *
   * @param {MotionMesh} mesh
   * @param {GPUTexture} target
   * @param {number} sharpness
   */
  show(mesh, target, sharpness) {
    if (!this.#parts) throw new Error('unkept');
    const { device, vertices, indices, look, values, count, draws } = this.#parts;
    device.queue.writeBuffer(vertices, 0, mesh.vertices);
    const { width, height, format } = target;
    if (values[0] !== width || values[1] !== height || values[2] !== Math.fround(sharpness)) {
      values.set([width, height, sharpness]);
      device.queue.writeBuffer(look, 0, values);
    }
    const { pipeline, group } = draws.get(format) ?? drawTo(this.#parts, format);
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginRenderPass({
      colorAttachments: [{ view: target.createView(), loadOp: 'clear', storeOp: 'store' }],
    });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.setVertexBuffer(0, vertices);
    pass.setIndexBuffer(indices, 'uint16');
    pass.drawIndexed(count);
    pass.end();
    device.queue.submit([encoder.finish()]);
  }
}

/** @type {(device: GPUDevice, size: number, mesh: MotionMesh) => Parts} */
function partsOf(device, size, mesh) {
  const { indices, vertices } = mesh;
  // A whole number of words.
  const words = new Uint16Array(2 * Math.ceil(indices.length / 2));
  words.set(indices);
  const buffer = (/** @type {number} */ bytes, /** @type {number} */ usage) =>
    device.createBuffer({ size: bytes, usage: usage | COPY_DST });
  const parts = {
    device,
    picture: device.createTexture({
      size: [size, size],
      format: 'rgba8unorm',
      viewFormats: ['rgba8unorm-srgb'],
      usage: SAMPLED | RENDER,
    }),
    vertices: buffer(vertices.byteLength, VERTEX),
    indices: buffer(words.byteLength, INDEX),
    look: buffer(16, UNIFORM),
    count: indices.length,
    draws: new Map(),
    module: device.createShaderModule({ code: MESH }),
    values: new Float32Array(4),
  };
  device.queue.writeBuffer(parts.indices, 0, words);
  return parts;
}

/**
 * What draws to targets of a format: made for the first of them.
 *
 * @param {Parts} parts
 * @param {GPUTextureFormat} format
 */
function drawTo({ device, picture, look, draws, module }, format) {
  const pipeline = device.createRenderPipeline({
    layout: 'auto',
    vertex: {
      module,
      entryPoint: 'point',
      buffers: [
        { arrayStride: 16, attributes: [{ shaderLocation: 0, offset: 0, format: 'float32x4' }] },
      ],
    },
    fragment: { module, entryPoint: 'mesh', targets: [{ format }] },
    // Where the mesh folds, what is seen from behind is hidden by what is seen from the front: of a sheet that is
    // held at its border, there is always some.
    primitive: { cullMode: 'back', frontFace: 'cw' },
  });
  const entries = [
    picture.createView({ format: 'rgba8unorm-srgb' }),
    device.createSampler({ magFilter: 'linear', minFilter: 'linear' }),
    { buffer: look },
  ].map((resource, binding) => ({ binding, resource }));
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  const draw = { pipeline, group };
  draws.set(format, draw);
  return draw;
}
