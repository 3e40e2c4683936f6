// What a visitor downloads at once, gzipped, against what it may be. What is loaded on demand is listed, not counted.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { STATIC } from './build.mjs';

const MOST_BYTES = { 'client.js': 5 * 1024, 'embed.js': 45 * 1024 };

const manifest = JSON.parse(await readFile(join(STATIC, 'manifest.json'), 'utf8'));
for (const [name, file] of Object.entries(manifest)) {
  const code = await readFile(join(STATIC, file));
  // An entry that needs another file at once would hide its size from this gate.
  const needs = [...code.toString().matchAll(/(?:^|;)\s*import\s*(?:[\w*{}\s,$]+from)?\s*["'`](\.[^"'`]+)/g)];
  const bytes = gzipSync(code, { level: 9 }).length;
  const most = MOST_BYTES[name];
  const bad = most !== undefined && (bytes > most || needs.length > 0);
  console.log(`${name.padEnd(28)} ${String(bytes).padStart(6)}${most ? ` of ${most}${bad ? '  TOO LARGE' : ''}` : ''}`);
  if (bad) process.exitCode = 1;
}
