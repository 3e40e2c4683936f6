// Markdown to DOM nodes, for text that nobody vouches for. marked only reads (its lexer);
// every node is made here with createElement and textContent, so no string is ever parsed
// as HTML and Trusted Types have nothing to object to.
import { Lexer, type Token, type Tokens } from 'marked';
import { safeUrl } from './urls.ts';

export interface MarkdownOptions {
  /** Show remote images. Off by default: an image is a request with whatever its URL carries. */
  readonly images: boolean;
  readonly copyLabel: string;
  readonly copiedLabel: string;
}

/** The block tokens of `source`. */
export function lexBlocks(source: string): Token[] {
  try {
    return new Lexer({ gfm: true }).lex(source);
  } catch {
    // Thousands of nested quotes exhaust the reader's stack: such a text is shown as it is.
    return [{ type: 'text', raw: source, text: source }];
  }
}

/** One block token as a node, or null where there is nothing to show. */
export function blockNode(token: Token, options: MarkdownOptions): HTMLElement | null {
  try {
    return drawBlock(token, options);
  } catch {
    return paragraphNode({ type: 'text', raw: token.raw, text: token.raw }, options);
  }
}

function drawBlock(token: Token, options: MarkdownOptions): HTMLElement | null {
  switch (token.type) {
    case 'space':
    case 'def':
      return null;
    case 'heading':
      return headingNode(token as Tokens.Heading, options);
    case 'code':
      return codeNode(token as Tokens.Code, options);
    case 'blockquote':
      return fill(make('blockquote'), blockNodes(token.tokens ?? [], options));
    case 'list':
      return listNode(token as Tokens.List, options);
    case 'table':
      return tableNode(token as Tokens.Table, options);
    case 'hr':
      return make('hr');
    default:
      return paragraphNode(token, options);
  }
}

function make<K extends keyof HTMLElementTagNameMap>(tag: K, className = ''): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  return element;
}

function fill<T extends HTMLElement>(element: T, children: readonly Node[]): T {
  element.append(...children);
  return element;
}

function blockNodes(tokens: readonly Token[], options: MarkdownOptions): Node[] {
  return tokens.map((token) => blockNode(token, options)).filter((node) => node !== null);
}

// The widget sits below the page's own headings, so an answer's "#" is a paragraph of weight
// to the outline; the level is kept for looks and for readers.
function headingNode(token: Tokens.Heading, options: MarkdownOptions): HTMLElement {
  const heading = make('div', `heading h${token.depth}`);
  heading.setAttribute('role', 'heading');
  heading.setAttribute('aria-level', String(Math.min(6, token.depth + 2)));
  heading.dir = 'auto';
  return fill(heading, inlineNodes(token.tokens, options));
}

function paragraphNode(token: Token, options: MarkdownOptions): HTMLElement {
  const paragraph = make('p');
  paragraph.dir = 'auto';
  return fill(paragraph, inlineOf(token, options));
}

function inlineOf(token: Token, options: MarkdownOptions): Node[] {
  const tokens = 'tokens' in token ? token.tokens : undefined;
  if (tokens && tokens.length > 0) return inlineNodes(tokens, options);
  return [document.createTextNode(plainText(token))];
}

function plainText(token: Token): string {
  if (token.type === 'html' || !('text' in token) || typeof token.text !== 'string') return token.raw;
  return token.type === 'escape' ? token.text : decodeEntities(token.text);
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  copy: '©',
  reg: '®',
  trade: '™',
  hellip: '…',
  ndash: '–',
  mdash: '—',
  laquo: '«',
  raquo: '»',
  bull: '•',
  middot: '·',
  deg: '°',
  times: '×',
  euro: '€',
  pound: '£',
  larr: '←',
  rarr: '→',
};

// The result is only ever a text node, so a decoded "<" is a character and no more.
function decodeEntities(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w{1,8}));/gi,
    (whole, dec?: string, hex?: string, name?: string) => {
      if (name !== undefined) return ENTITIES[name] ?? whole;
      const point = dec === undefined ? Number.parseInt(hex ?? '', 16) : Number(dec);
      return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : whole;
    },
  );
}

function codeNode(token: Tokens.Code, options: MarkdownOptions): HTMLElement {
  const figure = make('div', 'code');
  figure.setAttribute('part', 'code');
  const bar = make('div', 'code-bar');
  const language = make('span', 'code-language');
  language.textContent = (token.lang ?? '').split(/\s/)[0] ?? '';
  const pre = make('pre');
  pre.dir = 'ltr';
  pre.tabIndex = 0;
  const code = make('code');
  code.textContent = token.text;
  pre.append(code);
  bar.append(language, copyButton(code, options));
  figure.append(bar, pre);
  return figure;
}

function copyButton(code: HTMLElement, options: MarkdownOptions): HTMLButtonElement {
  const button = make('button', 'code-copy');
  button.type = 'button';
  button.textContent = options.copyLabel;
  button.addEventListener('click', () => {
    void copyText(code.textContent, button).then(() => {
      button.textContent = options.copiedLabel;
      setTimeout(() => (button.textContent = options.copyLabel), 2000);
    });
  });
  return button;
}

/** Puts `text` on the clipboard, on plain-http pages too, where `navigator.clipboard` is missing. */
export async function copyText(text: string, near: HTMLElement): Promise<void> {
  if (globalThis.isSecureContext && navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = make('textarea', 'offscreen');
  area.value = text;
  near.after(area);
  area.select();
  document.execCommand('copy');
  area.remove();
  near.focus();
}

function listNode(token: Tokens.List, options: MarkdownOptions): HTMLElement {
  const list = token.ordered ? make('ol') : make('ul');
  if (token.ordered && typeof token.start === 'number' && token.start !== 1) {
    list.setAttribute('start', String(token.start));
  }
  return fill(
    list,
    token.items.map((item) => listItemNode(item, options)),
  );
}

function listItemNode(item: Tokens.ListItem, options: MarkdownOptions): HTMLElement {
  const node = make('li', item.task ? 'task' : '');
  node.dir = 'auto';
  for (const token of item.tokens) {
    if (token.type === 'checkbox') node.append(checkbox(Boolean(item.checked)));
    else if (token.type === 'text') node.append(...inlineOf(token, options));
    else node.append(...blockNodes([token], options));
  }
  return node;
}

function checkbox(checked: boolean): Node {
  return document.createTextNode(checked ? '☑ ' : '☐ ');
}

function tableNode(token: Tokens.Table, options: MarkdownOptions): HTMLElement {
  const scroller = make('div', 'table');
  scroller.tabIndex = 0;
  const table = make('table');
  const head = fill(make('thead'), [rowNode(token.header, 'th', options)]);
  const body = fill(
    make('tbody'),
    token.rows.map((row) => rowNode(row, 'td', options)),
  );
  table.append(head, body);
  scroller.append(table);
  return scroller;
}

function rowNode(
  cells: readonly Tokens.TableCell[],
  tag: 'th' | 'td',
  options: MarkdownOptions,
): HTMLElement {
  const row = make('tr');
  for (const cell of cells) {
    const node = make(tag, cell.align ? `align-${cell.align}` : '');
    node.dir = 'auto';
    row.append(fill(node, inlineNodes(cell.tokens, options)));
  }
  return row;
}

function inlineNodes(tokens: readonly Token[], options: MarkdownOptions): Node[] {
  return tokens.map((token) => inlineNode(token, options));
}

function inlineNode(token: Token, options: MarkdownOptions): Node {
  switch (token.type) {
    case 'strong':
    case 'em':
    case 'del':
      return fill(make(token.type), inlineOf(token, options));
    case 'codespan':
      return codespanNode(token as Tokens.Codespan);
    case 'br':
      return make('br');
    case 'link':
      return linkNode(token as Tokens.Link, options);
    case 'image':
      return imageNode(token as Tokens.Image, options);
    case 'checkbox':
      return checkbox(Boolean((token as Tokens.Checkbox).checked));
    case 'text':
    case 'paragraph':
      return fill(make('span'), inlineOf(token, options));
    default:
      return document.createTextNode(plainText(token));
  }
}

function codespanNode(token: Tokens.Codespan): HTMLElement {
  const code = make('code');
  code.dir = 'ltr';
  code.textContent = token.text;
  return code;
}

// A refused link stays readable: its words and where it would have led, as text.
function linkNode(token: Tokens.Link, options: MarkdownOptions): Node {
  const href = safeUrl(token.href);
  const words = inlineNodes(token.tokens, options);
  if (href === null) return fill(make('span'), words);
  const link = fill(make('a'), words);
  link.href = href;
  link.target = '_blank';
  link.rel = 'noopener noreferrer nofollow';
  return link;
}

function imageNode(token: Tokens.Image, options: MarkdownOptions): Node {
  const source = safeUrl(token.href);
  if (!options.images || source === null) return document.createTextNode(token.text || token.href);
  const image = make('img');
  image.alt = token.text;
  image.loading = 'lazy';
  image.referrerPolicy = 'no-referrer';
  image.src = source;
  return image;
}
