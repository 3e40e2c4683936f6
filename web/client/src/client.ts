// The client's shell: which chat is shown, what is on its way to it, and who is told.
import { backOff, connection } from './connection.ts';
import { browser, newId, type Environment } from './environment.ts';
import { outbox } from './outbox.ts';
import { apply, foldEvents } from './reducer.ts';
import { tokens, type GetToken } from './tokens.ts';
import type {
  ChatState, ChatSummary, Command, ConnectionState, EventFrame, Intent, OpenFrame, Outgoing, Rejected, ServerFrame, Snapshot,
  Values,
} from './types.ts';

const RETRYABLE = ['unavailable', 'overloaded', 'rate_limited'];
const PAUSE_SECONDS = 1;
/** Every command is answered; a link that owes an answer for so long is no good. */
const ANSWER_MS = 30_000;

export interface ClientOptions {
  /** The server's API, e.g. `https://host/api/v1`; relative to the page where there is one. Default `/api/v1`. */
  url?: string;
  /** The chat to open first. Default: the last one of this browser, else a new one. */
  chat?: string;
  /** A token of the host application, fresh at each call. Without it the server gives a visitor's. */
  getToken?: GetToken;
  /** How many of the newest events to start with. Default 200. */
  last?: number;
  /** Let the connection go after so many milliseconds without a message; 0 (default): never. */
  idleCloseMs?: number;
  /** Substitutes for the browser's own, for tests and other hosts. */
  environment?: Partial<Environment>;
}

export interface ChatClient {
  /** The API's address, without a slash at the end. */
  readonly url: string;
  readonly state: ConnectionState;
  readonly chat: ChatState;
  readonly events: readonly EventFrame[];
  readonly intents: readonly Intent[];
  /** What is on its way to the current chat, oldest first. */
  readonly outbox: readonly Outgoing[];
  /** All of it at once; a new object at each change. */
  readonly snapshot: Snapshot;
  /** `listener` is called after each change, until the returned function is. */
  subscribe(listener: () => void): () => void;
  /** Connects now and keeps connected; without it, the first command does. */
  connect(): void;
  /** The view is gone: nothing runs any more. */
  disconnect(): void;
  /** The click on "retry now". */
  retryNow(): void;
  /** Makes another chat the current one, or a new one; `events` (kept from an earlier visit) are shown at once. */
  open(chatId?: string, held?: { events?: readonly EventFrame[] }): string;
  /** Commands: each returns its id, or null when 50 are on their way already. */
  send(content: string, to?: { user_intent_id?: string; new_intent?: boolean }): string | null;
  submit(componentId: string, values: Values): string | null;
  /** Stops the turn that runs now, and no later one however late this arrives. */
  stop(): string | null;
  retry(messageId: string): string | null;
  resume(intentId: string): string | null;
  abandon(intentId: string): string | null;
  /** Closes the chat window for good. */
  close(): string | null;
  /** Sends a failed command again, under the same id: should it have been stored after all, it is stored once. */
  resend(id: string): void;
  discard(id: string): void;
  /** Puts up to `count` (at most 200) older events in front; false when none are left. Rejects without a network. */
  loadEarlier(count?: number): Promise<boolean>;
  /** This user's chats, newest activity first. Rejects without a network. */
  chats(limit?: number): Promise<ChatSummary[]>;
  /** HTTP below `url`, with this client's token. */
  request(method: string, path: string, body?: unknown): Promise<Response>;
}

/** `T` without its `id` and chat, for each command of the union. */
type Body<T> = T extends Command ? Omit<T, 'id' | 'user_chat_id'> : never;

type Timer = ReturnType<typeof setTimeout> | undefined;

// A closure under a constructor's name: its inner names are nobody else's, and cost nothing in the built file.
export const ChatClient = chatClient as unknown as new (options?: ClientOptions) => ChatClient;

function chatClient(options: ClientOptions = {}): ChatClient {
  const { getToken, last = 200, idleCloseMs = 0 } = options;
  const environment = { ...browser(), ...options.environment };
  const url = new URL(options.url ?? '/api/v1', globalThis.location?.href).href.replace(/\/$/, '');
  const key = `chatstream:${url}:`;
  const chatKey = `${key}chat`;
  const saidKey = `${key}said`;
  const listeners = new Set<() => void>();
  let snapshot: Snapshot | undefined;
  // The current chat was asked for, not remembered.
  let explicit = !!options.chat;
  // The current chat's `open` is unanswered: until then nothing can be said of gaps.
  let opening = false;
  let pauses = 0;
  let paused: Timer;
  let answer: Timer;

  const changed = () => {
    snapshot = undefined;
    listeners.forEach((listener) => listener());
  };

  const isMine = (of: { user_chat_id?: string }) => of.user_chat_id === chat.user_chat_id;
  const status = () => link.state().status;

  // ---------------------------------------------------------------- what is shown

  const show = (next: ChatState) => {
    chat = next;
    pending.settle(chat, []);
    remember();
    changed();
  };

  const remember = () => environment.local.setItem(chatKey, chat.user_chat_id);

  const drawn = (): Snapshot =>
    (snapshot ??= {
      connection: link.state(),
      chat,
      outbox: pending.items().filter((item) => isMine(item.command)),
    });

  // ---------------------------------------------------------------- frames in

  // The answer is told apart by the chat's own id, which no command has.
  const follow = () => {
    const { user_chat_id, position, event_id } = chat;
    opening = true;
    link.catchingUp();
    // A chat that was begun without a network, and left before there was one, must be made first.
    for (const other of new Set(pending.items().map((item) => item.command.user_chat_id))) {
      if (other === user_chat_id) continue;
      ask(other, { last: 0 });
      leave(other);
    }
    ask(user_chat_id, event_id ? { after: position, after_event: event_id } : { last });
  };

  const ask = (chatId: string, from: Partial<OpenFrame>) =>
    link.send({ type: 'open', id: chatId, user_chat_id: chatId, ...from });

  const leave = (chatId: string) => link.send({ type: 'leave', user_chat_id: chatId });

  const take = (frames: ServerFrame[]) => {
    const before = chat;
    chat = apply(before, frames);
    frames.forEach(control);
    const events = frames.filter((frame): frame is EventFrame => 'event_id' in frame && isMine(frame));
    pending.settle(chat, events);
    if (chat !== before) {
      link.active();
      changed();
    }
    if (!opening && events.some((event) => event.position > chat.position)) follow();
    flush();
  };

  const control = (frame: ServerFrame) => {
    switch (frame.type) {
      case 'opened':
        if (isMine(frame)) opening = false;
        return;
      case 'caught_up':
        if (isMine(frame) && !opening) link.caughtUp();
        return;
      case 'ack':
        pauses = 0;
        return pending.update(frame.id, { status: 'sent', position: frame.position });
      case 'rejected':
        return rejected(frame);
    }
  };

  const rejected = ({ id, code, message, details, retry_after }: Rejected) => {
    const forNow = RETRYABLE.includes(code);
    if (id === chat.user_chat_id) return notOpened(forNow);
    if (forNow) pause(retry_after);
    for (const { command } of pending.items()) {
      if (id !== command.id && id !== command.user_chat_id) continue;
      if (forNow) pending.update(command.id, { status: 'waiting' });
      else fail(command.id, code, message, details);
    }
  };

  const notOpened = (forNow: boolean) => {
    if (forNow) return link.drop();
    if (explicit) return link.disconnect('not_found');
    // The browser remembered the chat of somebody else, or of a visitor whose token the server no longer takes.
    const fresh = newId();
    pending.move(chat.user_chat_id, fresh);
    show(foldEvents(fresh, []));
    follow();
  };

  const lost = (code?: number) => {
    clearTimeout(answer);
    opening = false;
    const culprit = pending.first('sending');
    if (code === 1009 && culprit) fail(culprit.command.id, 'too_large', '');
    pending.unanswered();
    // Here and before sending: without a connection this comes with every attempt.
    pending.expire();
  };

  // ---------------------------------------------------------------- commands out

  const command = (body: Body<Command>) => {
    const id = newId();
    const added = pending.add({ ...body, id, user_chat_id: chat.user_chat_id } as Command);
    outgoing();
    return added ? id : null;
  };

  const outgoing = () => {
    link.active();
    flush();
    if (status() === 'idle') client.connect();
  };

  const flush = (): void => {
    if (paused || status() !== 'live' || pending.first('sending')) return;
    pending.expire();
    const item = pending.first('waiting');
    if (!item) return;
    const { id } = item.command;
    pending.update(id, { status: 'sending' });
    link.send(item.command);
    clearTimeout(answer);
    answer = setTimeout(() => pending.first('sending') && link.drop(), ANSWER_MS);
    environment.local.setItem(saidKey, id);
  };

  const fail = (id: string, code: string, message: string, details?: Rejected['details']) =>
    pending.update(id, { status: 'failed', error: { code, message, details } });

  const pause = (seconds = PAUSE_SECONDS) => {
    clearTimeout(paused);
    paused = setTimeout(
      () => {
        paused = undefined;
        flush();
      },
      seconds * 1000 + backOff(pauses++),
    );
  };

  const http = () => import('./http.ts');

  let chat = foldEvents(options.chat || environment.local.getItem(chatKey) || newId(), []);
  const identity = tokens(environment.local, `${key}token`, getToken);
  const access = { url, environment, identity };
  const pending = outbox(environment.session, `${key}outbox`, changed);
  const link = connection(
    { environment, url, tokens: identity, idleCloseMs, saidKey },
    {
      changed,
      welcome(frame) {
        pending.belongsTo(frame.user_id);
        follow();
      },
      frames: take,
      lost,
      mayRest: () => !chat.turn && !pending.first('waiting') && !pending.first('sending'),
    },
  );

  const client: ChatClient = {
    url,
    get state() {
      return link.state();
    },
    get chat() {
      return chat;
    },
    get events() {
      return chat.events;
    },
    get intents() {
      return Object.values(chat.intents);
    },
    get outbox() {
      return drawn().outbox;
    },
    get snapshot() {
      return drawn();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    connect() {
      remember();
      link.connect();
    },
    disconnect() {
      clearTimeout(paused);
      paused = undefined;
      lost();
      link.disconnect();
    },
    retryNow: link.wake,
    open(chatId = newId(), { events = [] } = {}) {
      const isOpen = ['live', 'catching_up'].includes(status());
      if (isOpen && chatId !== chat.user_chat_id) leave(chat.user_chat_id);
      explicit = true;
      show(foldEvents(chatId, events));
      if (isOpen) follow();
      if (status() === 'closed') client.connect();
      return chatId;
    },
    send: (content, to) => command({ type: 'send', content, ...to }),
    submit: (component_id, values) => command({ type: 'submit', component_id, values }),
    stop: () => command({ type: 'cancel', turn: chat.turn?.message_id }),
    retry: (message_id) => command({ type: 'retry', message_id }),
    resume: (user_intent_id) => command({ type: 'resume', user_intent_id }),
    abandon: (user_intent_id) => command({ type: 'abandon', user_intent_id }),
    close: () => command({ type: 'close' }),
    resend(id) {
      pending.update(id, { status: 'waiting', made_at: Date.now(), error: undefined });
      outgoing();
    },
    discard: pending.discard,
    async loadEarlier(count) {
      const { before, prepend } = await http();
      const page = await before(access, chat, count);
      show(prepend(chat, page, foldEvents));
      return chat.from > 0;
    },
    chats: async (limit) => (await http()).chats(access, limit),
    request: async (...call) => (await http()).request(access, ...call),
  };

  return client;
}
