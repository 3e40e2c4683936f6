// Commands on their way: kept over a reload, sent one after the other, each until it is answered. One at a time, so
// that a refusal for now ("overloaded") cannot let a later message overtake an earlier one.
import type { Store } from './environment.ts';
import { clean } from './records.ts';
import type { ChatState, Command, EventFrame, Outgoing } from './types.ts';

const MOST = 50;
const EXPIRES_MS = 10 * 60_000;

export interface Outbox {
  items(): readonly Outgoing[];
  /** The oldest one of that status. */
  first(status: Outgoing['status']): Outgoing | undefined;
  /** False: there is no room. */
  add(command: Command): boolean;
  update(id: string, change: { [F in keyof Outgoing]?: Outgoing[F] | undefined }): void;
  discard(id: string): void;
  /** The link went: what was sent on it is unanswered. */
  unanswered(): void;
  /** Forgets what `events` hold, acknowledged ones that `chat` shows by now, and those of chats nobody looks at. */
  settle(chat: ChatState, events: readonly EventFrame[]): void;
  /** What was kept for another user is not this one's to send or to see. */
  belongsTo(user: string): void;
  /** The chat that these were for is not to be had: the words are kept for the one in its place. */
  move(from: string, to: string): void;
  /** Marks what waits for too long: the person may not mean it any more. */
  expire(): void;
}

export function outbox(store: Store, key: string, changed: () => void): Outbox {
  let { user = '', items = [] }: Partial<Kept> = JSON.parse(store.getItem(key) ?? '{}');

  // Called only with a change: an item that is acknowledged is on the server's disk and need not be kept here.
  const write = (next: Outgoing[]) => {
    items = next;
    store.setItem(key, JSON.stringify({ user, items: items.filter((item) => item.status !== 'sent') }));
    changed();
  };
  const each = (change: (item: Outgoing) => Outgoing) => {
    const next = items.map(change);
    if (next.some((item, index) => item !== items[index])) write(next);
  };
  const keep = (wanted: (item: Outgoing) => boolean) => {
    const next = items.filter(wanted);
    if (next.length < items.length) write(next);
  };

  const expire = () =>
    each((item) =>
      item.status === 'waiting' && item.made_at + EXPIRES_MS <= Date.now()
        ? { ...item, status: 'failed', error: { code: 'expired', message: '' } }
        : item,
    );
  const unanswered = () => each((item) => (item.status === 'sending' ? { ...item, status: 'waiting' } : item));
  unanswered();
  expire();

  return {
    items: () => items,
    first: (status) => items.find((item) => item.status === status),
    add(command) {
      const room = items.length < MOST;
      if (room) write([...items, { command, status: 'waiting', made_at: Date.now() }]);
      return room;
    },
    update: (id, change) => each((item) => (item.command.id === id ? clean({ ...item, ...change }) : item)),
    discard: (id) => keep((item) => item.command.id !== id),
    unanswered,
    settle: (chat, events) =>
      keep(({ command, status, position = 0 }) =>
        status === 'sent'
          ? command.user_chat_id === chat.user_chat_id && position > chat.position
          : !events.some((event) => event.message_id === command.id),
      ),
    belongsTo(next) {
      const others = user && next && next !== user;
      user = next || user;
      if (others) write([]);
    },
    move: (from, to) =>
      each((item) =>
        item.command.user_chat_id === from ? { ...item, command: { ...item.command, user_chat_id: to } } : item,
      ),
    expire,
  };
}

interface Kept {
  user: string;
  items: Outgoing[];
}
