// What goes by HTTP: lists, and going upwards in a chat. Loaded when first asked for, so it shares no code with what is
// there already: the fold is handed in.
import type { Environment } from './environment.ts';
import type { foldEvents } from './reducer.ts';
import type { Tokens } from './tokens.ts';
import type { ChatState, ChatSummary, EventFrame } from './types.ts';

const LARGEST_PAGE = 200;

/** Where the API is and who asks. */
export interface Access {
  url: string;
  environment: Environment;
  identity: Tokens;
}

/** HTTP below the API's address; rejects without a network. */
export async function request(access: Access, method: string, path: string, body?: unknown): Promise<Response> {
  const token = await access.identity.current();
  return access.environment.fetch(access.url + path, {
    method,
    headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
    body: body === undefined ? null : JSON.stringify(body),
  });
}

async function items(access: Access, path: string) {
  const response = await request(access, 'GET', path);
  if (!response.ok) throw new Error(`${response.status} for ${path}`);
  return (await response.json()).items;
}

/** This user's chats, newest activity first. */
export function chats(access: Access, limit = 50): Promise<ChatSummary[]> {
  return items(access, `/chats?limit=${limit}`);
}

/** The `count` events just below the held ones. */
export function before(access: Access, chat: ChatState, count = LARGEST_PAGE): Promise<EventFrame[]> | EventFrame[] {
  const { user_chat_id, from } = chat;
  const after = Math.max(0, from - Math.min(count, LARGEST_PAGE));
  return from ? items(access, `/chats/${user_chat_id}/events?after=${after}&limit=${from - after}`) : [];
}

/** The state with older events in front: those just below `state.from`, in order. */
export function prepend(state: ChatState, events: readonly EventFrame[], fold: typeof foldEvents): ChatState {
  const last = events.at(-1);
  if (last?.position !== state.from || last.user_chat_id !== state.user_chat_id) return state;
  const { from, turns, components, intents, ...all } = fold(state.user_chat_id, [...events, ...state.events]);
  return {
    ...state,
    events: all.events,
    from,
    turns,
    components,
    // The fold is right about those whose beginning it saw; of others the server told more.
    intents: Object.assign(
      Object.create(null),
      state.intents,
      Object.fromEntries(Object.entries(intents).filter(([, { title }]) => title)),
    ),
  };
}
