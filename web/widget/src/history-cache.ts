// The newest events of each chat on this device, so that there is something to read while the
// server cannot be reached. Every failure means "nothing kept": a cache must not break a chat.
import type { EventFrame } from '../../client/src/types.ts';

const DATABASE = 'chatstream';
const STORE = 'chats';
const KEPT_EVENTS = 200;

export class HistoryCache {
  readonly #server: string;
  #database: Promise<IDBDatabase> | null = null;

  /** `server` keeps the chats of two servers on one page apart. */
  constructor(server: string) {
    this.#server = server;
  }

  /** The events kept of a chat, in order. */
  async load(chatId: string): Promise<EventFrame[]> {
    const held = await this.#ask<unknown>('readonly', (store) => store.get(this.#key(chatId)));
    return Array.isArray(held) ? (held as EventFrame[]) : [];
  }

  /** Keeps the newest of `events`; none forgets the chat. */
  async save(chatId: string, events: readonly EventFrame[]): Promise<void> {
    const newest = events.slice(-KEPT_EVENTS);
    await this.#ask('readwrite', (store) =>
      newest.length > 0 ? store.put(newest, this.#key(chatId)) : store.delete(this.#key(chatId)),
    );
  }

  #key(chatId: string): string {
    return `${this.#server} ${chatId}`;
  }

  async #ask<T>(mode: IDBTransactionMode, request: (store: IDBObjectStore) => IDBRequest): Promise<T | null> {
    try {
      const database = await (this.#database ??= openDatabase());
      return await settled<T>(request(database.transaction(STORE, mode).objectStore(STORE)));
    } catch {
      return null;
    }
  }
}

function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return settled(request);
}

function settled<T>(request: IDBRequest): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result as T);
    request.onerror = () => reject(request.error ?? new Error('IndexedDB refused'));
  });
}
