// Tells a chat's events as a server would store them; used by the golden frames, the fake server and the tests.
import type { EventFrame, Intent, Opened, ServerFrame } from '../src/types.ts';

type Fields = Record<string, unknown>;

export class Story {
  readonly chatId: string;
  readonly events: EventFrame[] = [];
  private readonly startedAt = Date.parse('2026-11-23T04:10:00.000Z');

  constructor(chatId = 'chat_1') {
    this.chatId = chatId;
  }

  get position(): number {
    return this.events.length;
  }

  /** The next event, one second after the one before. */
  event(type: string, fields: Fields = {}): EventFrame {
    const position = this.position + 1;
    const frame = {
      type,
      user_chat_id: this.chatId,
      position,
      event_id: `evt_${this.chatId}_${position}`,
      timestamp: new Date(this.startedAt + position * 1000).toISOString(),
      user_id: 'user_1',
      ...fields,
    } as EventFrame;
    this.events.push(frame);
    return frame;
  }

  opened(from = 0, fields: Partial<Opened> = {}): Opened {
    return {
      type: 'opened',
      user_chat_id: this.chatId,
      created: false,
      status: 'open',
      position: this.position,
      from,
      intent: null,
      session: null,
      turn: null,
      resumable: [],
      ...fields,
    };
  }

  caughtUp(): ServerFrame {
    return { type: 'caught_up', user_chat_id: this.chatId, position: this.position };
  }

  delta(messageId: string, offset: number, text: string): ServerFrame {
    return { type: 'delta', user_chat_id: this.chatId, message_id: messageId, offset, text };
  }

  /** `user` and all that one append stores with it. */
  asks(id: string, content: string, ids: Fields, { begins = true } = {}): EventFrame[] {
    const turn = { ...ids, caused_by: id };
    return [
      this.event('user', { ...ids, message_id: id, content }),
      this.event('turn', { ...turn, status: 'started', attempt: 1 }),
      ...(begins
        ? [this.event('session', { ...turn, status: 'started' }), this.event('intent', { ...turn, status: 'active' })]
        : []),
    ];
  }
}

export const INTENT_1 = { user_intent_id: 'intent_1', session_id: 'session_1' };
export const INTENT_2 = { user_intent_id: 'intent_2', session_id: 'session_2' };

export function intent(fields: Partial<Intent> = {}): Intent {
  return {
    user_intent_id: 'intent_1',
    status: 'active',
    title: 'Wake me',
    created_at: '2026-11-23T04:10:05.000Z',
    last_activity_at: '2026-11-23T04:10:05.000Z',
    ...fields,
  };
}
