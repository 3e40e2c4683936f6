// What stands between a ChatClient and the element that draws it: which change needs a new
// drawing, how long the connection has been away, and what is kept on this device.
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import type { ChatClient, ChatState, Snapshot } from '../../client/src/index.ts';
import type { HistoryCache } from './history-cache.ts';
import { Timeline, type Entry } from './timeline.ts';

const DOWN_AFTER_MS = 1000;
const SAVE_AFTER_MS = 500;

export interface SessionListener {
  /** Texts in progress grew; nothing else changed. */
  grown(chat: ChatState): void;
  /** The same chat has moved on. */
  moved(before: ChatState, after: ChatState): void;
}

export class ChatSession implements ReactiveController {
  readonly client: ChatClient;
  snapshot: Snapshot;
  entries: readonly Entry[] = [];
  /** The connection has been away for longer than a blink. */
  down = false;
  readonly #host: ReactiveControllerHost & SessionListener;
  readonly #cache: HistoryCache | null;
  readonly #timeline = new Timeline();
  #unsubscribe: () => void = () => undefined;
  #downTimer: ReturnType<typeof setTimeout> | undefined;
  #countdown: ReturnType<typeof setInterval> | undefined;
  #saveTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    host: ReactiveControllerHost & SessionListener,
    client: ChatClient,
    cache: HistoryCache | null,
  ) {
    this.#host = host;
    this.client = client;
    this.#cache = cache;
    this.snapshot = client.snapshot;
    host.addController(this);
  }

  /** Follows the client, shows what is kept of its chat, and connects if `atOnce`. */
  async start(atOnce: boolean): Promise<void> {
    this.#unsubscribe();
    this.#unsubscribe = this.client.subscribe(() => this.#changed());
    await this.open(this.client.chat.user_chat_id, this.client.chat.events.length > 0);
    this.#show();
    if (atOnce) this.client.connect();
  }

  /** Opens a chat with what this device kept of it; `held`: the client has its events already. */
  async open(chatId: string, held = false): Promise<void> {
    const events = held ? [] : ((await this.#cache?.load(chatId)) ?? []);
    if (events.length > 0) this.client.open(chatId, { events });
    else if (chatId !== this.client.chat.user_chat_id) this.client.open(chatId);
  }

  hostDisconnected(): void {
    this.#unsubscribe();
    clearTimeout(this.#downTimer);
    clearInterval(this.#countdown);
    this.client.disconnect();
  }

  #changed(): void {
    const before = this.snapshot;
    const after = this.client.snapshot;
    this.snapshot = after;
    // A piece of an answer touches that answer alone, however long the chat is.
    if (onlyAnswersGrew(before, after)) return this.#host.grown(after.chat);
    this.#show();
    if (before.chat.user_chat_id === after.chat.user_chat_id) this.#host.moved(before.chat, after.chat);
    if (before.chat.events !== after.chat.events) this.#saveSoon(after.chat);
  }

  #show(): void {
    this.entries = this.#timeline.update(this.snapshot.chat.events);
    this.#watchConnection(this.snapshot);
    this.#host.requestUpdate();
  }

  #watchConnection({ connection }: Snapshot): void {
    clearInterval(this.#countdown);
    if (['live', 'idle', 'closed'].includes(connection.status)) {
      clearTimeout(this.#downTimer);
      this.#downTimer = undefined;
      this.down = false;
      return;
    }
    this.#downTimer ??= setTimeout(() => this.#setDown(), DOWN_AFTER_MS);
    if (connection.status === 'waiting')
      this.#countdown = setInterval(() => this.#host.requestUpdate(), 1000);
  }

  #setDown(): void {
    this.down = true;
    this.#host.requestUpdate();
  }

  #saveSoon(chat: ChatState): void {
    clearTimeout(this.#saveTimer);
    const events = chat.status === 'erased' ? [] : chat.events;
    this.#saveTimer = setTimeout(() => void this.#cache?.save(chat.user_chat_id, events), SAVE_AFTER_MS);
  }
}

function onlyAnswersGrew(before: Snapshot, after: Snapshot): boolean {
  if (before.connection !== after.connection || !sameItems(before.outbox, after.outbox)) return false;
  const { answers: oldAnswers, ...old } = before.chat;
  const { answers: newAnswers, ...now } = after.chat;
  const same = (Object.keys(now) as (keyof typeof now)[]).every((key) => now[key] === old[key]);
  if (!same) return false;
  const ids = Object.keys(newAnswers);
  return (
    ids.length === Object.keys(oldAnswers).length &&
    ids.every((id) => oldAnswers[id]?.done === newAnswers[id]?.done)
  );
}

function sameItems(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((item, index) => item === other[index]);
}
