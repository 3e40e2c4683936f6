// The pure fold of one chat: frames in, what a view shows out. Total: no frame makes it throw, and a frame that was
// applied before, comes too early or is of another chat changes nothing.
import { bare, clean, mapped } from './records.ts';
import { grow, TITLE_CODE_POINTS } from './text.ts';
import type {
  Answer, ChatEvent, ChatState, Component, ComponentEvent, ComponentSubmittedEvent, Delta, EventFrame, Intent, IntentEvent, Opened, PartialEvent, Question,
   ResponseEvent, ServerFrame, TurnEvent,
} from './types.ts';

/** A chat of which nothing is known yet; with `from`, one whose first events are not asked for. */
export function initialChat(userChatId: string, from = 0): ChatState {
  return {
    user_chat_id: userChatId,
    status: 'open',
    position: from,
    event_id: null,
    from,
    caught_up: false,
    events: [],
    answers: bare(),
    intents: bare(),
    intent: null,
    turns: bare(),
    turn: null,
    components: bare(),
  };
}

/** A chat of which these events are held, the first of them at any position. */
export function foldEvents(userChatId: string, events: readonly EventFrame[]): ChatState {
  return apply(initialChat(userChatId, events[0] ? events[0].position - 1 : 0), events);
}

/** The state after `frames`, in order; the same object when they change nothing. */
export function apply(state: ChatState, frames: ServerFrame | readonly ServerFrame[]): ChatState {
  let draft = state;
  // Copied once for all frames of a message.
  let events: EventFrame[] | undefined;

  const set = (change: Partial<ChatState>) => {
    draft = { ...draft, ...change };
  };

  const put = <R extends 'answers' | 'intents' | 'turns' | 'components'>(
    name: R,
    key: string,
    value: { [F in keyof ChatState[R][string]]: ChatState[R][string][F] | undefined },
  ) => {
    // As with the events: a chat of thousands of turns would be copied thousands of times.
    if (draft[name] === state[name]) set({ [name]: bare<unknown>(state[name]) });
    (draft[name] as Record<string, unknown>)[key] = clean(value);
  };

  const take = (frame: ServerFrame) => {
    if ((frame as EventFrame).user_chat_id !== state.user_chat_id) return;
    switch (frame.type) {
      case 'opened':
        return opened(frame);
      case 'caught_up':
        return set({ caught_up: true });
      case 'resync':
        events = undefined;
        return set(initialChat(frame.user_chat_id));
      case 'delta':
        return draft.turn && extend(frame);
      default:
        if ('event_id' in frame && frame.position === draft.position + 1) event(frame);
    }
  };

  // What is held goes on when the frames continue it; otherwise they begin anew.
  const opened = ({ user_chat_id, from, status, intent, turn, resumable }: Opened) => {
    const fresh = !draft.events.length || from > draft.position;
    if (fresh) {
      events = undefined;
      set({ ...initialChat(user_chat_id, from), turn });
    }
    const known = draft.intents;
    for (const listed of [...resumable, intent]) {
      if (listed && !known[listed.user_intent_id]) put('intents', listed.user_intent_id, listed);
    }
    set({ status, intent: draft.intent ?? intent?.user_intent_id ?? null });
  };

  const extend = ({ message_id, offset, text = '' }: Delta | PartialEvent) => {
    const held = draft.answers[message_id] ?? { ...DONE, done: false };
    const longer = grow(held, offset, text);
    if (longer !== held) put('answers', message_id, longer);
  };

  const event = (frame: EventFrame) => {
    events ??= [...draft.events];
    events.push(frame);
    set({ events, position: frame.position, event_id: frame.event_id });
    change(frame);
    const intent = draft.intents[frame.user_intent_id!];
    // No timer's: only an intent has that reason, only a session that status.
    const { reason, status } = frame as Timed;
    if (intent && reason !== 'idle' && status !== 'expired') {
      const { timestamp, session_id = intent.session_id } = frame;
      put('intents', intent.user_intent_id, { ...intent, session_id, last_activity_at: timestamp });
    }
  };

  const change = (frame: EventFrame) => {
    const intent = draft.intents[frame.user_intent_id!];
    switch (frame.type) {
      case 'chat':
        return frame.status === 'opened' || ended(frame);
      case 'turn':
        return turn(frame);
      case 'intent':
        return intentChanged(frame);
      case 'partial':
        return extend(frame);
      case 'response':
        return response(frame, intent);
      case 'component':
        return component(frame, intent);
      case 'component_submitted':
        return submitted(frame);
    }
  };

  // What was erased is forgotten here too; what is left of it can be loaded like any older event.
  const ended = (frame: ChatEvent) => {
    const { status, position, event_id, user_chat_id } = frame;
    if (status === 'erased') {
      events = [frame];
      set({ ...initialChat(user_chat_id, position - 1), caught_up: draft.caught_up, position, event_id, events, status });
    } else {
      set({ status: 'closed' });
      closeComponents(Boolean, 'chat_closed');
    }
  };

  const turn = ({ caused_by = '', status, attempt, retry_of, user_intent_id }: TurnEvent) => {
    const begun = draft.turns[caused_by];
    const runs = status === 'started' || status === 'restarted';
    put('turns', caused_by, {
      caused_by,
      status: runs ? 'running' : status,
      attempt,
      retry_of: retry_of ?? begun?.retry_of,
      user_intent_id: user_intent_id ?? begun?.user_intent_id,
    });
    set({
      turn: runs ? { message_id: caused_by, attempt } : null,
      // Texts of an earlier attempt are void, and stay so whatever still comes for them.
      answers: status === 'restarted' ? mapped(draft.answers, () => DONE) : bare(),
    });
  };

  const intentChanged = (frame: IntentEvent) => {
    const { user_intent_id: id = '', status, slots } = frame;
    const held = draft.intents[id] ?? begun(id, frame);
    const active = status === 'active';
    put('intents', id, {
      ...held,
      status,
      name: frame.name ?? held.name,
      slots: slots ? clean({ ...held.slots, ...slots }) : held.slots,
      reason: active ? undefined : frame.reason,
      question: status === 'complete' ? undefined : held.question,
    });
    if (status === 'complete') closeComponents((shown) => shown.user_intent_id === id, status);
    set({ intent: active ? id : newestIntent() });
  };

  const begun = (user_intent_id: string, { timestamp, caused_by = '', status }: IntentEvent): Intent => {
    const cause = draft.turns[caused_by]?.retry_of ?? caused_by;
    const said = draft.events.findLast((event) => event.message_id === cause);
    const title = [...((said as { content?: string })?.content ?? '')].slice(0, TITLE_CODE_POINTS).join('');
    return { user_intent_id, status, title, created_at: timestamp, last_activity_at: timestamp };
  };

  const newestIntent = () => {
    const rank = ({ status, created_at }: Intent) => (status === 'active' ? 'a' : '') + created_at;
    const intents = Object.values(draft.intents);
    return intents.reduce((one, other) => (rank(other) >= rank(one) ? other : one)).user_intent_id;
  };

  const response = ({ message_id, follow_up, content = '' }: ResponseEvent, intent: Intent | undefined) => {
    put('answers', message_id, DONE);
    ask(intent, follow_up ? { text: content } : undefined);
  };

  // A follow-up goes before the title of what is shown with it.
  const component = (frame: ComponentEvent, intent: Intent | undefined) => {
    const { component_id, user_intent_id, title } = frame;
    const before = intent?.question;
    closeComponents((shown) => shown.user_intent_id === user_intent_id, 'superseded');
    put('components', component_id, { component_id, user_intent_id, status: 'open' });
    const text = before && !before.component_id ? before.text : title;
    ask(intent, text ? { text, component_id } : undefined);
  };

  const submitted = ({ component_id, values }: ComponentSubmittedEvent) => {
    put('components', component_id, { ...draft.components[component_id], component_id, status: 'submitted', values });
  };

  const ask = (intent: Intent | undefined, question: Question | undefined) => {
    if (intent) put('intents', intent.user_intent_id, { ...intent, question });
  };

  const closeComponents = (which: (shown: Component) => boolean, reason: NonNullable<Component['reason']>) => {
    const closed = (shown: Component): Component =>
      shown.status === 'open' && which(shown) ? { ...shown, status: 'closed', reason } : shown;
    set({ components: mapped(draft.components, closed) });
  };

  [frames].flat().forEach(take);
  return draft;
}

const DONE: Answer = { text: '', length: 0, done: true };

interface Timed {
  reason?: string;
  status?: string;
}
