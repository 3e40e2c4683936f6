// Blocks of markdown to DOM nodes, for text that nobody vouches for.
import { copyText } from '../clipboard.ts';
import { readBlocks, type Block, type Definitions, type Item } from './blocks.ts';
import { inlineNodes, type InlineOptions } from './inline.ts';

export interface MarkdownOptions extends InlineOptions {
  readonly copyLabel: string;
  readonly copiedLabel: string;
}

/** One block as an element. */
export function blockNode(block: Block, definitions: Definitions, options: MarkdownOptions): HTMLElement {
  return new Renderer(definitions, options).block(block);
}

/** The words of `source` without their markup, in one line. */
export function markdownText(source: string): string {
  const definitions: Definitions = new Map();
  const options = { images: false, copyLabel: '', copiedLabel: '' };
  const words = readBlocks(source, definitions).map(
    (block) => blockNode(block, definitions, options).textContent,
  );
  return words.join(' ').replace(/\s+/g, ' ').trim();
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
      if (tight && block.kind === 'paragraph') node.append(...this.#inline(block.text));
      else node.append(this.block(block));
    }
    return node;
  }

  #table({ align, rows }: Block & { kind: 'table' }): HTMLElement {
    const row = (cells: readonly string[], tag: 'th' | 'td') =>
      element(
        'tr',
        cells.map((cell, column) => {
          const node = this.#text(tag, cell);
          if (align[column]) node.className = `align-${align[column]}`;
          return node;
        }),
      );
    const [head = [], ...body] = rows;
    const table = element('table', [
      element('thead', [row(head, 'th')]),
      element(
        'tbody',
        body.map((cells) => row(cells, 'td')),
      ),
    ]);
    const scroller = element('div', [table]);
    scroller.className = 'table';
    scroller.tabIndex = 0;
    return scroller;
  }
}

function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  children: readonly Node[] = [],
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  node.append(...children);
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
