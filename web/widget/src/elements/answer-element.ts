// One answer, drawn as it grows. Pieces that arrive within one frame of the screen are drawn together.
import type { View } from '../view.ts';
import { define } from '../view.ts';
import { MarkdownStream } from '../markdown/stream.ts';

export class AnswerElement extends HTMLElement {
  view: View | null = null;
  #stream: MarkdownStream | null = null;
  #text = '';
  #done = false;
  #scheduled = false;

  /** Shows `text`; `done`: it is whole. */
  show(text: string, done: boolean): void {
    if (text === this.#text && done === this.#done) return;
    this.#text = text;
    this.#done = done;
    if (done) this.#draw();
    else this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    this.#scheduled = false;
    if (!this.view) return;
    this.#stream ??= new MarkdownStream(this, {
      images: this.view.images,
      copyLabel: this.view.texts.get('copy'),
      copiedLabel: this.view.texts.get('copied'),
    });
    this.classList.toggle('growing', !this.#done);
    if (this.#done) this.#stream.finish(this.#text);
    else this.#stream.update(this.#text);
  }
}

define('chatstream-answer', AnswerElement);
