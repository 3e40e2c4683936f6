// The pure fold of one chat: frames in, what a view shows out.
import type { ChatState, EventFrame, ServerFrame } from './types.ts';

/** A chat of which nothing is known yet. */
export function initialChat(userChatId: string): ChatState {
  return {
    user_chat_id: userChatId,
    status: 'open',
    position: 0,
    event_id: null,
    from: 0,
    caught_up: false,
    events: [],
    answers: {},
    intents: {},
    intent: null,
    session: null,
    turns: {},
    turn: null,
    components: {},
  };
}

/** The state after `frames`, in order; the same object when they change nothing. */
export declare function apply(
  state: ChatState,
  frames: ServerFrame | readonly ServerFrame[],
): ChatState;

/** The state with older events in front: those just below `state.from`. */
export declare function prepend(state: ChatState, events: readonly EventFrame[]): ChatState;
