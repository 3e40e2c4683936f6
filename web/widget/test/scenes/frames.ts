// Frames as the server would send them, for scenes and tests: positions and times count up by themselves.
import type { EventFrame, Opened, Schema, ServerFrame, Values } from '../../../client/src/types.ts';

export const CHAT = 'chat_scene';
type Draft = { type: EventFrame['type'] } & Record<string, unknown>;

export class Script {
  readonly frames: ServerFrame[] = [];
  #position = 0;
  #time: number;

  constructor(startedAt = Date.UTC(2026, 10, 23, 9, 30)) {
    this.#time = startedAt;
    this.event({ type: 'chat', status: 'opened' });
  }

  get position(): number {
    return this.#position;
  }

  wait(seconds: number): this {
    this.#time += seconds * 1000;
    return this;
  }

  event(draft: Draft): this {
    this.#position += 1;
    this.#time += 180;
    this.frames.push({
      user_chat_id: CHAT,
      position: this.#position,
      event_id: `evt_${this.#position}`,
      timestamp: new Date(this.#time).toISOString(),
      user_id: 'visitor',
      ...draft,
    } as unknown as EventFrame);
    return this;
  }

  /** A message and the start of its turn; `first`: it starts the task. */
  user(id: string, content: string, intent: string, first = true): this {
    this.event({ type: 'user', message_id: id, content, user_intent_id: intent, session_id: `s_${intent}` });
    this.event({ type: 'turn', status: 'started', attempt: 1, caused_by: id, user_intent_id: intent });
    if (first) this.event({ type: 'intent', status: 'active', caused_by: id, user_intent_id: intent });
    return this;
  }

  step(id: string, step: string, content: string, more: Record<string, unknown> = {}): this {
    return this.event({ type: 'thinking', step, content, status: 'completed', caused_by: id, ...more });
  }

  named(id: string, intent: string, name: string, slots: Values = {}): this {
    this.event({
      type: 'intent',
      status: 'active',
      reason: 'recognised',
      name,
      caused_by: id,
      user_intent_id: intent,
    });
    return this.event({
      type: 'intent',
      status: 'active',
      reason: 'slots',
      slots,
      caused_by: id,
      user_intent_id: intent,
    });
  }

  answer(id: string, content: string, intent: string, more: Record<string, unknown> = {}): this {
    return this.event({
      type: 'response',
      message_id: `msg_${this.#position}`,
      content,
      is_complete: false,
      follow_up: false,
      caused_by: id,
      user_intent_id: intent,
      ...more,
    });
  }

  /** A stored piece of an answer whose whole may never come. */
  piece(id: string, messageId: string, offset: number, text: string): this {
    return this.event({ type: 'partial', message_id: messageId, offset, text, caused_by: id });
  }

  /** What a turn that fails ends with. */
  fails(id: string, intent: string, message: string, code = 'agent_error'): this {
    return this.event({ type: 'error', code, message, retryable: true, caused_by: id }).end(id, 'failed', intent);
  }

  complete(id: string, intent: string): this {
    return this.event({ type: 'intent', status: 'complete', caused_by: id, user_intent_id: intent });
  }

  form(id: string, intent: string, title: string, schema: Schema): this {
    return this.event({
      type: 'component',
      component_id: `cmp_${intent}`,
      kind: 'form',
      title,
      schema,
      caused_by: id,
      user_intent_id: intent,
    });
  }

  end(id: string, status = 'finished', intent?: string): this {
    return this.event({
      type: 'turn',
      status,
      attempt: 1,
      caused_by: id,
      ...(intent ? { user_intent_id: intent } : {}),
    });
  }

  /** A turn that no message caused. */
  reminder(id: string, content: string): this {
    return this.event({ type: 'turn', status: 'started', attempt: 1, caused_by: id })
      .event({
        type: 'response',
        message_id: `msg_${id}`,
        content,
        is_complete: false,
        follow_up: false,
        caused_by: id,
      })
      .event({ type: 'turn', status: 'finished', attempt: 1, caused_by: id });
  }

  /** `opened` and `caught_up` around all frames so far. */
  delivered(more: Partial<Opened> = {}): ServerFrame[] {
    const opened: Opened = {
      type: 'opened',
      user_chat_id: CHAT,
      created: false,
      status: 'open',
      position: this.#position,
      from: 0,
      intent: null,
      session: null,
      turn: null,
      resumable: [],
      ...more,
    };
    return [opened, ...this.frames, { type: 'caught_up', user_chat_id: CHAT, position: this.#position }];
  }
}
