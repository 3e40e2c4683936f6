// What a person or an agent wrote is read in time that grows with its length and no faster, whatever it is.
// Measured in time of the processor, with bounds some ten times above what is measured: the machine may be busy.
// With CHATSTREAM_HOSTILE=long every text is tried at its full size (a minute); else those that are dear when small.
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { decodeEntities } from '../src/markdown/entities.ts';
import { readBlocks, type Definitions } from '../src/markdown/blocks.ts';
import { blockNode } from '../src/markdown/render.ts';
import { MarkdownStream } from '../src/markdown/stream.ts';
import { safeUrl } from '../src/markdown/urls.ts';
import { messages } from '../../client/src/events.ts';
import { spokenText } from '../src/announcer.ts';
import { humanName, valueText } from '../src/format.ts';
import { fieldsOf } from '../src/forms/schema.ts';
import { validateDraft } from '../src/forms/validate.ts';
import { offlineReplyTo } from '../src/options.ts';
import { Texts } from '../src/strings.ts';
import { questionIn } from '../src/task.ts';
import { FlatElement, flatDocument } from './flat-dom.ts';
import { everyHostile, type Hostile } from './hostile.ts';

const LONG = process.env['CHATSTREAM_HOSTILE'] === 'long';
/** The largest message of a person; an agent's may be longer. */
const LEGAL = 32_768;
const SMALL = LONG ? LEGAL : 4_096;
const LARGE = 1_048_576;

/** For `SMALL`, `LEGAL` and `LARGE`. Measured: 10, 60 and 1,500 ms at most. */
const SMALL_MS = LONG ? 500 : 150;
const LEGAL_MS = 500;
const LARGE_MS = 8_000;
/** An answer of the legal size that comes in 512 pieces; measured: 820 ms at most. */
const STREAMED_MS = 5_000;
/** Elements within each other: quotes and lists twelve deep, emphasis, links. A browser draws ten times as many. */
const DEEPEST = 90;

const OPTIONS = { images: false, copyLabel: 'Copy', copiedLabel: 'Copied' };
const TEXTS = new Texts('en');
const everything = everyHostile();

beforeEach(() => vi.stubGlobal('document', flatDocument));

/** Milliseconds of the processor; the least of up to three, since a compiler or a collector may step in. */
function cost(work: () => unknown, enough: number): number {
  let least = Infinity;
  for (let round = 0; round < 3 && least > enough; round += 1) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

function drawn(source: string): FlatElement {
  const root = new FlatElement('div');
  const definitions: Definitions = new Map();
  for (const block of readBlocks(source, definitions)) {
    const node = blockNode(block, '', definitions, OPTIONS);
    // What fails is shown as it is written: nothing here may have to be.
    if (node.className === 'plain') throw new Error(`cannot be drawn: ${source.slice(0, 80)}`);
    root.append(node as never);
  }
  return root;
}

function streamed(source: string, pieces: number): FlatElement {
  const root = new FlatElement('div');
  const stream = new MarkdownStream(root as never, OPTIONS);
  const length = Math.ceil(source.length / pieces);
  for (let end = length; end < source.length; end += length) stream.update(source.slice(0, end));
  stream.finish(source);
  return root;
}

const costs = new Map<Hostile, number>();

/** The `count` that were the dearest to draw when they were small. */
function dearest(count: number, of: readonly Hostile[] = everything): Hostile[] {
  for (const one of of) if (!costs.has(one)) costs.set(one, cost(() => drawn(one.text(SMALL)), 0.5));
  return [...of].sort((one, other) => costs.get(other)! - costs.get(one)!).slice(0, count);
}

/** The first of `of` that at `size` costs more than `most` milliseconds: the next might take hours. */
function tooDear(of: readonly Hostile[], size: number, most: number, work: (source: string) => unknown): string | null {
  for (const { name, text } of of) {
    const source = text(size);
    const spent = cost(() => work(source), most);
    if (spent > most) return `${name}: ${Math.round(spent)} ms`;
  }
  return null;
}

describe('an answer', { timeout: 600_000 }, () => {
  test('of any tokens in any order is drawn in a moment, no part of it fails, none lies too deep', () => {
    expect(everything.length).toBeGreaterThan(10_000);
    for (const one of everything) {
      const source = one.text(SMALL);
      let root = drawn('');
      const spent = cost(() => (root = drawn(source)), SMALL_MS);
      costs.set(one, spent);
      expect(spent, one.name).toBeLessThan(SMALL_MS);
      expect(root.depth(), one.name).toBeLessThan(DEEPEST);
    }
  });

  test('of the largest size that a person may send is drawn in a moment', () => {
    expect(tooDear(dearest(60), LEGAL, LEGAL_MS, drawn)).toBeNull();
  });

  test('of a million characters is drawn in time that has grown no faster than its length', () => {
    const chosen = dearest(LONG ? 60 : 5);
    expect(tooDear(dearest(60), LEGAL, LEGAL_MS, drawn)).toBeNull();
    expect(tooDear(chosen, LARGE, LARGE_MS, drawn)).toBeNull();
  });

  test('that grows by pieces costs no more for being cut', () => {
    const apart = everything.filter((_, index) => index % 50 === 0);
    const chosen = LONG ? apart : [...dearest(4), ...dearest(6, apart)];
    expect(tooDear(chosen, LEGAL, LEGAL_MS, drawn)).toBeNull();
    expect(tooDear(chosen, LEGAL, STREAMED_MS, (source) => streamed(source, 512))).toBeNull();
  });

  test('of four megabytes in ten thousand pieces shows all of its words', { timeout: 120_000 }, () => {
    const source = 'Some *words* and `more`\n'.repeat(175_000);
    let root = drawn('');
    expect(cost(() => (root = streamed(source, 10_000)), 20_000)).toBeLessThan(20_000);
    expect(root.all().length).toBeLessThan(100_000);
    expect(root.textContent.endsWith('Some *words* and `more`\n')).toBe(true);
  });
});

describe('a text elsewhere', { timeout: 120_000 }, () => {
  const patterned = fieldsOf({ properties: { x: { type: 'string', pattern: '^\\S+@\\S+$' } } });
  const address = fieldsOf({ properties: { x: { type: 'string', format: 'email' } } });
  const page = fieldsOf({ properties: { x: { type: 'string', format: 'uri' } } });
  const readers: Record<string, (text: string) => unknown> = {
    'a question': questionIn,
    'a name of a task': humanName,
    'a value': (text) => valueText([text, { [text]: text }], TEXTS),
    'an address': safeUrl,
    'an address of e-mail in a form': (text) => validateDraft(address, { x: `a@${text}` }, TEXTS),
    'an address of a page in a form': (text) => validateDraft(page, { x: `a:${text}` }, TEXTS),
    'a value for a pattern': (text) => validateDraft(patterned, { x: text }, TEXTS),
    'a label of a form': (text) => fieldsOf({ properties: { [text]: { type: 'string', title: '' } } }),
    'characters by name': decodeEntities,
    'what is read aloud': spokenText,
    'a text of the page': (text) => new Texts('en', { task: `{${text}}` }).get('task', { task: text }),
    'a message without a network': (text) => offlineReplyTo(text, [{ words: ['refund'], reply: 'Later.' }]),
  };
  const texts = everything.filter((_, index) => index % (LONG ? 4 : 100) === 0);

  test.each(Object.keys(readers))('as %s is read in a moment', (name) => {
    expect(tooDear(texts, LEGAL, LEGAL_MS, readers[name]!)).toBeNull();
  });

  test('as a stream of events is read in a moment, however it is cut', async () => {
    const source = new TextEncoder().encode(`data: {"type":"x","text":"${'a'.repeat(LARGE)}"}\n\n`);
    const pieces = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let from = 0; from < source.length; from += 1024) controller.enqueue(source.slice(from, from + 1024));
        controller.close();
      },
    });
    const before = process.cpuUsage();
    let frames = 0;
    for await (const some of messages(pieces)) frames += some.length;
    expect(frames).toBe(1);
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(LARGE_MS);
  });
});
