/**
 * What goes wrong, one class a cause, each with a message fit to be shown. `code` says the same to a program,
 * also where two copies of the runtime meet and `instanceof` fails.
 */

/** The base of everything that the runtime throws on purpose. */
export class SessionError extends Error {
  /** @type {string} */
  code = 'session';
  name = 'SessionError';
}

/** A file of an artifact is damaged, of another version, or of another build. */
export class ArtifactError extends SessionError {
  code = 'artifact';
  name = 'ArtifactError';
}

/** A file of an artifact can't be read; `status` is what a server answered instead. */
export class MissingFileError extends ArtifactError {
  /** @type {number | undefined} */
  status;
  code = 'missing-file';
  name = 'MissingFileError';
}

/** No WebGPU, no adapter, or one that lacks what the model needs. */
export class AdapterError extends SessionError {
  code = 'adapter';
  name = 'AdapterError';
}

/** A name, option, shape or dtype that the model does not have. */
export class InputError extends SessionError {
  code = 'input';
  name = 'InputError';
}

/** The GPU device went away, with all that was on it. */
export class DeviceLostError extends SessionError {
  code = 'device-lost';
  name = 'DeviceLostError';
}

/** The session was destroyed by its owner. */
export class DestroyedError extends SessionError {
  code = 'destroyed';
  name = 'DestroyedError';
}

/**
 * @internal
 * @param {unknown} error
 */
export function messageOf(error) {
  return error instanceof Error ? error.message : `${error}`;
}
