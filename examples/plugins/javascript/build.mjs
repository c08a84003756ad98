// Makes a component of a module: node build.mjs MODULE.js WIT_DIR WORLD COMPONENT.wasm
import { writeFile } from 'node:fs/promises';
import { componentize } from '@bytecodealliance/componentize-js';

const [sourcePath, witPath, worldName, target] = process.argv.slice(2);
const { component } = await componentize({
  sourcePath,
  witPath,
  worldName,
  // A plugin has no use for them, and without them it imports nothing of WASI.
  disableFeatures: ['random', 'stdio', 'clocks', 'http', 'fetch-event'],
});
await writeFile(target, component);
