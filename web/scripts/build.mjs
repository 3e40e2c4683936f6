// Builds what the server serves: one bundle for each way in, names with their content's hash, a manifest from the
// plain names to these, and each file compressed beforehand. `node scripts/build.mjs [directory]`.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'vite';

const web = resolve(dirname(fileURLToPath(import.meta.url)), '..');
export const STATIC = resolve(web, '../src/chatstream/static');

const MODULES = {
  client: 'client/src/index.ts',
  chatstream: 'widget/src/index.ts',
  'chatstream-react': 'widget/src/react.ts',
  page: 'widget/src/page.ts',
};
const SCRIPT = { embed: 'widget/src/embed.ts' };
const BUNDLED = ['@lit/reactive-element', 'lit', 'lit-element', 'lit-html'];

// The minifier leaves the text of templates alone. These files hold nothing but styles and comments.
const styles = {
  name: 'styles',
  enforce: 'pre',
  transform(code, id) {
    if (!id.includes('/widget/src/styles/')) return null;
    return code
      .replace(/^\s*\/\/.*$/gm, '')
      .replace(/\s+/g, ' ')
      .replace(/ ?([{};]) ?/g, '$1')
      .replace(/([{;][\w-]+): /g, '$1:')
      .replaceAll(';}', '}');
  },
};

/** Writes everything into `directory`, which holds nothing else afterwards. */
export async function buildAll(directory) {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const manifest = {};
  for (const [name, entry] of Object.entries(MODULES)) await bundle(directory, manifest, name, entry, 'es');
  for (const [name, entry] of Object.entries(SCRIPT)) await bundle(directory, manifest, name, entry, 'iife');
  await page(directory, manifest);
  await write(directory, 'licenses.txt', await licenses());
  const sorted = Object.fromEntries(Object.entries(manifest).sort(([a], [b]) => (a < b ? -1 : 1)));
  await writeFile(join(directory, 'manifest.json'), `${JSON.stringify(sorted, null, 2)}\n`);
}

async function bundle(directory, manifest, name, entry, format) {
  const [{ output }] = [
    await build({
      configFile: false,
      root: web,
      logLevel: 'warn',
      define: { 'process.env.NODE_ENV': '"production"' },
      plugins: [styles],
      build: {
        write: false,
        target: 'es2022',
        minify: true,
        lib: { entry: { [name]: entry }, formats: [format], name: 'ChatStreamBundle' },
        rolldownOptions: {
          optimization: { inlineConst: { mode: 'all', pass: 2 } },
          output: {
            minify: true,
            hashCharacters: 'hex',
            codeSplitting: format === 'es',
            entryFileNames: '[name].[hash].js',
            chunkFileNames: `${name}-[name].[hash].js`,
          },
        },
      },
    }),
  ].flat();
  for (const { fileName, code: annotated } of output) {
    // What is left of line ends with blanks behind them stands in templates of markup: they mean what one blank does.
    const code = annotated.replaceAll('/* @__PURE__ */ ', '').replace(/\n {2,}/g, ' ');
    manifest[fileName.replace(/\.[0-9a-f]{8}\.js$/, '.js')] = fileName;
    await write(directory, fileName, code);
  }
}

// The full page: its address is plain, what it loads is hashed. Relative, so that a server below a path shows it too.
async function page(directory, manifest) {
  const css = await readFile(join(web, 'widget/src/page.css'));
  const hashed = `page.${createHash('sha256').update(css).digest('hex').slice(0, 8)}.css`;
  manifest['page.css'] = hashed;
  await write(directory, hashed, css);
  const html = await readFile(join(web, 'widget/src/page.html'), 'utf8');
  const linked = html.replace('./page.css', `chatstream/${hashed}`).replace('./page.ts', `chatstream/${manifest['page.js']}`);
  await write(directory, 'index.html', linked);
}

async function licenses() {
  const texts = [];
  for (const name of BUNDLED) {
    const folder = join(web, 'node_modules', name);
    const file = (await readdir(folder)).find((entry) => /^licen[sc]e/i.test(entry));
    const { version, license, author } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    // One of them comes without the text.
    const text = file ? await readFile(join(folder, file), 'utf8') : `License: ${license}. Author: ${author}.`;
    texts.push(`${name} ${version}\n\n${text.trim()}\n`);
  }
  return `The scripts beside this file contain the following works.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}

async function write(directory, name, content) {
  const bytes = Buffer.from(content);
  await writeFile(join(directory, name), bytes);
  await writeFile(join(directory, `${name}.gz`), gzipSync(bytes, { level: 9 }));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  await writeFile(join(directory, `${name}.br`), brotliCompressSync(bytes, { params }));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await buildAll(resolve(process.argv[2] ?? STATIC));
