/** Prints as JSON the landmarks of faces, given as JSON on standard input. */
import { readFileSync } from 'node:fs';

import { Head } from '../../face/head.js';

const read = (file) => JSON.parse(readFileSync(new URL(`../../face/${file}`, import.meta.url)));
const head = new Head(read('expressions.json'), read('framing.json'));
const faces = JSON.parse(readFileSync(0, 'utf8'));
console.log(JSON.stringify(faces.map((face) => [...head.landmarks(face)])));
