// An answer that grows: only the blocks that can still change are read and drawn again.
//
// What is done for each piece is bounded, however it is cut: a block that grows long is drawn anew
// each time that it has grown by a quarter, and what came since stands below it as it is written.
import type { Block, Definitions } from './blocks.ts';
import { blockNode, plainNode, rawOf, safeBlocks, type MarkdownOptions } from './render.ts';

interface Shown {
  readonly block: Block;
  /** The block's own text: equal text, equal node. */
  readonly raw: string;
  readonly node: HTMLElement;
}

/** Open blocks are drawn anew for each piece as long as they have no more characters than this. */
const DRAWN_AT_ONCE = 8_192;
const GROWTH = 1.25;
/** What lies beyond is shown as it is written: a page of a million elements is of no use to anyone. */
const MOST_FORMATTED = 262_144;

/** Draws a growing text into `root`, one child per block. */
export class MarkdownStream {
  readonly #root: HTMLElement;
  readonly #options: MarkdownOptions;
  #definitions: Definitions = new Map();
  /** What was given last. */
  #source = '';
  /** The length of what is drawn for good, and the last of its nodes. */
  #settledLength = 0;
  #lastSettled: ChildNode | null = null;
  /** What follows it, and how much of that is drawn. */
  #text = '';
  #drawnLength = 0;
  #open: readonly Shown[] = [];
  /** What is not drawn yet. */
  #below: HTMLElement | null = null;
  /** Holds what lies beyond `MOST_FORMATTED`. */
  #beyond: HTMLElement | null = null;

  constructor(root: HTMLElement, options: MarkdownOptions) {
    this.#root = root;
    this.#options = options;
  }

  /** Shows `source` so far; cheap where it continues what is shown already. */
  update(source: string): void {
    const piece = this.#take(source);
    if (piece === '') return;
    const formatted = piece.slice(0, MOST_FORMATTED - this.#settledLength - this.#text.length);
    this.#text += formatted;
    if (formatted.length < piece.length || this.#isDue()) this.#draw();
    else this.#showBelow(formatted);
    for (let from = formatted.length; from < piece.length; from += DRAWN_AT_ONCE) {
      this.#showBeyond(piece.slice(from, from + DRAWN_AT_ONCE));
    }
  }

  /** Shows `source` as it stands at the end: link definitions may come after their use. */
  finish(source: string): void {
    // Half of a definition, in whatever block, may have been taken for a whole one.
    if (source.includes(']:')) this.#forget();
    this.update(source);
    this.#draw();
  }

  /** What `source` says more than before. */
  #take(source: string): string {
    // A whole comparison of equal lengths is many times as fast as "startsWith".
    if (source.slice(0, this.#source.length) !== this.#source) this.#forget();
    // The line feed of a pair that was cut in two says nothing.
    const from = this.#source.length;
    const isCut = source[from - 1] === '\r' && source[from] === '\n';
    this.#source = source;
    return source.slice(isCut ? from + 1 : from).replace(/\r\n?/g, '\n');
  }

  #forget(): void {
    this.#definitions = new Map();
    this.#source = '';
    this.#settledLength = 0;
    this.#lastSettled = null;
    this.#text = '';
    this.#drawnLength = 0;
    this.#open = [];
    this.#below = null;
    this.#beyond = null;
    this.#root.replaceChildren();
  }

  #isDue(): boolean {
    const { length } = this.#text;
    return length <= DRAWN_AT_ONCE || length >= this.#drawnLength * GROWTH;
  }

  /** What is not drawn yet: in the code that it goes on with, else below everything. */
  #showBelow(piece: string): void {
    const last = this.#open.at(-1);
    const code = last?.block.kind === 'code' && last.block.open ? last.node.querySelector('code') : null;
    if (code) code.append(piece);
    else if (this.#below) this.#below.append(piece);
    else this.#root.append((this.#below = plainNode(piece)));
    // Read, so that it is one string: a piece would hold all of the text that it was cut from.
    this.#text.charCodeAt(0);
  }

  #showBeyond(piece: string): void {
    if (!this.#beyond) this.#root.append((this.#beyond = document.createElement('div')));
    this.#beyond.append(plainNode(piece));
  }

  #draw(): void {
    if (this.#drawnLength === this.#text.length) return;
    const text = this.#text;
    const blocks = safeBlocks(text, this.#definitions);
    const shown = blocks.map((block, index) =>
      this.#shown(block, rawOf(blocks, index, text), this.#open[index]),
    );
    this.#place(shown);
    this.#settle(shown);
  }

  #shown(block: Block, raw: string, before: Shown | undefined): Shown {
    // The block as it is now: at the end of a text, where one ends is not known yet.
    if (before?.raw === raw) return { block, raw, node: before.node };
    if (before && continuesCode(block, before)) return { block, raw, node: before.node };
    return { block, raw, node: blockNode(block, raw, this.#definitions, this.#options) };
  }

  #place(shown: readonly Shown[]): void {
    let at = this.#lastSettled ? this.#lastSettled.nextSibling : this.#root.firstChild;
    for (const { node } of shown) {
      if (node === at) at = at.nextSibling;
      else this.#root.insertBefore(node, at);
    }
    while (at && at !== this.#beyond) {
      const stale = at;
      at = at.nextSibling;
      stale.remove();
    }
  }

  // A later line may still turn the last block into another kind or into a part of the one before
  // it ("2" into the list's next item); what stands before those two cannot change any more.
  #settle(shown: readonly Shown[]): void {
    const border = Math.max(0, shown.length - 2);
    const last = shown[border - 1];
    if (last) {
      this.#settledLength += last.block.end;
      this.#lastSettled = last.node;
      this.#text = this.#text.slice(last.block.end);
    }
    this.#drawnLength = this.#text.length;
    this.#below = null;
    this.#open = shown.slice(border);
  }
}

// A growing fence keeps its nodes, so that its scroll position and a selection in it survive.
function continuesCode(block: Block, { block: before, node }: Shown): boolean {
  if (block.kind !== 'code' || before.kind !== 'code' || block.language !== before.language) return false;
  const code = node.querySelector('code');
  if (!code) return false;
  code.textContent = block.text;
  return true;
}
