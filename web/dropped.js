/**
 * What a visitor drops on the page: a picture or a video, or a model: a compiled folder, its bundle, or a page that
 * has it in itself.
 *
 * @typedef {{media: File} | {model: {name: string, files: Record<string, Blob> | Blob}} | undefined} Dropped
 */
import { SourceError } from './sources.js';
import { say } from './strings.js';

const BUNDLE = /\.onnx2wgsl$/;
const PAGE = /\.html?$/i;

/**
 * Takes what is chosen, and what is dropped anywhere on the page.
 *
 * @param {HTMLInputElement[]} inputs of files
 * @param {(given: Dropped) => void} take
 * @param {(error: unknown) => void} failed
 */
export function listenToFiles(inputs, take, failed) {
  for (const input of inputs)
    input.addEventListener('change', () => {
      readFiles([...(input.files ?? [])]).then(take, failed);
      input.value = '';
    });
  for (const kind of ['dragover', 'dragleave', 'drop'])
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      document.body.classList.toggle('dropping', kind === 'dragover');
      const { dataTransfer } = /** @type {DragEvent} */ (event);
      if (kind === 'drop' && dataTransfer) readDropped(dataTransfer).then(take, failed);
    });
}

/**
 * @param {DataTransfer} transfer must be asked within the event
 * @returns {Promise<Dropped>}
 */
export async function readDropped(transfer) {
  const [item] = transfer.items;
  const entry = item?.webkitGetAsEntry?.();
  if (entry?.isDirectory)
    return { model: { name: entry.name, files: await filesOf(/** @type {any} */ (entry)) } };
  return readFiles([...transfer.files]);
}

/**
 * What chosen files are; of a folder, all of them.
 *
 * @param {File[]} files
 * @returns {Promise<Dropped>}
 * @throws {SourceError} a page without a model
 */
export async function readFiles(files) {
  const [first] = files;
  if (!first) return;
  if (files.length > 1 || first.name === 'model.json') {
    const folder = first.webkitRelativePath.split('/')[0] || say('fact.files');
    const named = files.map((file) => [file.name, file]);
    return { model: { name: folder, files: Object.fromEntries(named) } };
  }
  if (BUNDLE.test(first.name)) return { model: { name: first.name, files: first } };
  if (PAGE.test(first.name)) return { model: { name: first.name, files: await bundleOf(first) } };
  return { media: first };
}

/**
 * The bundle in a page that `onnx2wgsl embed --single-file` wrote, none of whose code runs.
 *
 * @param {File} page
 * @returns {Promise<Blob>}
 * @throws {SourceError} it is another page
 */
async function bundleOf(page) {
  const parsed = new DOMParser().parseFromString(await page.text(), 'text/html');
  const model = parsed.querySelector('script#model[type="application/octet-stream;base64"]');
  try {
    const text = atob(/** @type {any} */ (model).textContent);
    return new Blob([Uint8Array.from(text, (c) => c.charCodeAt(0))]);
  } catch {
    throw new SourceError('page', page.name);
  }
}

/**
 * The files of a folder, but not those of folders in it.
 *
 * @param {FileSystemDirectoryEntry} folder
 * @returns {Promise<Record<string, Blob>>}
 */
async function filesOf(folder) {
  const reader = folder.createReader();
  /** @type {Record<string, Blob>} */
  const files = {};
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!entries.length) return files;
    for (const entry of entries)
      if (entry.isFile)
        files[entry.name] = await new Promise((resolve, reject) =>
          /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject),
        );
  }
}
