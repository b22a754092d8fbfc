/** Loads the artifacts of some folders; prints as JSON what is said of each, null where it loads. */
import { loadArtifact } from '../../runtime_js/artifact.js';

const told = [];
for (const folder of process.argv.slice(2))
  told.push(
    await loadArtifact(folder, { validate: true }).then(
      () => null,
      ({ name, message }) => `${name}: ${message}`,
    ),
  );
console.log(JSON.stringify(told));
