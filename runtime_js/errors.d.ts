/**
 * What goes wrong, one class a cause, each with a message fit to be shown. `code` says the same to a program,
 * also where two copies of the runtime meet and `instanceof` fails.
 */
/** The base of everything that the runtime throws on purpose. */
export declare class SessionError extends Error {
    /** @type {string} */
    code: string;
    name: string;
}
/** A file of an artifact is damaged, of another version, or of another build. */
export declare class ArtifactError extends SessionError {
    code: string;
    name: string;
}
/** A file of an artifact can't be read; `status` is what a server answered instead. */
export declare class MissingFileError extends ArtifactError {
    /** @type {number | undefined} */
    status: number | undefined;
    code: string;
    name: string;
}
/** No WebGPU, no adapter, or one that lacks what the model needs. */
export declare class AdapterError extends SessionError {
    code: string;
    name: string;
}
/** A name, option, shape or dtype that the model does not have. */
export declare class InputError extends SessionError {
    code: string;
    name: string;
}
/** The GPU device went away, with all that was on it. */
export declare class DeviceLostError extends SessionError {
    code: string;
    name: string;
}
/** The session was destroyed by its owner. */
export declare class DestroyedError extends SessionError {
    code: string;
    name: string;
}
/**
 * @internal
 * @param {unknown} error
 */
export declare function messageOf(error: unknown): string;
