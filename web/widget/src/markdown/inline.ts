// The words within a block: emphasis, code, links. Makes nodes with createElement and text only,
// so no string is ever parsed as HTML and Trusted Types have nothing to object to. Reads every
// character a bounded number of times (see blocks.ts).
import type { Definitions } from './blocks.ts';
import { decodeEntities } from './entities.ts';
import { safeUrl } from './urls.ts';

export interface InlineOptions {
  /** Show remote images. Off by default: an image is a request with whatever its URL carries. */
  readonly images: boolean;
}

/** A run of `*`, `_` or `~` that may begin or end emphasis. */
interface Run {
  readonly char: string;
  /** Its length as it was written, and what of it has found no partner yet. */
  readonly size: number;
  count: number;
  readonly opens: boolean;
  readonly closes: boolean;
}

interface Bracket {
  /** Its place among the pieces. */
  readonly at: number;
  /** The text after it. */
  readonly from: number;
  readonly image: boolean;
}

type Piece = string | Node | Run;

// Brackets and emphasis within each other; what lies deeper stays as it is written.
const MOST_BRACKETS = 40;
const DEEPEST_EMPHASIS = 16;
const LONGEST_LABEL = 999;

/** The nodes of `text`. */
export function inlineNodes(text: string, definitions: Definitions, options: InlineOptions): Node[] {
  return new Inline(text, definitions, options).read();
}

class Inline {
  readonly #text: string;
  readonly #definitions: Definitions;
  readonly #options: InlineOptions;
  readonly #brackets: Bracket[] = [];
  #pieces: Piece[] = [];
  #at = 0;
  /** What was read since the last piece, in bits: a line's end takes blanks off the last ones. */
  #plain: string[] = [];
  #ticks: Map<number, number[]> | null = null;

  constructor(text: string, definitions: Definitions, options: InlineOptions) {
    this.#text = text;
    this.#definitions = definitions;
    this.#options = options;
  }

  read(): Node[] {
    while (this.#at < this.#text.length) this.#next(this.#text[this.#at]!);
    this.#flush();
    return nested(this.#pieces);
  }

  #next(char: string): void {
    switch (char) {
      case '\\':
        return this.#escape();
      case '`':
        return this.#code();
      case '*':
      case '_':
      case '~':
        return this.#run(char);
      case '!':
      case '[':
        return this.#open(char);
      case ']':
        return this.#close();
      case '\n':
        return this.#lineEnd();
      case '<':
      case 'h':
      case 'w':
        return this.#autolink();
      case '&':
        return this.#entity();
      default:
        this.#words();
    }
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text);
  }

  #words(): void {
    const words = this.#match(WORDS)?.[0] ?? this.#text[this.#at]!;
    this.#literal(words);
  }

  #literal(text: string, length = text.length): void {
    this.#plain.push(text);
    this.#at += length;
  }

  #flush(): void {
    if (this.#plain.length > 0) this.#pieces.push(this.#plain.join(''));
    this.#plain = [];
  }

  #push(piece: Piece, length: number): void {
    this.#flush();
    this.#pieces.push(piece);
    this.#at += length;
  }

  #escape(): void {
    const next = this.#text[this.#at + 1] ?? '';
    if (next === '\n') this.#push(make('br'), 2);
    else if (PUNCTUATION.test(next)) this.#literal(next, 2);
    else this.#literal('\\');
  }

  #entity(): void {
    const written = this.#match(ENTITY)?.[0] ?? '&';
    this.#literal(decodeEntities(written), written.length);
  }

  #lineEnd(): void {
    const hard = this.#text.endsWith('  ', this.#at);
    for (let bit = this.#plain.pop(); bit !== undefined; bit = this.#plain.pop()) {
      const trimmed = bit.trimEnd();
      if (trimmed === '') continue;
      this.#plain.push(trimmed);
      break;
    }
    if (hard) this.#push(make('br'), 1);
    else this.#literal('\n');
  }

  #code(): void {
    const ticks = this.#match(TICKS)![0];
    const from = this.#at + ticks.length;
    const end = this.#closingTicks(from, ticks.length);
    if (end === undefined) return this.#literal(ticks);
    const inside = this.#text.slice(from, end).replace(/\n/g, ' ');
    const code = make('code');
    code.dir = 'ltr';
    const framed = inside.startsWith(' ') && inside.endsWith(' ') && inside.trim() !== '';
    code.textContent = framed ? inside.slice(1, -1) : inside;
    this.#push(code, end + ticks.length - this.#at);
  }

  /** Where the next run of so many ticks begins; all runs are looked for once. */
  #closingTicks(from: number, length: number): number | undefined {
    this.#ticks ??= ticksOf(this.#text);
    const places = this.#ticks.get(length) ?? [];
    while (places.at(-1)! < from) places.pop();
    return places.at(-1);
  }

  #run(char: string): void {
    const run = this.#match(RUN)![0];
    const before = this.#text[this.#at - 1] ?? ' ';
    const after = this.#text[this.#at + run.length] ?? ' ';
    const left =
      !SPACE.test(after) && (!PUNCTUATION.test(after) || SPACE.test(before) || PUNCTUATION.test(before));
    const right =
      !SPACE.test(before) && (!PUNCTUATION.test(before) || SPACE.test(after) || PUNCTUATION.test(after));
    const inWord = char === '_' && left && right;
    const opens = left && (!inWord || PUNCTUATION.test(before));
    const closes = right && (!inWord || PUNCTUATION.test(after));
    this.#push({ char, size: run.length, count: run.length, opens, closes }, run.length);
  }

  // ---- links

  #open(char: string): void {
    const image = char === '!';
    if ((image && this.#text[this.#at + 1] !== '[') || this.#brackets.length >= MOST_BRACKETS) {
      return this.#literal(char);
    }
    const mark = image ? '![' : '[';
    this.#push(mark, mark.length);
    this.#brackets.push({ at: this.#pieces.length - 1, from: this.#at, image });
  }

  #close(): void {
    const bracket = this.#brackets.pop();
    const target = bracket && this.#target(this.#text.slice(bracket.from, this.#at));
    if (!bracket || !target) return this.#literal(']');
    this.#flush();
    const inside = nested(this.#pieces.splice(bracket.at).slice(1));
    this.#pieces.push(bracket.image ? this.#image(target.url, inside) : linkNode(target.url, inside));
    // A link holds no other link.
    if (!bracket.image) this.#brackets.length = 0;
    this.#at += 1 + target.length;
  }

  // What follows the "]": (url "title"), [label], or nothing where the words are the label.
  #target(words: string): { url: string; length: number } | null {
    this.#at += 1;
    const inline = targetAt(this.#text, this.#at);
    const label = inline ? null : this.#match(LABEL);
    this.#at -= 1;
    if (inline) return inline;
    const name = label?.[1] || words;
    const url = name.length > LONGEST_LABEL ? undefined : this.#definitions.get(name.toLowerCase());
    return url === undefined ? null : { url, length: label?.[0].length ?? 0 };
  }

  #image(url: string, words: Node[]): Node {
    const source = safeUrl(url);
    const alt = words.map((node) => node.textContent).join('');
    if (!this.#options.images || source === null) return document.createTextNode(alt || url);
    const image = make('img');
    image.alt = alt;
    image.loading = 'lazy';
    image.referrerPolicy = 'no-referrer';
    image.src = source;
    return image;
  }

  #autolink(): void {
    const angled = this.#match(ANGLED);
    const bare = angled || /\w/.test(this.#text[this.#at - 1] ?? '') ? null : this.#match(BARE);
    if (angled) {
      const url = angled[1]!;
      return this.#push(linkNode(url.includes(':') ? url : `mailto:${url}`, [url]), angled[0].length);
    }
    const url = withoutTail(bare?.[0] ?? '');
    if (!BEYOND_SCHEME.test(url)) return this.#words();
    this.#push(linkNode(url.startsWith('www.') ? `https://${url}` : url, [url]), url.length);
  }
}

const WORDS = /[^\\`*_~![\]\n<hw&]+|[hw]+/y;
const TICKS = /`+/y;
const RUN = /\*+|_+|~+/y;
const SPACE = /\s/;
const PUNCTUATION = /[!-/:-@[-`{-~\p{P}\p{S}]/u;
const ENTITY = /&(?:#\d{1,7}|#x[\da-f]{1,6}|\w{1,8});/iy;
const BLANKS = /\s*/y;
const ANGLED_TARGET = /<([^<>\n]*)>/y;
const TITLE = /"[^"]*"|'[^']*'/y;
const LABEL = /\[([^[\]]{0,999})\]/y;
const ANGLED = /<((?:https:\/\/|mailto:)[^\s<>]*|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,9})>/y;
const BARE = /(?:https?:\/\/|www\.)[^\s<]+/y;
const BEYOND_SCHEME = /^(?:https?:\/\/|www\.)./;

/** The end of what `pattern` matches at `from`; `from` where it does not. */
function past(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : from;
}

/** The `(url "title")` at `from`. */
function targetAt(text: string, from: number): { url: string; length: number } | null {
  if (text[from] !== '(') return null;
  const begin = past(BLANKS, text, from + 1);
  const angled = past(ANGLED_TARGET, text, begin);
  const end = angled > begin ? angled : urlEnd(text, begin);
  const gap = past(BLANKS, text, end);
  const close = gap > end ? past(BLANKS, text, past(TITLE, text, gap)) : gap;
  if (text[close] !== ')') return null;
  const url = angled > begin ? text.slice(begin + 1, end - 1) : text.slice(begin, end);
  return { url, length: close + 1 - from };
}

// A URL may hold one level of brackets within its own, as in `a_(b)`: a second one ends the search,
// so that thousands of unfinished targets do not each read all that follow.
function urlEnd(text: string, from: number): number {
  let depth = 0;
  let at = from;
  for (; at < text.length && !SPACE.test(text[at]!); at += 1) {
    const char = text[at];
    if (char === '\\') at += 1;
    else if (char === '(' && (depth += 1) > 1) break;
    else if (char === ')' && (depth -= 1) < 0) break;
  }
  return at;
}

/** The places of all runs of ticks by their length, the last one first. */
function ticksOf(text: string): Map<number, number[]> {
  const places = new Map<number, number[]>();
  for (const { 0: run, index } of text.matchAll(/`+/g)) {
    const known = places.get(run.length);
    if (known) known.push(index);
    else places.set(run.length, [index]);
  }
  for (const known of places.values()) known.reverse();
  return places;
}

function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  children: readonly (string | Node)[] = [],
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  // One by one: there may be more than a call takes arguments.
  for (const child of children) element.append(child);
  return element;
}

// A refused link stays readable, as the words it has.
function linkNode(url: string, words: readonly (string | Node)[]): Node {
  const href = safeUrl(decodeEntities(url.replace(/\\(?=[!-/:-@[-`{-~])/g, '')));
  if (href === null) return make('span', words);
  const link = make('a', words);
  link.href = href;
  link.target = '_blank';
  link.rel = 'noopener noreferrer nofollow';
  return link;
}

/** `url` without the punctuation of the sentence that it ends, and brackets that it does not open. */
function withoutTail(url: string): string {
  let surplus = 0;
  for (const char of url) surplus += char === ')' ? 1 : char === '(' ? -1 : 0;
  let end = url.length;
  for (; end > 0; end -= 1) {
    const last = url[end - 1]!;
    if (last === ')' && surplus > 0) surplus -= 1;
    else if (!TAIL.includes(last)) break;
  }
  return url.slice(0, end);
}

const TAIL = '?!.,:;*_~\'"]';

// ---- emphasis

/** The pieces with every pair of runs turned into an element around what lies between them. */
function nested(pieces: readonly Piece[]): Node[] {
  return new Emphasis().read(pieces);
}

/** A run that may open, where it stands, and what was found behind it. */
interface Opener {
  readonly run: Run;
  /** Its place among the pieces that are done. */
  readonly at: number;
  /** How many runs had come with it. */
  readonly serial: number;
  /** How many elements stand within each other between it and the next opener. */
  depth: number;
}

// The reading of CommonMark: a run that closes looks back for one that opens. What found nothing
// is remembered, and what lies between two that met is theirs, so no run is passed again and again.
class Emphasis {
  readonly #done: Piece[] = [];
  readonly #openers: Opener[] = [];
  /** By kind of closing run: no opener that had come by then fits. */
  readonly #searched = new Map<string, number>();
  #serial = 0;

  read(pieces: readonly Piece[]): Node[] {
    for (const piece of pieces) {
      if (isRun(piece)) this.#run(piece);
      else this.#done.push(piece);
    }
    return toNodes(this.#done);
  }

  #run(run: Run): void {
    this.#serial += 1;
    let met = run.closes;
    while (met && run.count > 0) met = this.#close(run);
    if (run.count === 0) return;
    this.#done.push(run);
    if (run.opens) this.#openers.push({ run, at: this.#done.length - 1, serial: this.#serial, depth: 0 });
  }

  /** Closes the nearest opener that fits; false where there is none, or it would lie too deep. */
  #close(closer: Run): boolean {
    const index = this.#openerFor(closer);
    if (index < 0) return false;
    this.#keep(index + 1);
    const { run, at, depth } = this.#openers[index]!;
    const width = depth < DEEPEST_EMPHASIS ? widthOf(run, closer) : 0;
    run.count -= width;
    closer.count -= width;
    if (run.count === 0 || width === 0) this.#keep(index);
    if (width === 0) return false;
    const inside = toNodes(this.#done.splice(at + 1));
    if (run.count === 0) this.#done.pop();
    this.#done.push(make(closer.char === '~' ? 'del' : width === 2 ? 'strong' : 'em', inside));
    const around = this.#openers.at(-1);
    if (around) around.depth = Math.max(around.depth, depth + 1);
    return true;
  }

  #openerFor(closer: Run): number {
    const size = closer.char === '~' ? Math.min(closer.size, 3) : closer.size % 3;
    const kind = `${closer.char}${size}${closer.opens}`;
    const searched = this.#searched.get(kind) ?? 0;
    for (let index = this.#openers.length - 1; index >= 0; index -= 1) {
      const { serial, run } = this.#openers[index]!;
      if (serial <= searched) break;
      if (run.char === closer.char && fits(run, closer)) return index;
    }
    // The closing run itself may open for a later one of its kind.
    this.#searched.set(kind, this.#serial - 1);
    return -1;
  }

  /** The first `count` openers stay; what was found behind the others lies behind the last of these. */
  #keep(count: number): void {
    while (this.#openers.length > count) {
      const { depth } = this.#openers.pop()!;
      const last = this.#openers.at(-1);
      if (last) last.depth = Math.max(last.depth, depth);
    }
  }
}

function fits(opener: Run, closer: Run): boolean {
  if (closer.char === '~') return opener.count === closer.count && closer.count <= 2;
  const both = opener.closes || closer.opens;
  return !both || (opener.size + closer.size) % 3 !== 0 || (opener.size % 3 === 0 && closer.size % 3 === 0);
}

function widthOf(opener: Run, closer: Run): number {
  if (closer.char === '~') return closer.count;
  return opener.count >= 2 && closer.count >= 2 ? 2 : 1;
}

/** The pieces as nodes: words that stand side by side as one, runs without a partner as they are written. */
function toNodes(pieces: readonly Piece[]): Node[] {
  const nodes: Node[] = [];
  let words: string[] = [];
  const flush = () => {
    if (words.length > 0) nodes.push(document.createTextNode(words.join('')));
    words = [];
  };
  for (const piece of pieces) {
    if (typeof piece === 'string') words.push(piece);
    else if (isRun(piece)) words.push(piece.char.repeat(piece.count));
    else {
      flush();
      nodes.push(piece);
    }
  }
  flush();
  return nodes;
}

function isRun(piece: Piece): piece is Run {
  return typeof piece !== 'string' && 'char' in piece;
}
