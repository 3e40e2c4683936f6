// As much of a document as the drawing of answers needs, and nothing that costs more than it holds:
// what a test measures with it is the widget's own work.

class FlatNode {
  parent: FlatElement | null = null;
  previousSibling: FlatNode | null = null;
  nextSibling: FlatNode | null = null;

  remove(): void {
    if (!this.parent) return;
    if (this.previousSibling) this.previousSibling.nextSibling = this.nextSibling;
    else this.parent.firstChild = this.nextSibling;
    if (this.nextSibling) this.nextSibling.previousSibling = this.previousSibling;
    else this.parent.lastChild = this.previousSibling;
    this.parent = this.previousSibling = this.nextSibling = null;
  }
}

class FlatText extends FlatNode {
  textContent: string;

  constructor(text: string) {
    super();
    this.textContent = text;
  }
}

export class FlatElement extends FlatNode {
  readonly tag: string;
  firstChild: FlatNode | null = null;
  lastChild: FlatNode | null = null;

  constructor(tag: string) {
    super();
    this.tag = tag;
  }

  get lastElementChild(): FlatNode | null {
    return this.lastChild;
  }

  get childNodes(): FlatNode[] {
    const all: FlatNode[] = [];
    for (let node = this.firstChild; node; node = node.nextSibling) all.push(node);
    return all;
  }

  append(...children: (FlatNode | string)[]): void {
    for (const child of children) this.insertBefore(typeof child === 'string' ? new FlatText(child) : child, null);
  }

  insertBefore(node: FlatNode, before: FlatNode | null): void {
    node.remove();
    node.parent = this;
    node.nextSibling = before;
    node.previousSibling = before ? before.previousSibling : this.lastChild;
    if (node.previousSibling) node.previousSibling.nextSibling = node;
    else this.firstChild = node;
    if (before) before.previousSibling = node;
    else this.lastChild = node;
  }

  replaceChildren(...children: FlatNode[]): void {
    for (const child of this.childNodes) child.remove();
    this.append(...children);
  }

  get textContent(): string {
    return this.all()
      .map((node) => (node instanceof FlatText ? node.textContent : ''))
      .join('');
  }

  set textContent(text: string) {
    this.replaceChildren();
    this.append(text);
  }

  querySelector(tag: string): FlatNode | null {
    return this.all().find((node) => node instanceof FlatElement && node.tag === tag) ?? null;
  }

  setAttribute(): void {}
  addEventListener(): void {}

  /** What is in it, in order. */
  all(): FlatNode[] {
    const found: FlatNode[] = [];
    const waiting = this.childNodes.reverse();
    for (let node = waiting.pop(); node; node = waiting.pop()) {
      found.push(node);
      if (node instanceof FlatElement) waiting.push(...node.childNodes.reverse());
    }
    return found;
  }

  /** How many elements stand within each other at most. */
  depth(): number {
    let deepest = 0;
    const waiting: [FlatNode, number][] = [[this, 0]];
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const [node, depth] = next;
      deepest = Math.max(deepest, depth);
      if (node instanceof FlatElement) for (const child of node.childNodes) waiting.push([child, depth + 1]);
    }
    return deepest;
  }
}

export const flatDocument = {
  createElement: (tag: string): FlatElement => new FlatElement(tag),
  createTextNode: (text: string): FlatText => new FlatText(text),
} as unknown as Document;
