// The conversation: every entry once, those on their way last, and the place a person reads at.
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import { repeat } from 'lit/directives/repeat.js';
import type { ChatState, Component, EventFrame, Outgoing } from '../../../client/src/types.ts';
import { ScrollKeeper } from '../scroll.ts';
import { chunksOf, type Entry, type TurnEntry } from '../timeline.ts';
import { dayView, marksView } from '../views/dividers.ts';
import { outgoingView, submittedView, userView } from '../views/user-message.ts';
import { define, type View } from '../view.ts';
import { LightElement } from './light-element.ts';
import { TurnElement } from './turn-element.ts';

const LOAD_WITHIN_PX = 240;

export class LogElement extends LightElement {
  static override properties = {
    entries: { attribute: false },
    chat: { attribute: false },
    outbox: { attribute: false },
    view: { attribute: false },
    offlineReply: { attribute: false },
    loadingEarlier: { state: true },
  };

  entries: readonly Entry[] = [];
  chat: ChatState | null = null;
  outbox: readonly Outgoing[] = [];
  view: View | null = null;
  /** The operator's words for a message that cannot be sent now, or null. */
  offlineReply: (content: string) => string | null = () => null;
  loadEarlier: () => Promise<void> = () => Promise.resolve();
  loadingEarlier = false;
  #putBack: (() => void) | null = null;
  #running: TurnElement | null = null;
  // Of what is inside too: a form draws itself after the log has, an answer grows without it.
  readonly #resized = new ResizeObserver(() => this.keeper.stick());
  readonly keeper = new ScrollKeeper(this, (attached) => this.#attachedChanged(attached));

  constructor() {
    super();
    for (const kind of ['scroll', 'wheel'])
      this.addEventListener(kind, () => this.#onScroll(), { passive: true });
    this.#resized.observe(this);
  }

  /** Shows texts in progress without drawing anything else. */
  showAnswers(chat: ChatState): void {
    this.#running?.showAnswers(chat.answers);
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get('chat');
    const earlierCame =
      before && before.user_chat_id === this.chat?.user_chat_id && before.from > this.chat.from;
    this.#putBack = earlierCame && !this.keeper.attached ? this.keeper.hold() : null;
  }

  protected override updated(): void {
    // Not for each piece of an answer: it is the last of what may be thousands.
    this.#running = this.querySelector<TurnElement>('chatstream-turn.running');
    if (this.chat) this.showAnswers(this.chat);
    if (this.firstElementChild) this.#resized.observe(this.firstElementChild);
    this.keeper.stick();
    const putBack = this.#putBack;
    putBack?.();
    // Once more when the turns that came have drawn what is in them.
    if (putBack) requestAnimationFrame(putBack);
  }

  protected override render(): TemplateResult | typeof nothing {
    const { chat, view } = this;
    if (!chat || !view) return nothing;
    return html`<div class="log-inner">
      ${this.#earlier(chat, view)} ${this.#chunks(chat, view)}
      ${repeat(
        this.#shownOutbox(),
        ({ command }) => command.id,
        (outgoing) => outgoingView(outgoing, view, this.offlineReply),
      )}
    </div>`;
  }

  // What stands further up changes only with its own entries and forms: it is not looked at for
  // each event of a turn at the end.
  #chunks(chat: ChatState, view: View): unknown {
    const chunks = chunksOf(this.entries);
    const drawn = (entries: readonly Entry[]) =>
      html`<div class="chunk">${repeat(entries, entryKey, (entry) => this.#entry(entry, chat, view))}</div>`;
    return repeat(
      chunks,
      ({ key }) => key,
      ({ entries }, index) =>
        index >= chunks.length - 2
          ? guard([{}], () => drawn(entries))
          : guard([view, chat.status, chat.components, ...this.outbox, ...entries], () => drawn(entries)),
    );
  }

  // Submits are shown by their component; the rest only when they were refused.
  #shownOutbox(): readonly Outgoing[] {
    return this.outbox.filter(
      ({ command, status }) => command.type === 'send' || (command.type !== 'submit' && status === 'failed'),
    );
  }

  #earlier(chat: ChatState, view: View): TemplateResult | typeof nothing {
    if (chat.from === 0) return nothing;
    const label = view.texts.get(this.loadingEarlier ? 'loading_earlier' : 'load_earlier');
    return html`<button
      type="button"
      class="quiet earlier"
      ?disabled=${this.loadingEarlier}
      @click=${() => void this.#loadEarlier()}
    >
      ${label}
    </button>`;
  }

  #entry(entry: Entry, chat: ChatState, view: View): TemplateResult {
    switch (entry.kind) {
      case 'day':
        return dayView(entry.timestamp, view);
      case 'marks':
        return marksView(entry.marks, chat, view);
      case 'user':
        return userView(entry.event, this.#isQueued(entry.event.message_id, chat), view);
      case 'submitted':
        return submittedView(entry.event, chat, view);
      case 'turn':
        return this.#turn(entry, chat, view);
    }
  }

  #isQueued(messageId: string, chat: ChatState): boolean {
    return chat.turn !== null && !(messageId in chat.turns);
  }

  #turn(entry: TurnEntry, chat: ChatState, view: View): TemplateResult {
    const ids = entry.parts.flatMap((part) =>
      part.kind === 'component' ? [part.component.component_id] : [],
    );
    return html`<chatstream-turn
      class="entry ${entry.status}"
      .entry=${entry}
      .view=${view}
      .components=${ids.map((id) => chat.components[id]).filter((found): found is Component => found !== undefined)}
      .submits=${this.outbox.filter(({ command }) => command.type === 'submit' && ids.includes(command.component_id))}
      .retryable=${retryableMessage(entry, chat)}
      .liveIds=${entry.key === chat.turn?.message_id ? liveIds(entry, chat) : []}
    ></chatstream-turn>`;
  }

  #onScroll(): void {
    if (this.scrollTop < LOAD_WITHIN_PX && !this.keeper.attached) void this.#loadEarlier();
  }

  async #loadEarlier(): Promise<void> {
    if (this.loadingEarlier || !this.chat || this.chat.from === 0) return;
    this.loadingEarlier = true;
    try {
      await this.loadEarlier();
    } finally {
      this.loadingEarlier = false;
    }
  }

  #attachedChanged(attached: boolean): void {
    this.dispatchEvent(new CustomEvent('chatstream-attached', { detail: attached }));
  }
}

/** The newest user message, where this turn of it may be run again. */
function retryableMessage(entry: TurnEntry, chat: ChatState): string | null {
  if (chat.turn || chat.status !== 'open' || entry.status === 'running' || entry.status === 'needs_input')
    return null;
  const newest = chat.events.findLast((event) => event.type === 'user');
  const turn = chat.turns[entry.key];
  if (newest?.type !== 'user' || !turn || (turn.retry_of ?? entry.key) !== newest.message_id) return null;
  if (newestTurnOf(newest.message_id, chat) !== entry.key) return null;
  const done = chat.intents[turn.user_intent_id ?? '']?.status === 'complete';
  return entry.status === 'finished' && done ? null : newest.message_id;
}

// Not the chat's newest: a reminder that spoke since takes nothing away.
function newestTurnOf(messageId: string, { events, turns }: ChatState): string | undefined {
  const runs = ({ type, caused_by = '' }: EventFrame) =>
    type === 'turn' && (turns[caused_by]?.retry_of ?? caused_by) === messageId;
  return events.findLast(runs)?.caused_by;
}

function liveIds(entry: TurnEntry, chat: ChatState): string[] {
  const stored = entry.parts.flatMap((part) => (part.kind === 'answer' ? [part.messageId] : []));
  return Object.keys(chat.answers).filter((id) => !chat.answers[id]?.done && !stored.includes(id));
}

function entryKey(entry: Entry): string {
  return `${entry.kind} ${entry.key}`;
}

define('chatstream-log', LogElement);
