// The blocks of a markdown text: a reader of CommonMark with tables, line by line, in linear time.
// It takes 3 KB of the widget's 45, where a complete library takes 15. HTML is text to it.
//
// Linear because no expression here has two neighbours that can share out the same characters
// between them: it would try every way to do so on a line that does not match in the end.
// widget/test/hostile.test.ts looks for texts that break this.

export type Align = '' | 'left' | 'center' | 'right';

interface Placed {
  /** Where the next block begins in the text: a later piece of text cannot change what ends before. */
  end: number;
}

export type Block = Placed &
  (
    | { readonly kind: 'paragraph'; readonly text: string }
    | { readonly kind: 'heading'; readonly level: number; readonly text: string }
    | {
        readonly kind: 'code';
        readonly language: string;
        readonly text: string;
        /** A fence whose end has not come. */
        readonly open: boolean;
      }
    | { readonly kind: 'quote'; readonly blocks: readonly Block[] }
    | {
        readonly kind: 'list';
        /** The first number; null where the items are not numbered. */
        readonly start: number | null;
        /** No blank line in it: the words of its items stand without paragraphs. */
        readonly tight: boolean;
        readonly items: readonly Item[];
      }
    | {
        readonly kind: 'table';
        readonly align: readonly Align[];
        readonly rows: readonly (readonly string[])[];
      }
    | { readonly kind: 'rule' }
    /** What is shown as it is written. */
    | { readonly kind: 'plain'; readonly text: string }
  );

export interface Item {
  /** Of a task list; null elsewhere. */
  readonly checked: boolean | null;
  readonly blocks: readonly Block[];
}

/** Where the links of `[text][label]` lead, by label in lower case. */
export type Definitions = Map<string, string>;

// Quotes and lists within each other; what lies deeper is shown as it is written.
const DEEPEST = 12;
// What is wider is no table that anyone could read, and a browser's work for one is rows times columns.
const MOST_COLUMNS = 100;

const BLANK = /^[ \t]*$/;
const FENCE = /^( {0,3})(`{3,}|~{3,})/;
const FENCE_END = /^ {0,3}(`+|~+)[ \t]*$/;
const HEADING = /^ {0,3}(#{1,6})(?=[ \t]|$)/;
const RULE_MARK = /^ {0,3}[-*_]/;
const RULE_MARKS = /^(?:\*{3,}|-{3,}|_{3,})$/;
const QUOTE = /^ {0,3}> ?/;
const BULLET = /^( {0,3})([-+*]|\d{1,9}[.)])([ \t]+|$)/;
const UNDERLINE = /^ {0,3}(=+|-+)[ \t]*$/;
const TABLE_LINE = /^[ \t|:-]+$/;
const TABLE_CELL = /^:?-+:?$/;
const DEFINITION = /^ {0,3}\[([^[\]]{1,999})\]:[ \t]*<?([^\s<>]+)>?/;
const TITLE = /^[ \t]+["'(]/;
const INDENTED = /^(?: {4}|\t)/;

/** The blocks of `source`; link definitions are added to `definitions`. Line ends are `\n`. */
export function readBlocks(source: string, definitions: Definitions): Block[] {
  return new Reader(source.split('\n'), definitions, 0).read();
}

class Reader {
  readonly #lines: readonly string[];
  readonly #definitions: Definitions;
  readonly #depth: number;
  readonly #blocks: Block[] = [];
  #at = 0;
  #offset = 0;

  constructor(lines: readonly string[], definitions: Definitions, depth: number) {
    this.#lines = lines;
    this.#definitions = definitions;
    this.#depth = depth;
  }

  read(): Block[] {
    while (this.#at < this.#lines.length) {
      const from = this.#at;
      const block = this.#block(this.#line);
      for (const line of this.#lines.slice(from, this.#at)) this.#offset += line.length + 1;
      if (block) this.#blocks.push(Object.assign(block, { end: this.#offset }));
      else if (this.#blocks.length > 0) this.#blocks.at(-1)!.end = this.#offset;
    }
    return this.#blocks;
  }

  get #line(): string {
    return this.#lines[this.#at] ?? '';
  }

  #block(line: string): Block | null {
    if (BLANK.test(line) || this.#define(line)) return this.#skip();
    if (INDENTED.test(line)) return this.#indentedCode();
    const fence = fenceOf(line);
    if (fence) return this.#code(line, fence);
    const heading = HEADING.exec(line);
    if (heading) {
      const text = headingText(line.slice(heading[0].length));
      return this.#one({ kind: 'heading', level: heading[1]!.length, text, end: 0 });
    }
    if (isRule(line)) return this.#one({ kind: 'rule', end: 0 });
    if (this.#depth < DEEPEST && QUOTE.test(line)) return this.#quote();
    if (this.#depth < DEEPEST && BULLET.test(line)) return this.#list();
    return this.#table(line) ?? this.#paragraph();
  }

  #skip(): null {
    this.#at += 1;
    return null;
  }

  #one(block: Block): Block {
    this.#at += 1;
    return block;
  }

  #define(line: string): boolean {
    const [whole = '', label, url] = DEFINITION.exec(line) ?? [];
    if (label === undefined || url === undefined) return false;
    const rest = line.slice(whole.length);
    if (!BLANK.test(rest) && !TITLE.test(rest)) return false;
    this.#definitions.set(label.toLowerCase(), this.#definitions.get(label.toLowerCase()) ?? url);
    return true;
  }

  /** The lines from here on for which `belongs` holds. */
  #take(belongs: (line: string) => boolean): string[] {
    const from = this.#at;
    while (this.#at < this.#lines.length && belongs(this.#line)) this.#at += 1;
    return this.#lines.slice(from, this.#at);
  }

  #inner(lines: readonly string[]): Block[] {
    return new Reader(lines, this.#definitions, this.#depth + 1).read();
  }

  // ---- code

  #code(line: string, [whole, indent = '', fence = '']: RegExpExecArray): Block {
    this.#at += 1;
    const lines = this.#take((inside) => !endsFence(inside, fence));
    const open = this.#at >= this.#lines.length;
    this.#at += 1;
    const text = lines.map((inside) => inside.slice(indentOf(inside, indent.length))).join('\n');
    const [language = ''] = line.slice(whole.length).trim().split(/\s/, 1);
    return { kind: 'code', language, text, open, end: 0 };
  }

  #indentedCode(): Block {
    const lines = this.#take((line) => INDENTED.test(line) || BLANK.test(line));
    const text = lines.map((line) => line.replace(INDENTED, '')).join('\n');
    return { kind: 'code', language: '', text: text.trimEnd(), open: false, end: 0 };
  }

  // ---- quotes and lists

  #quote(): Block {
    let open = true;
    const lines = this.#take((line) => {
      const quoted = QUOTE.test(line);
      const belongs = quoted || (open && isLazy(line));
      open = !BLANK.test(line.replace(QUOTE, ''));
      return belongs;
    });
    return { kind: 'quote', blocks: this.#inner(lines.map((line) => line.replace(QUOTE, ''))), end: 0 };
  }

  #list(): Block {
    const marker = BULLET.exec(this.#line)![2]!;
    const items: Item[] = [];
    let tight = true;
    while (this.#at < this.#lines.length) {
      const bullet = BULLET.exec(this.#line);
      if (!bullet || bullet[2]!.at(-1) !== marker.at(-1) || isRule(this.#line)) break;
      const lines = this.#itemLines(bullet);
      tight &&= !hasGap(lines);
      items.push(this.#item(lines));
    }
    const start = /\d/.test(marker) ? Number.parseInt(marker, 10) : null;
    return { kind: 'list', start, tight, items, end: 0 };
  }

  #item([first = '', ...rest]: readonly string[]): Item {
    const task = /^\[([ xX])\][ \t]+/.exec(first);
    const blocks = this.#inner([first.slice(task?.[0].length ?? 0), ...rest]);
    return { checked: task ? task[1] !== ' ' : null, blocks };
  }

  #itemLines([whole, indent = '', marker = '', gap = '']: RegExpExecArray): string[] {
    const first = this.#line.slice(gap.length > 4 ? indent.length + marker.length + 1 : whole.length);
    const width = indent.length + marker.length + (gap.length > 4 || gap === '' ? 1 : gap.length);
    const inside = (line: string) => (line.startsWith('\t') ? 1 : indentOf(line, width) === width ? width : 0);
    this.#at += 1;
    let blank = false;
    const rest = this.#take((line) => {
      const belongs = BLANK.test(line) || inside(line) > 0 || (!blank && isLazy(line) && !BULLET.test(line));
      blank = BLANK.test(line);
      return belongs;
    });
    // A blank line at the end stands between this item and what follows.
    while (rest.length > 0 && BLANK.test(rest.at(-1)!) && !this.#continuesList(marker)) {
      rest.pop();
      this.#at -= 1;
    }
    return [first, ...rest.map((line) => line.slice(inside(line)))];
  }

  #continuesList(marker: string): boolean {
    const next = BULLET.exec(this.#line);
    return next !== null && next[2]!.at(-1) === marker.at(-1);
  }

  // ---- tables and paragraphs

  #table(line: string): Block | null {
    const below = this.#lines[this.#at + 1] ?? '';
    if (!line.includes('|') || INDENTED.test(below) || !TABLE_LINE.test(below)) return null;
    const marks = cellsOf(below);
    const head = cellsOf(line);
    if (marks.length > MOST_COLUMNS || head.length !== marks.length) return null;
    if (!marks.every((cell) => TABLE_CELL.test(cell))) return null;
    this.#at += 2;
    const rows = this.#take((row) => !BLANK.test(row) && !startsBlock(row)).map(cellsOf);
    // A short row stays short: a cell for each of many columns in each of many rows would be their product.
    return { kind: 'table', align: marks.map(alignOf), rows: [head, ...rows], end: 0 };
  }

  #paragraph(): Block {
    const first = this.#line;
    this.#at += 1;
    const lines = [first, ...this.#take((line) => isLazy(line) && !UNDERLINE.test(line))];
    const text = lines
      .map((line) => line.trimStart())
      .join('\n')
      .trimEnd();
    const underline = UNDERLINE.exec(this.#line);
    if (!underline) return { kind: 'paragraph', text, end: 0 };
    this.#at += 1;
    return { kind: 'heading', level: underline[1]!.startsWith('=') ? 1 : 2, text, end: 0 };
  }
}

/** The line goes on with the paragraph before it. */
function isLazy(line: string): boolean {
  return !BLANK.test(line) && !startsBlock(line);
}

function startsBlock(line: string): boolean {
  if (fenceOf(line) || HEADING.test(line) || isRule(line) || QUOTE.test(line)) return true;
  const bullet = BULLET.exec(line);
  return (
    bullet !== null && bullet[3] !== '' && (!/\d/.test(bullet[2]!) || Number.parseInt(bullet[2]!, 10) === 1)
  );
}

function fenceOf(line: string): RegExpExecArray | null {
  const fence = FENCE.exec(line);
  return fence && !line.includes('`', fence[0].length) ? fence : null;
}

function endsFence(line: string, fence: string): boolean {
  const marks = FENCE_END.exec(line)?.[1] ?? '';
  return marks[0] === fence[0] && marks.length >= fence.length;
}

/** The words of a heading without the `#` that may close it. */
function headingText(rest: string): string {
  const text = rest.trim();
  let end = text.length;
  while (text[end - 1] === '#') end -= 1;
  return end === 0 || /[ \t]/.test(text[end - 1]!) ? text.slice(0, end).trimEnd() : text;
}

function isRule(line: string): boolean {
  return RULE_MARK.test(line) && RULE_MARKS.test(line.replace(/[ \t]+/g, ''));
}

/** How many spaces `line` begins with, up to `most`. */
function indentOf(line: string, most: number): number {
  let at = 0;
  while (at < most && line[at] === ' ') at += 1;
  return at;
}

function hasGap(lines: readonly string[]): boolean {
  const written = lines.findLastIndex((line) => !BLANK.test(line));
  return (
    lines.slice(0, written).some((line, index) => index > 0 && BLANK.test(line)) || lines.length - 1 > written
  );
}

function cellsOf(line: string): string[] {
  const inner = line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '');
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replace(/\\\|/g, '|'));
}

function alignOf(cell: string): Align {
  if (cell.endsWith(':')) return cell.startsWith(':') ? 'center' : 'right';
  return cell.startsWith(':') ? 'left' : '';
}
