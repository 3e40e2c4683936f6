// An answer that grows: only the blocks that can still change are read and drawn again.
import type { Token } from 'marked';
import { blockNode, lexBlocks, type MarkdownOptions } from './markdown.ts';

interface Block {
  readonly token: Token;
  readonly node: HTMLElement | null;
}

const LINK_DEFINITION = /^ {0,3}\[[^\]]+\]:/m;

/** Draws a growing text into `root`, one child per block. */
export class MarkdownStream {
  readonly #root: HTMLElement;
  readonly #options: MarkdownOptions;
  #text = '';
  #settledLength = 0;
  #settledNodes = 0;
  #open: Block[] = [];

  constructor(root: HTMLElement, options: MarkdownOptions) {
    this.#root = root;
    this.#options = options;
  }

  /** Shows `source` so far; cheap where it continues what is shown already. */
  update(source: string): void {
    const text = source.replace(/\r\n?/g, '\n');
    if (text === this.#text) return;
    if (!text.startsWith(this.#text)) this.#forget();
    this.#text = text;
    this.#draw(lexBlocks(text.slice(this.#settledLength)));
  }

  /** Shows `source` as it stands at the end: link definitions may have come after their use. */
  finish(source: string): void {
    if (LINK_DEFINITION.test(source)) this.#forget();
    this.update(source);
  }

  #forget(): void {
    this.#text = '';
    this.#settledLength = 0;
    this.#settledNodes = 0;
    this.#open = [];
    this.#root.replaceChildren();
  }

  #draw(tokens: readonly Token[]): void {
    const blocks = tokens.map((token, index) => this.#block(token, this.#open[index]));
    this.#place(blocks);
    this.#settle(blocks);
  }

  #block(token: Token, shown: Block | undefined): Block {
    if (shown?.token.raw === token.raw) return shown;
    if (shown?.node && token.type === 'code' && continuesCode(token, shown))
      return { token, node: shown.node };
    return { token, node: blockNode(token, this.#options) };
  }

  #place(blocks: readonly Block[]): void {
    let at: ChildNode | null = this.#root.childNodes[this.#settledNodes] ?? null;
    for (const { node } of blocks) {
      if (node === null) continue;
      if (node === at) at = at.nextSibling;
      else this.#root.insertBefore(node, at);
    }
    while (at) {
      const stale = at;
      at = at.nextSibling;
      stale.remove();
    }
  }

  // A later line may still turn the last block into another kind, and a blank line says nothing
  // yet; what stands before the last two can no longer change.
  #settle(blocks: readonly Block[]): void {
    const border = Math.max(0, blocks.length - 2);
    for (const { token, node } of blocks.slice(0, border)) {
      this.#settledLength += token.raw.length;
      this.#settledNodes += node ? 1 : 0;
    }
    this.#open = blocks.slice(border);
  }
}

// A growing fence keeps its nodes, so that its scroll position and a selection in it survive.
function continuesCode(token: Token, shown: Block): boolean {
  if (shown.token.type !== 'code' || !('text' in token) || !('lang' in token)) return false;
  if (token.lang !== (shown.token as { lang?: string }).lang) return false;
  const code = shown.node?.querySelector('code');
  if (!code) return false;
  code.textContent = token.text as string;
  return true;
}
