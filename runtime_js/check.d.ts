import type { Model, SelfTest } from './artifact.js';
/**
 * Refuses a model.json with all that is wrong with it.
 *
 * @param {string} content
 * @param {any} model what it says
 * @param {(model: any) => Record<string, number>} sizes the bytes of each buffer
 * @throws {Error} an ArtifactError
 */
export declare function requireValid(content: string, model: any, sizes: (model: any) => Record<string, number>): void;
/**
 * 'place: problem' for whatever is against the schema or, where nothing is, against the rules.
 *
 * @param {any} model
 * @param {(model: any) => Record<string, number>} sizes the bytes of each buffer
 * @returns {string[]}
 */
export declare function problemsOf(model: any, sizes: (model: any) => Record<string, number>): string[];
/**
 * The same for the test vectors, which lie in a file of their own.
 *
 * @param {any} test
 * @param {any} model
 * @param {(model: any) => Record<string, number>} sizes the bytes of each buffer
 * @returns {string[]}
 */
export declare function selfTestProblems(test: any, model: any, sizes: (model: any) => Record<string, number>): string[];
/**
 * The test vectors, checked.
 *
 * @param {Uint8Array<ArrayBuffer>} data
 * @param {Model} model
 * @param {(model: any) => Record<string, number>} sizes the bytes of each buffer
 * @returns {SelfTest}
 */
export declare function readSelfTest(data: Uint8Array<ArrayBuffer>, model: Model, sizes: (model: any) => Record<string, number>): SelfTest;
