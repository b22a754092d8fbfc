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
 * @returns {string[]}
 */
export declare function selfTestProblems(test: any, model: any): string[];
/**
 * A value as JSON, shortened.
 *
 * @param {any} value
 */
export declare function shown(value: any): string;
