/** What is missing where there is no WebGPU. */
export declare function noWebGpu(): string;
/** What to do where there is no adapter. */
export declare function noAdapter(): string;
/**
 * Of a file that no server has answered for. The words of a network error Node has in its cause alone.
 *
 * @param {URL} url
 * @param {any} error
 */
export declare function unreachable(url: URL, error: any): string;
/**
 * What stands in an answer that looks like none: a file that is called a page; else what is wrong with it.
 *
 * @param {Response} response
 * @param {ReadableStream<Uint8Array>} body
 */
export declare function lookInto({ ok, status, headers }: Response, body: ReadableStream<Uint8Array>): Promise<string | ReadableStream<Uint8Array>>;
/**
 * Of a model.json that this runtime does not read.
 *
 * @param {string} file
 * @param {any} model
 */
export declare function otherModel(file: string, model: any): string;
/** Where a browser has no SHA-256. */
export declare function noDigest(): string;
