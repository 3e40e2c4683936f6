// Fails where files import each other in a circle, types included: `node scripts/circles.mjs`. What is in a circle can
// be understood, moved and tested only together, and runs in an order that nobody chose.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const web = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const FOLDERS = ['client/src', 'client/test', 'widget/src', 'widget/test', 'scripts'];
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*['"](\.[^'"]+)['"]/g;

function filesIn(folder) {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((file) => /\.(?:ts|js|mjs)$/.test(file) && statSync(file).isFile());
}

/** Which of the files each of them imports. */
export function importsOf(files) {
  const known = new Set(files);
  return new Map(
    files.map((file) => {
      const named = [...readFileSync(file, 'utf8').matchAll(IMPORT)];
      return [file, named.map(([, path]) => resolve(dirname(file), path)).filter((path) => known.has(path))];
    }),
  );
}

/** The circles, each as the files on the way round. */
export function circlesIn(imports) {
  const circles = [];
  const done = new Set();
  const walk = (file, way) => {
    const at = way.indexOf(file);
    if (at >= 0) return void circles.push([...way.slice(at), file]);
    if (done.has(file)) return;
    for (const next of imports.get(file) ?? []) walk(next, [...way, file]);
    done.add(file);
  };
  for (const file of imports.keys()) walk(file, []);
  return circles;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const circles = circlesIn(importsOf(FOLDERS.flatMap((folder) => filesIn(join(web, folder)))));
  for (const circle of circles) console.error(circle.map((file) => relative(web, file)).join('\n  → '));
  if (circles.length > 0) process.exitCode = 1;
}
