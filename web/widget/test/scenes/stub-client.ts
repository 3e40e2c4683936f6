// Stands where a ChatClient would, with a state made by hand: for scenes and element tests.
import { apply, ChatClient, initialChat } from '../../../client/src/index.ts';
import type {
  ChatState,
  ChatSummary,
  ConnectionState,
  Outgoing,
  ServerFrame,
  Snapshot,
  Values,
} from '../../../client/src/types.ts';
import { CHAT } from './frames.ts';

export class StubClient {
  snapshot: Snapshot;
  readonly calls: (readonly [string, ...unknown[]])[] = [];
  summaries: ChatSummary[] = [];
  earlier: (() => ServerFrame[]) | null = null;
  #listeners = new Set<() => void>();

  constructor(frames: readonly ServerFrame[] = [], connection: ConnectionState = { status: 'live' }) {
    this.snapshot = { connection, chat: apply(initialChat(CHAT), frames), outbox: [] };
  }

  /** For `client` of the element: what it uses is all here. */
  get asClient(): ChatClient {
    return this as unknown as ChatClient;
  }

  get chat(): ChatState {
    return this.snapshot.chat;
  }

  get state(): ConnectionState {
    return this.snapshot.connection;
  }

  feed(...frames: ServerFrame[]): void {
    this.set({ chat: apply(this.snapshot.chat, frames) });
  }

  set(change: { chat?: ChatState; connection?: ConnectionState; outbox?: readonly Outgoing[] }): void {
    this.snapshot = { ...this.snapshot, ...change };
    for (const listener of this.#listeners) listener();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  connect = (): void => this.#called('connect');
  disconnect = (): void => this.#called('disconnect');
  retryNow = (): void => this.#called('retryNow');
  open = (...args: unknown[]): string => (this.#called('open', ...args), CHAT);
  send = (...args: unknown[]): string => (this.#called('send', ...args), 'id');
  submit = (componentId: string, values: Values): string => (
    this.#called('submit', componentId, values),
    'id'
  );
  stop = (): string => (this.#called('stop'), 'id');
  retry = (id: string): string => (this.#called('retry', id), 'id');
  resume = (id: string): string => (this.#called('resume', id), 'id');
  resend = (id: string): void => this.#called('resend', id);
  discard = (id: string): void => this.#called('discard', id);
  chats = (): Promise<ChatSummary[]> => Promise.resolve(this.summaries);
  loadEarlier = (): Promise<boolean> => Promise.resolve(false);

  #called(name: string, ...args: unknown[]): void {
    this.calls.push([name, ...args]);
  }
}
