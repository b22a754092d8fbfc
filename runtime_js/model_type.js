/**
 * The types that `compile` writes to model.d.ts, and what a session makes of them.
 *
 * @import {Dtype, Image, InputFormat, Tensor} from './artifact.js'
 * @import {Result} from './frames.js'
 * @import {Picture} from './pictures.js'
 * @typedef {{name: string, dtype: Dtype, shape: number[], image?: InputFormat}} AnyInput  `image` where it may be a
 *   picture
 * @typedef {{inputs: AnyInput[], outputs: Tensor[]}} ModelType  what a model.d.ts says, as literal types
 * @typedef {{inputs: AnyInput[], outputs: [Tensor, ...Tensor[]]}} AnyModel  where there is none
 * @typedef {{float32: Float32Array, int32: Int32Array, int64: BigInt64Array, uint8: Uint8Array,
 *   int8: Int8Array, bool: Uint8Array}} Arrays  by dtype
 */

/**
 * @template {{dtype: keyof Arrays}} T
 * @typedef {Arrays[T['dtype']]} ValuesOf  the typed array of a tensor
 */

/**
 * What each input takes, by name: a picture only where it is one.
 *
 * @template {ModelType} M
 * @typedef {{[T in M['inputs'][number] as T['name']]:
 *   ValuesOf<T> | GPUBuffer | ('image' extends keyof T ? Picture | Blob : never)}} FeedsOf
 */

/**
 * @template {ModelType} M
 * @typedef {M['outputs'][number]['name']} OutputName
 */

/**
 * What `run` gives, by name.
 *
 * @template {ModelType} M
 * @typedef {{[T in M['outputs'][number] as T['name']]: ValuesOf<T>}} ResultsOf
 */

/**
 * The same as pixels: RGBA bytes of outputs that are pictures.
 *
 * @template {ModelType} M
 * @typedef {{[T in M['outputs'][number] as T['name']]:
 *   T extends {image: Image} ? Uint8ClampedArray<ArrayBuffer>
 *   : 'image' extends keyof T ? Result : ValuesOf<T>}} PixelsOf
 */

export {};
