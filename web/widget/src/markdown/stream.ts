// An answer that grows: only the blocks that can still change are read and drawn again.
import { readBlocks, type Block, type Definitions } from './blocks.ts';
import { blockNode, type MarkdownOptions } from './render.ts';

interface Shown {
  readonly block: Block;
  /** The block's own text: equal text, equal node. */
  readonly raw: string;
  readonly node: HTMLElement;
}

/** Draws a growing text into `root`, one child per block. */
export class MarkdownStream {
  readonly #root: HTMLElement;
  readonly #options: MarkdownOptions;
  #definitions: Definitions = new Map();
  #text = '';
  #settledLength = 0;
  #settledNodes = 0;
  #open: readonly Shown[] = [];

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
    this.#draw(text.slice(this.#settledLength));
  }

  /** Shows `source` as it stands at the end: link definitions may come after their use. */
  finish(source: string): void {
    // Half of a definition, in whatever block, may have been taken for a whole one.
    if (source.includes(']:')) this.#forget();
    this.update(source);
  }

  #forget(): void {
    this.#definitions = new Map();
    this.#text = '';
    this.#settledLength = 0;
    this.#settledNodes = 0;
    this.#open = [];
    this.#root.replaceChildren();
  }

  #draw(open: string): void {
    const blocks = readBlocks(open, this.#definitions);
    const shown = blocks.map((block, index) => {
      const raw = open.slice(blocks[index - 1]?.end ?? 0, block.end);
      return this.#shown(block, raw, this.#open[index]);
    });
    this.#place(shown);
    this.#settle(shown);
  }

  #shown(block: Block, raw: string, before: Shown | undefined): Shown {
    // The block as it is now: at the end of a text, where one ends is not known yet.
    if (before?.raw === raw) return { block, raw, node: before.node };
    if (before && continuesCode(block, before)) return { block, raw, node: before.node };
    return { block, raw, node: blockNode(block, this.#definitions, this.#options) };
  }

  #place(shown: readonly Shown[]): void {
    let at: ChildNode | null = this.#root.childNodes[this.#settledNodes] ?? null;
    for (const { node } of shown) {
      if (node === at) at = at.nextSibling;
      else this.#root.insertBefore(node, at);
    }
    while (at) {
      const stale = at;
      at = at.nextSibling;
      stale.remove();
    }
  }

  // A later line may still turn the last block into another kind or into a part of the one before
  // it ("2" into the list's next item); what stands before those two cannot change any more.
  #settle(shown: readonly Shown[]): void {
    const border = Math.max(0, shown.length - 2);
    this.#settledLength += shown[border - 1]?.block.end ?? 0;
    this.#settledNodes += border;
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
