// Going upwards in a chat: older events in front of the held ones. Loaded when first asked for.
import { clean, mapped } from './records.ts';
import { foldEvents } from './reducer.ts';
import type { ChatState, EventFrame } from './types.ts';

const LARGEST_PAGE = 200;

/** Where the `count` events just below the held ones are. */
export function pageBefore({ user_chat_id, from }: ChatState, count = LARGEST_PAGE): string {
  const after = Math.max(0, from - Math.min(count, LARGEST_PAGE));
  return `/chats/${user_chat_id}/events?after=${after}&limit=${from - after}`;
}

/** The state with older events in front: those just below `state.from`, in order. */
export function prepend(state: ChatState, events: readonly EventFrame[]): ChatState {
  const last = events.at(-1);
  if (last?.position !== state.from || last.user_chat_id !== state.user_chat_id) return state;
  const { from, turns, components, intents, ...all } = foldEvents(state.user_chat_id, [...events, ...state.events]);
  return {
    ...state,
    events: all.events,
    from,
    turns,
    components,
    // The fold is right about those whose beginning it saw; of others the server told more.
    intents: { ...state.intents, ...clean(mapped(intents, (intent) => (intent.title ? intent : undefined))) },
  };
}
