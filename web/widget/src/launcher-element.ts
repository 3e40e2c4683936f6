// The round button at the corner of a page and the panel that it opens. The chat is made at the
// first opening and stays: closing the panel ends no conversation and no connection. Whoever opened
// it once gets it on every page from then on, unopened: what the assistant says by itself is heard.
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { ChatElement } from './chat-element.ts';
import { icons } from './icons.ts';
import { properties, type ChatProperties } from './options.ts';
import { keep, recall } from './storage.ts';
import { Texts } from './strings.ts';
import { base } from './styles/base.ts';
import { launcher } from './styles/launcher.ts';
import { define } from './view.ts';

const OPENED = 'opened';

export class LauncherElement extends LitElement {
  static override styles = [base, launcher];
  static override properties = {
    open: { type: Boolean, reflect: true },
    side: { reflect: true },
    theme: { reflect: true },
    unread: { state: true },
  };

  open = false;
  /** The corner: `end` (default) or `start`, by the page's direction of writing. */
  side: 'end' | 'start' = 'end';
  theme: ChatProperties['theme'] = 'auto';
  unread = 0;
  /** The chat in the panel; null until it was opened once. */
  chatElement: ChatElement | null = null;
  /** Set on the chat when it is made. */
  options: Partial<ChatProperties> = {};

  protected override willUpdate(): void {
    if (this.open) keep('localStorage', OPENED, true);
    if (!this.chatElement && recall('localStorage', OPENED)) this.chatElement = this.#makeChat();
  }

  #makeChat(): ChatElement {
    const chat = Object.assign(new ChatElement(), this.options, { closable: true, theme: this.theme });
    for (const name of Object.keys(properties)) {
      const value = this.getAttribute(name);
      if (value !== null) chat.setAttribute(name, value);
    }
    chat.setAttribute('exportparts', EXPORTED_PARTS);
    chat.addEventListener('chatstream-close', () => this.hide());
    chat.addEventListener('chatstream-answer', (event) => {
      if (!this.open) this.unread += (event as CustomEvent<number>).detail;
    });
    return chat;
  }

  /** Opens the panel and puts the cursor into it. */
  show(): void {
    this.open = true;
    this.unread = 0;
  }

  /** Closes the panel; the focus goes back to the button. */
  hide(): void {
    this.open = false;
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>('.launch')?.focus());
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has('open') && this.open)
      void this.chatElement?.updateComplete.then(() => this.chatElement?.focus());
  }

  protected override render(): TemplateResult {
    const texts = this.#texts();
    return html`<div
        class="panel"
        part="panel"
        role="dialog"
        aria-label=${texts.get('chat_label')}
        ?hidden=${!this.open}
        @keydown=${(event: KeyboardEvent) => event.key === 'Escape' && this.hide()}
      >
        ${this.chatElement ?? nothing}
      </div>
      <slot name="launcher" @click=${() => (this.open ? this.hide() : this.show())}>
        <button
          type="button"
          class="launch"
          part="launcher"
          aria-expanded=${String(this.open)}
          aria-label=${this.#label(texts)}
        >
          ${this.open ? icons.close : icons.chat}
          ${this.unread > 0 ? html`<span class="count" part="unread">${this.unread}</span>` : nothing}
        </button>
      </slot>`;
  }

  #label(texts: Texts): string {
    const name = texts.get(this.open ? 'close_chat' : 'open_chat');
    return this.unread > 0 ? `${name}, ${texts.count('unread', this.unread)}` : name;
  }

  #texts(): Texts {
    const locale = this.closest('[lang]')?.getAttribute('lang') || navigator.language;
    return new Texts(locale, this.options.strings);
  }
}

const EXPORTED_PARTS = [
  'chat',
  'header',
  'task',
  'banner',
  'log',
  'message',
  'user-message',
  'assistant-message',
  'bubble',
  'answer',
  'thinking',
  'form',
  'buttons',
  'button',
  'placeholder',
  'error',
  'divider',
  'resume-card',
  'chat-list',
  'chat-row',
  'badge',
  'close',
  'submit',
  'offline-reply',
  'composer',
  'input',
  'send',
  'stop',
  'jump',
  'code',
  'copy',
  'retry',
  'empty',
  'suggestion',
].join(', ');

define('chatstream-launcher', LauncherElement);

declare global {
  interface HTMLElementTagNameMap {
    'chatstream-launcher': LauncherElement;
  }
}
