// The client's shell: which chat, what is on its way, and who is told.
import type {
  ChatState, ChatSummary, ConnectionState, EventFrame, Intent, Outgoing, Snapshot, Values,
} from './types.ts';
import type { Environment } from './environment.ts';

export interface ClientOptions {
  /** The server's API, e.g. `https://host/api/v1`; relative to the page where there is one. Default `/api/v1`. */
  url?: string;
  /** The chat to open first. Default: the last one of this browser, else a new one. */
  chat?: string;
  /** A token of the host application, fresh at each call. Without it the server gives a visitor's. */
  getToken?: () => Promise<string> | string;
  /** How many of the newest events to start with. Default 200. */
  last?: number;
  /** Let the connection go after so many milliseconds without a message; 0 (default): never. */
  idleCloseMs?: number;
  /** Substitutes for the browser's own, for tests and other hosts. */
  environment?: Partial<Environment>;
}

export declare class ChatClient {
  constructor(options?: ClientOptions);
  readonly state: ConnectionState;
  readonly chat: ChatState;
  readonly events: readonly EventFrame[];
  readonly intents: readonly Intent[];
  readonly outbox: readonly Outgoing[];
  readonly snapshot: Snapshot;
  subscribe(listener: () => void): () => void;
  connect(): void;
  disconnect(): void;
  retryNow(): void;
  open(chatId?: string, held?: { events?: readonly EventFrame[] }): string;
  send(content: string, to?: { user_intent_id?: string; new_intent?: boolean }): string | null;
  submit(componentId: string, values: Values): string | null;
  stop(): string | null;
  retry(messageId: string): string | null;
  resume(intentId: string): string | null;
  abandon(intentId: string): string | null;
  close(): string | null;
  resend(id: string): void;
  discard(id: string): void;
  loadEarlier(count?: number): Promise<boolean>;
  chats(limit?: number): Promise<ChatSummary[]>;
  request(method: string, path: string, body?: unknown): Promise<Response>;
}
