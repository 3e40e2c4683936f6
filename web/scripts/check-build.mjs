// Are the committed files what the sources build to? The contents are compared byte for byte; of the compressed forms,
// which differ between versions of the compressors, what they hold.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { buildAll, STATIC } from './build.mjs';

const plain = { '.br': brotliDecompressSync, '.gz': gunzipSync };

async function contents(directory) {
  const held = new Map();
  for (const name of (await readdir(directory)).sort()) {
    const bytes = await readFile(join(directory, name));
    held.set(name, (plain[name.slice(-3)] ?? ((same) => same))(bytes));
  }
  return held;
}

const fresh = await mkdtemp(join(tmpdir(), 'chatstream-build-'));
try {
  await buildAll(fresh);
  const [built, committed] = [await contents(fresh), await contents(STATIC)];
  const names = [...new Set([...built.keys(), ...committed.keys()])];
  const different = names.filter((name) => !built.get(name)?.equals(committed.get(name) ?? Buffer.alloc(0)));
  if (different.length) {
    console.error(`src/chatstream/static is not what the sources build to: run \`npm run build\`.\n  ${different.join('\n  ')}`);
    process.exitCode = 1;
  } else console.log(`${names.length} built files are current`);
} finally {
  await rm(fresh, { recursive: true });
}
