/**
 * What a visitor drops on the page: a picture or a video, or a model: a compiled folder, or its bundle.
 *
 * @typedef {{media: File} | {model: {name: string, files: Record<string, Blob> | Blob}} | undefined} Dropped
 */

const BUNDLE = /\.onnx2wgsl$/;

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
 * @returns {Dropped}
 */
export function readFiles(files) {
  const [first] = files;
  if (!first) return;
  if (files.length > 1 || first.name === 'model.json') {
    const folder = first.webkitRelativePath.split('/')[0] || 'the files';
    const named = files.map((file) => [file.name, file]);
    return { model: { name: folder, files: Object.fromEntries(named) } };
  }
  if (BUNDLE.test(first.name)) return { model: { name: first.name, files: first } };
  return { media: first };
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
