// Blocks of markdown to DOM nodes, for text that nobody vouches for: a block that cannot be drawn is
// shown as it is written, and harms no other.
import { copyText } from '../clipboard.ts';
import { readBlocks, type Align, type Block, type Definitions, type Item } from './blocks.ts';
import { inlineNodes, type InlineOptions } from './inline.ts';

export interface MarkdownOptions extends InlineOptions {
  readonly copyLabel: string;
  readonly copiedLabel: string;
}

/** One block as an element; `raw`, its text, as it is written if it cannot be drawn otherwise. */
export function blockNode(
  block: Block,
  raw: string,
  definitions: Definitions,
  options: MarkdownOptions,
): HTMLElement {
  try {
    return new Renderer(definitions, options).block(block);
  } catch {
    return plainNode(raw);
  }
}

/** The blocks of `source`, or all of it as it is written if they cannot be told. */
export function safeBlocks(source: string, definitions: Definitions): readonly Block[] {
  try {
    return readBlocks(source, definitions);
  } catch {
    return [{ kind: 'plain', text: source, end: source.length }];
  }
}

/** What was written for one of the `blocks` of `source`. */
export function rawOf(blocks: readonly Block[], index: number, source: string): string {
  return source.slice(blocks[index - 1]?.end ?? 0, blocks[index]?.end);
}

/** The words of `source` without their markup, in one line. */
export function markdownText(source: string): string {
  const definitions: Definitions = new Map();
  const options = { images: false, copyLabel: '', copiedLabel: '' };
  const blocks = safeBlocks(source, definitions);
  const words = blocks.map(
    (block, index) => blockNode(block, rawOf(blocks, index, source), definitions, options).textContent,
  );
  return words.join(' ').replace(/\s+/g, ' ').trim();
}

/** `text` as it is written. */
export function plainNode(text: string): HTMLElement {
  const node = element('div');
  node.className = 'plain';
  node.dir = 'auto';
  node.textContent = text;
  return node;
}

class Renderer {
  readonly #definitions: Definitions;
  readonly #options: MarkdownOptions;

  constructor(definitions: Definitions, options: MarkdownOptions) {
    this.#definitions = definitions;
    this.#options = options;
  }

  block(block: Block): HTMLElement {
    switch (block.kind) {
      case 'paragraph':
        return this.#text('p', block.text);
      case 'heading':
        return this.#heading(block.level, block.text);
      case 'code':
        return codeNode(block.language, block.text, this.#options);
      case 'quote':
        return element(
          'blockquote',
          block.blocks.map((inner) => this.block(inner)),
        );
      case 'list':
        return this.#list(block);
      case 'table':
        return this.#table(block);
      case 'rule':
        return element('hr');
      case 'plain':
        return plainNode(block.text);
    }
  }

  #inline(text: string): Node[] {
    return inlineNodes(text, this.#definitions, this.#options);
  }

  #text(tag: 'p' | 'div' | 'li' | 'td' | 'th', text: string): HTMLElement {
    const node = element(tag, this.#inline(text));
    node.dir = 'auto';
    return node;
  }

  // The widget sits below the page's own headings, so an answer's "#" is moved two levels down.
  #heading(level: number, text: string): HTMLElement {
    const node = this.#text('div', text);
    node.className = `heading h${level}`;
    node.setAttribute('role', 'heading');
    node.setAttribute('aria-level', String(Math.min(6, level + 2)));
    return node;
  }

  #list({ start, tight, items }: Block & { kind: 'list' }): HTMLElement {
    const nodes = items.map((item) => this.#item(item, tight));
    if (start === null) return element('ul', nodes);
    const list = element('ol', nodes);
    if (start !== 1) list.start = start;
    return list;
  }

  #item({ checked, blocks }: Item, tight: boolean): HTMLElement {
    const node = element('li');
    node.dir = 'auto';
    if (checked !== null) {
      node.className = 'task';
      node.append(checked ? '☑ ' : '☐ ');
    }
    for (const block of blocks) {
      if (!tight || block.kind !== 'paragraph') node.append(this.block(block));
      else for (const inner of this.#inline(block.text)) node.append(inner);
    }
    return node;
  }

  #table({ align, rows }: Block & { kind: 'table' }): HTMLElement {
    const [head = [], ...body] = rows.map((cells) => cells.slice(0, align.length));
    const table = element('table', [
      element('thead', [this.#row(head, 'th', align)]),
      element(
        'tbody',
        body.map((cells) => this.#row(cells, 'td', align)),
      ),
    ]);
    const scroller = element('div', [table]);
    scroller.className = 'table';
    scroller.tabIndex = 0;
    return scroller;
  }

  #row(cells: readonly string[], tag: 'th' | 'td', align: readonly Align[]): HTMLElement {
    const nodes = cells.map((cell, column) => {
      const node = this.#text(tag, cell);
      if (align[column]) node.className = `align-${align[column]}`;
      return node;
    });
    const missing = align.length - cells.length;
    if (missing > 0) nodes.push(Object.assign(element('td'), { colSpan: missing }));
    return element('tr', nodes);
  }
}

function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  children: readonly Node[] = [],
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  // One by one: there may be more than a call takes arguments.
  for (const child of children) node.append(child);
  return node;
}

function codeNode(language: string, text: string, options: MarkdownOptions): HTMLElement {
  const code = element('code');
  code.textContent = text;
  const pre = element('pre', [code]);
  pre.dir = 'ltr';
  pre.tabIndex = 0;
  const name = element('span');
  name.textContent = language;
  const bar = element('div', [name, copyButton(code, options)]);
  bar.className = 'code-bar';
  const frame = element('div', [bar, pre]);
  frame.className = 'code';
  frame.setAttribute('part', 'code');
  return frame;
}

function copyButton(code: HTMLElement, { copyLabel, copiedLabel }: MarkdownOptions): HTMLElement {
  const button = element('button');
  button.type = 'button';
  button.className = 'code-copy';
  button.textContent = copyLabel;
  button.addEventListener('click', () => {
    void copyText(code.textContent, button).then(() => {
      button.textContent = copiedLabel;
      setTimeout(() => (button.textContent = copyLabel), 2000);
    });
  });
  return button;
}
