// Bundles the React page of the browser tests into one file: `node scripts/react-page.mjs FILE`.
import { writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const web = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const [{ output }] = [
  await build({
    configFile: false,
    root: web,
    logLevel: 'warn',
    define: { 'process.env.NODE_ENV': '"development"' },
    build: {
      write: false,
      target: 'es2022',
      lib: { entry: 'widget/test/react/page.js', formats: ['es'] },
    },
  }),
].flat();
await writeFile(process.argv[2], output[0].code);
