// Where a person writes: Enter sends, Shift+Enter breaks the line, and the draft outlives a reload.
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { icons } from '../icons.ts';
import { keep, recall } from '../storage.ts';
import { define, type View } from '../view.ts';
import { LightElement } from './light-element.ts';

const TALLEST_PX = 180;

export class ComposerElement extends LightElement {
  static override properties = {
    view: { attribute: false },
    running: { attribute: false },
    closed: { attribute: false },
    placeholder: { attribute: false },
    empty: { state: true },
  };

  view: View | null = null;
  /** A turn runs: there is something to stop. */
  running = false;
  /** The chat takes no more messages. */
  closed = false;
  placeholder = '';
  /** Takes the text; false if it could not be taken. */
  onSend: (content: string) => boolean = () => false;
  onStop: () => void = () => undefined;
  lastSent: () => string = () => '';
  empty = true;

  override focus(): void {
    this.#area?.focus();
  }

  get #area(): HTMLTextAreaElement | null {
    return this.querySelector('textarea');
  }

  protected override updated(changed: PropertyValues<this>): void {
    const before = changed.get('view');
    if (changed.has('view') && before?.chatId !== this.view?.chatId) this.#restoreDraft();
  }

  protected override render(): TemplateResult | typeof nothing {
    const { view } = this;
    if (!view) return nothing;
    return this.closed ? this.#closedView(view) : this.#openView(view);
  }

  #closedView(view: View): TemplateResult {
    return html`<div class="composer closed" part="composer">
      <p class="note">${view.texts.get('composer_closed')}</p>
      <button type="button" class="primary" @click=${() => view.actions.openChat(null)}>
        ${view.texts.get('new_chat')}
      </button>
    </div>`;
  }

  #openView(view: View): TemplateResult {
    const { texts } = view;
    return html`<form class="composer" part="composer" @submit=${this.#onSubmit}>
      <label class="offscreen" for="composer">${texts.get('composer_label')}</label>
      <textarea
        id="composer"
        part="input"
        rows="1"
        dir="auto"
        enterkeyhint="send"
        autocomplete="off"
        placeholder=${this.placeholder || texts.get('composer_placeholder')}
        @input=${this.#onInput}
        @keydown=${this.#onKey}
      ></textarea>
      ${
        this.running && this.empty
          ? html`<button
              type="button"
              class="round stop"
              part="stop"
              aria-label=${texts.get('stop')}
              title=${texts.get('stop')}
              @click=${() => this.onStop()}
            >
              ${icons.stop}
            </button>`
          : html`<button
              type="submit"
              class="round send"
              part="send"
              aria-label=${texts.get('send')}
              title=${texts.get('send')}
              aria-disabled=${String(this.empty)}
            >
              ${icons.send}
            </button>`
      }
    </form>`;
  }

  #onSubmit(event: Event): void {
    event.preventDefault();
    this.#send();
  }

  #send(): void {
    const area = this.#area;
    const content = area?.value.trim() ?? '';
    if (!area || content === '' || !this.onSend(content)) return;
    this.write('');
    area.focus();
  }

  /** Puts `text` where the person writes. */
  write(text: string): void {
    if (!this.#area) return;
    this.#area.value = text;
    this.#onInput();
  }

  #onInput(): void {
    const area = this.#area;
    if (!area) return;
    this.empty = area.value.trim() === '';
    keep('sessionStorage', this.#draftKey(), area.value || null);
    area.style.setProperty('height', 'auto');
    area.style.setProperty('height', `${Math.min(area.scrollHeight, TALLEST_PX)}px`);
  }

  // An Enter that ends a composition (Japanese, Chinese, Korean) chooses a word; it sends nothing.
  // Safari has ended the composition by then and tells by the key code 229.
  #onKey(event: KeyboardEvent): void {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      this.#send();
    } else if (event.key === 'ArrowUp' && this.#area?.value === '') {
      event.preventDefault();
      this.write(this.lastSent());
    }
  }

  #restoreDraft(): void {
    this.write(recall<string>('sessionStorage', this.#draftKey()) ?? '');
  }

  #draftKey(): string {
    return `draft:${this.view?.chatId ?? ''}`;
  }
}

define('chatstream-composer', ComposerElement);
