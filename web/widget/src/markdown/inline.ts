// The words within a block: emphasis, code, links. Makes nodes with createElement and text only,
// so no string is ever parsed as HTML and Trusted Types have nothing to object to.
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

type Piece = Node | Run;

// Brackets and emphasis within each other; what lies deeper stays as it is written.
const MOST_BRACKETS = 40;

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
  #plain = '';

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

  #literal(text: string): void {
    this.#plain += text;
    this.#at += text.length;
  }

  #flush(): void {
    if (this.#plain) this.#pieces.push(document.createTextNode(decodeEntities(this.#plain)));
    this.#plain = '';
  }

  #push(node: Piece, length: number): void {
    this.#flush();
    this.#pieces.push(node);
    this.#at += length;
  }

  #escape(): void {
    const next = this.#text[this.#at + 1] ?? '';
    if (next === '\n') return this.#push(document.createElement('br'), 2);
    // As a node of its own, so that an escaped "&" begins no entity.
    if (PUNCTUATION.test(next)) return this.#push(document.createTextNode(next), 2);
    this.#literal('\\');
  }

  #lineEnd(): void {
    const hard = this.#plain.endsWith('  ');
    this.#plain = this.#plain.trimEnd();
    if (hard) this.#push(document.createElement('br'), 1);
    else this.#literal('\n');
  }

  #code(): void {
    const ticks = this.#match(TICKS)![0];
    const end = closingTicks(this.#text, this.#at + ticks.length, ticks.length);
    if (end < 0) return this.#literal(ticks);
    const inside = this.#text.slice(this.#at + ticks.length, end).replace(/\n/g, ' ');
    const code = make('code');
    code.dir = 'ltr';
    code.textContent = /^ .*[^ ].* $/.test(inside) ? inside.slice(1, -1) : inside;
    this.#push(code, end + ticks.length - this.#at);
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
    this.#push({ char, count: run.length, opens, closes }, run.length);
  }

  // ---- links

  #open(char: string): void {
    const image = char === '!';
    if ((image && this.#text[this.#at + 1] !== '[') || this.#brackets.length >= MOST_BRACKETS) {
      return this.#literal(char);
    }
    const mark = image ? '![' : '[';
    this.#push(document.createTextNode(mark), mark.length);
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
    const inline = this.#match(TARGET);
    const label = inline ? null : this.#match(LABEL);
    this.#at -= 1;
    if (inline) return { url: inline[1] ?? inline[2] ?? '', length: inline[0].length };
    const url = this.#definitions.get((label?.[1] || words).toLowerCase());
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
      const words = document.createTextNode(url);
      return this.#push(linkNode(url.includes(':') ? url : `mailto:${url}`, [words]), angled[0].length);
    }
    if (!bare) return this.#words();
    const url = withoutTail(bare[0]);
    const href = url.startsWith('www.') ? `https://${url}` : url;
    this.#push(linkNode(href, [document.createTextNode(url)]), url.length);
  }
}

const WORDS = /[^\\`*_~![\]\n<hw]+|[hw]+/y;
const TICKS = /`+/y;
const RUN = /\*+|_+|~+/y;
const SPACE = /\s/;
const PUNCTUATION = /[!-/:-@[-`{-~\p{P}\p{S}]/u;
// A URL may hold one level of brackets within brackets, as in `a_(b)`.
const TARGET =
  /\(\s*(?:<([^<>\n]*)>|((?:[^\s()\\]|\\.|\((?:[^\s()\\]|\\.)*\))*))(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/y;
const LABEL = /\[([^[\]]*)\]/y;
const ANGLED = /<((?:https:\/\/|mailto:)[^\s<>]*|[\w.+-]+@[\w-]+(?:\.[\w-]+)+)>/y;
const BARE = /(?:https?:\/\/|www\.)[^\s<]+/y;

function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  children: readonly Node[] = [],
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.append(...children);
  return element;
}

// A refused link stays readable, as the words it has.
function linkNode(url: string, words: readonly Node[]): Node {
  const href = safeUrl(decodeEntities(url.replace(/\\(?=[!-/:-@[-`{-~])/g, '')));
  if (href === null) return make('span', words);
  const link = make('a', words);
  link.href = href;
  link.target = '_blank';
  link.rel = 'noopener noreferrer nofollow';
  return link;
}

function closingTicks(text: string, from: number, length: number): number {
  TICKS.lastIndex = from;
  for (let at = text.indexOf('`', from); at >= 0; at = text.indexOf('`', TICKS.lastIndex)) {
    TICKS.lastIndex = at;
    if (TICKS.exec(text)![0].length === length) return at;
  }
  return -1;
}

function withoutTail(url: string): string {
  const trimmed = url.replace(/[?!.,:;*_~'"\]]+$/, '');
  const count = (char: string) => trimmed.split(char).length;
  return trimmed.endsWith(')') && count(')') > count('(') ? withoutTail(trimmed.slice(0, -1)) : trimmed;
}

// ---- emphasis

/** The pieces with every pair of runs turned into an element around what lies between them. */
function nested(pieces: readonly Piece[]): Node[] {
  const done: Piece[] = [];
  for (const piece of pieces) {
    if (isRun(piece) && piece.closes) closeWith(done, piece);
    if (!isRun(piece) || piece.count > 0) done.push(piece);
  }
  return done.map((piece) =>
    isRun(piece) ? document.createTextNode(piece.char.repeat(piece.count)) : piece,
  );
}

function closeWith(done: Piece[], closer: Run): void {
  for (let at = openerFor(done, closer); at >= 0 && closer.count > 0; at = openerFor(done, closer)) {
    const opener = done[at] as Run;
    const width = widthOf(opener, closer);
    const inside = done.splice(at + 1).map((piece) => (isRun(piece) ? textOf(piece) : piece));
    opener.count -= width;
    closer.count -= width;
    if (opener.count === 0) done.pop();
    done.push(make(closer.char === '~' ? 'del' : width === 2 ? 'strong' : 'em', inside));
  }
}

function textOf(run: Run): Text {
  return document.createTextNode(run.char.repeat(run.count));
}

// Looks back a bounded way: thousands of runs that match nothing must not cost their square.
function openerFor(done: readonly Piece[], closer: Run): number {
  const last = Math.max(0, done.length - 400);
  for (let at = done.length - 1; at >= last; at -= 1) {
    const piece = done[at]!;
    if (isRun(piece) && piece.opens && piece.char === closer.char && fits(piece, closer)) return at;
  }
  return -1;
}

function fits(opener: Run, closer: Run): boolean {
  if (closer.char === '~') return opener.count === closer.count && closer.count <= 2;
  const both = opener.closes || closer.opens;
  return (
    !both || (opener.count + closer.count) % 3 !== 0 || (opener.count % 3 === 0 && closer.count % 3 === 0)
  );
}

function widthOf(opener: Run, closer: Run): number {
  if (closer.char === '~') return closer.count;
  return opener.count >= 2 && closer.count >= 2 ? 2 : 1;
}

function isRun(piece: Piece): piece is Run {
  return 'char' in piece;
}
