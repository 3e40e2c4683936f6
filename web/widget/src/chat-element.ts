// `<chatstream-chat>`: one chat on the page. The connection, the cursor and the outbox are the
// client's; what changes when is the session's; this element says what a person sees and may do.
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { ChatClient, type ChatState, type ClientOptions, type Snapshot } from '../../client/src/index.ts';
import { Announcer, newEvents } from './announcer.ts';
import { ChatSession, type SessionListener } from './chat-session.ts';
import type { ComposerElement } from './elements/composer-element.ts';
import './elements/composer-element.ts';
import type { LogElement } from './elements/log-element.ts';
import './elements/log-element.ts';
import { focusNextRegion } from './focus.ts';
import { HistoryCache } from './history-cache.ts';
import { offlineReplyTo, properties, type ChatProperties } from './options.ts';
import { keep, recall } from './storage.ts';
import { Texts } from './strings.ts';
import { styles } from './styles/index.ts';
import { currentTask, firstWords, resumableTasks } from './task.ts';
import { define, type Actions, type View } from './view.ts';
import { bannerView } from './views/banner.ts';
import { chatListView, type ChatListProps } from './views/chat-list.ts';
import { emptyView } from './views/empty.ts';
import { headerView } from './views/header.ts';
import { jumpView } from './views/jump.ts';
import { resumeCard } from './views/resume-card.ts';

const REMEMBERED_DISMISSALS = 200;

export class ChatElement extends LitElement implements ChatProperties, SessionListener {
  static override styles = styles;
  static override properties = {
    ...properties,
    listOpen: { state: true },
    chats: { state: true },
    showAllTasks: { state: true },
    attached: { state: true },
    unread: { state: true },
  };

  server = '/api/v1';
  chat = '';
  heading = '';
  placeholder = '';
  connect: ChatProperties['connect'] = 'mount';
  thinking: ChatProperties['thinking'] = 'auto';
  images = false;
  layout: ChatProperties['layout'] = 'panel';
  theme: ChatProperties['theme'] = 'auto';
  cache: ChatProperties['cache'] = 'on';
  closable = false;
  idleCloseMs = 0;
  strings: ChatProperties['strings'] = {};
  suggestions: ChatProperties['suggestions'] = [];
  offlineReplies: ChatProperties['offlineReplies'] = [];
  getToken: ChatProperties['getToken'];
  /** A client of the page's own; without one the element makes its own. */
  client: ChatClient | null = null;

  listOpen = false;
  chats: ChatListProps['chats'] = null;
  showAllTasks = false;
  attached = true;
  unread = 0;

  #session: ChatSession | null = null;
  #view: View | null = null;
  #focusWanted = false;
  #dismissed: ReadonlySet<string> = new Set(recall<string[]>('localStorage', 'dismissed'));
  readonly #announcer = new Announcer();

  // ---- life

  override connectedCallback(): void {
    super.connectedCallback();
    // A page that makes the element in a script sets its properties after it is upgraded.
    queueMicrotask(() => void this.#start());
  }

  async #start(): Promise<void> {
    if (!this.isConnected) return;
    this.client ??= new ChatClient(this.#clientOptions());
    this.#session ??= new ChatSession(
      this,
      this.client,
      this.cache === 'off' ? null : new HistoryCache(this.server),
    );
    await this.#session.start(this.connect === 'mount');
  }

  #clientOptions(): ClientOptions {
    return {
      url: this.server,
      idleCloseMs: this.idleCloseMs,
      ...(this.chat ? { chat: this.chat } : {}),
      ...(this.getToken ? { getToken: this.getToken } : {}),
    };
  }

  grown(chat: ChatState): void {
    this.#log?.showAnswers(chat);
  }

  moved(before: ChatState, after: ChatState): void {
    const region = this.renderRoot.querySelector<HTMLElement>('.announcer');
    if (region) this.#announcer.tell(region, before, after, this.#currentView().texts);
    // Not before: a request of somebody whom the server does not know yet would make another visitor of them.
    if (this.layout === 'page' && !before.caught_up && after.caught_up) void this.#loadChats();
    if (!before.caught_up || before.position === after.position) return;
    const fresh = newEvents(before, after);
    const answers = fresh.filter((event) => event.type === 'response').length;
    if (!this.attached) this.unread += answers;
    if (answers > 0) this.dispatchEvent(new CustomEvent('chatstream-answer', { detail: answers }));
    const turnEnded = !after.turn && fresh.some((event) => event.type === 'turn');
    if (this.layout === 'page' && turnEnded) void this.#loadChats();
  }

  // ---- what a person does

  readonly #actions: Actions = {
    submit: (componentId, values) => void this.client?.submit(componentId, values),
    retry: (messageId) => void this.client?.retry(messageId),
    resend: (id) => this.client?.resend(id),
    discard: (id) => this.client?.discard(id),
    resumeTask: (intentId) => this.#resumeTask(intentId),
    startOver: (intentId) => this.#startOver(intentId),
    dismissTask: (intentId) => this.#dismissTask(intentId),
    openChat: (chatId) => void this.#openChat(chatId),
  };

  #send(content: string, newIntent = false): boolean {
    this.#log?.keeper.attach();
    return this.client?.send(content, newIntent ? { new_intent: true } : {}) != null;
  }

  // The button that was pressed goes away with the empty chat.
  #begin(words: string): void {
    this.#send(words);
    this.focus();
  }

  #resumeTask(intentId: string): void {
    this.client?.resume(intentId);
    this.#log?.keeper.attach();
    this.focus();
  }

  #startOver(intentId: string): void {
    const chat = this.client?.chat;
    const intent = chat?.intents[intentId];
    if (!chat || !intent) return;
    this.#send(firstWords(chat, intent), true);
    this.#dismissTask(intentId);
  }

  #dismissTask(intentId: string): void {
    this.#dismissed = new Set([...this.#dismissed, intentId]);
    keep('localStorage', 'dismissed', [...this.#dismissed].slice(-REMEMBERED_DISMISSALS));
    this.requestUpdate();
    this.focus();
  }

  async #openChat(chatId: string | null): Promise<void> {
    this.listOpen = false;
    this.showAllTasks = false;
    if (chatId === null) this.client?.open();
    else await this.#session?.open(chatId);
    this.#log?.keeper.attach();
    await this.updateComplete;
    this.focus();
  }

  #toggleList(): void {
    if (this.listOpen) return this.#closeList();
    this.listOpen = true;
    void this.#loadChats();
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>('.list-close')?.focus());
  }

  #closeList(): void {
    this.listOpen = false;
    this.renderRoot.querySelector<HTMLElement>('.list-toggle')?.focus();
  }

  async #loadChats(): Promise<void> {
    try {
      this.chats = (await this.client?.chats()) ?? [];
    } catch {
      this.chats = 'failed';
    }
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key === 'Escape' && this.listOpen) {
      event.stopPropagation();
      this.#closeList();
    } else if (event.key === 'F6') {
      event.preventDefault();
      focusNextRegion(this.renderRoot as ShadowRoot, event.shiftKey ? -1 : 1);
    }
  }

  /** Puts the cursor where the person writes, as soon as there is such a place. */
  override focus(): void {
    const composer = this.renderRoot.querySelector<ComposerElement>('chatstream-composer');
    this.#focusWanted = composer === null;
    composer?.focus();
  }

  protected override async updated(): Promise<void> {
    const composer = this.renderRoot.querySelector<ComposerElement>('chatstream-composer');
    if (!this.#focusWanted || !composer) return;
    await composer.updateComplete;
    this.focus();
  }

  // The page may have to sign the person in first: it prevents the default and calls
  // `client.connect()` itself.
  #signIn(): void {
    const event = new CustomEvent('chatstream-sign-in', { bubbles: true, composed: true, cancelable: true });
    if (this.dispatchEvent(event)) this.client?.connect();
  }

  #onAttached(attached: boolean): void {
    this.attached = attached;
    if (attached) this.unread = 0;
  }

  // ---- drawing

  get #log(): LogElement | null {
    return this.renderRoot.querySelector<LogElement>('chatstream-log');
  }

  #currentView(): View {
    const chatId = this.client?.chat.user_chat_id ?? '';
    if (this.#view?.chatId !== chatId) this.#view = this.#newView(chatId);
    return this.#view;
  }

  #newView(chatId: string): View {
    const locale = this.closest('[lang]')?.getAttribute('lang') || navigator.language;
    const texts = new Texts(locale, this.strings);
    return { texts, thinking: this.thinking, images: this.images, chatId, actions: this.#actions };
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('strings') || changed.has('thinking') || changed.has('images')) this.#view = null;
  }

  // Frames may come by the thousand: they are drawn together, once for each frame of the screen.
  protected override async scheduleUpdate(): Promise<void> {
    if (this.hasUpdated && !document.hidden) await new Promise(requestAnimationFrame);
    await super.scheduleUpdate();
  }

  protected override render(): TemplateResult {
    const view = this.#currentView();
    const session = this.#session;
    return html`<div class="chat" part="chat" lang=${view.texts.locale} @keydown=${this.#onKey}>
      ${this.#aside(view)}
      <div class="main">
        ${headerView(
          {
            chat: session?.snapshot.chat ?? null,
            entries: session?.entries ?? [],
            heading: this.heading,
            closable: this.closable,
            listOpen: this.listOpen,
            onToggleList: () => this.#toggleList(),
            onClose: () => this.dispatchEvent(new CustomEvent('chatstream-close')),
          },
          view,
        )}
        ${session ? this.#conversation(session, session.snapshot, view) : nothing}
      </div>
      <div class="announcer offscreen" role="status" aria-live="polite"></div>
    </div>`;
  }

  #aside(view: View): TemplateResult | typeof nothing {
    if (!this.listOpen && this.layout !== 'page') return nothing;
    return html`<div class="aside ${this.listOpen ? 'open' : ''}">
        ${chatListView({ chats: this.chats ?? (this.#session?.down ? 'failed' : null), currentId: view.chatId, onClose: () => this.#closeList() }, view)}
      </div>
      ${this.listOpen ? html`<div class="scrim" @click=${() => this.#closeList()}></div>` : nothing}`;
  }

  #conversation(session: ChatSession, { chat, connection, outbox }: Snapshot, view: View): TemplateResult {
    const { entries, down } = session;
    const away = down && connection.status !== 'live';
    const cached = away && chat.events.length > 0;
    return html` ${bannerView(
        {
          connection,
          down,
          cached,
          onRetry: () => session.client.retryNow(),
          onSignIn: () => this.#signIn(),
        },
        view,
      )}
      <div class="stage">
        ${
          entries.length + outbox.length === 0
            ? emptyView(this.suggestions, (words) => this.#begin(words), view)
            : nothing
        }
        <chatstream-log
          class="log"
          part="log"
          role="log"
          aria-live="off"
          tabindex="0"
          aria-label=${view.texts.get('log_label')}
          .entries=${entries}
          .chat=${chat}
          .outbox=${outbox}
          .view=${view}
          .offlineReply=${away ? this.#offlineReply : noReply}
          .loadEarlier=${this.#loadEarlier}
          @chatstream-attached=${(event: CustomEvent<boolean>) => this.#onAttached(event.detail)}
        ></chatstream-log>
        ${jumpView(this.attached, this.unread, () => this.#log?.keeper.attach(), view)}
      </div>
      ${this.#resumeCard(chat, outbox.length === 0, view)}
      <chatstream-composer
        .view=${view}
        .running=${chat.turn !== null}
        .closed=${chat.status !== 'open'}
        .placeholder=${this.placeholder}
        .onSend=${this.#onSend}
        .onStop=${this.#onStop}
        .lastSent=${this.#lastSent}
      ></chatstream-composer>`;
  }

  #resumeCard(chat: ChatState, nothingWaits: boolean, view: View): TemplateResult | typeof nothing {
    if (chat.turn || currentTask(chat) || !chat.caught_up || !nothingWaits) return nothing;
    const tasks = resumableTasks(chat, this.#dismissed);
    return resumeCard(tasks, view, this.showAllTasks, () => (this.showAllTasks = true));
  }

  readonly #onSend = (content: string): boolean => this.#send(content);
  readonly #onStop = (): void => void this.client?.stop();
  readonly #offlineReply = (content: string): string | null => offlineReplyTo(content, this.offlineReplies);
  readonly #loadEarlier = async (): Promise<void> => void (await this.client?.loadEarlier());
  readonly #lastSent = (): string => {
    const said = this.client?.chat.events.findLast((event) => event.type === 'user');
    return said?.type === 'user' ? (said.content ?? '') : '';
  };
}

function noReply(): null {
  return null;
}

define('chatstream-chat', ChatElement);

declare global {
  interface HTMLElementTagNameMap {
    'chatstream-chat': ChatElement;
  }
}
