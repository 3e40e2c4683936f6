// What the log shows, folded from a chat's events: days, dividers between tasks, what the user
// said, and one entry a turn. An entry is replaced when it changes, never changed in place, so a
// view compares by identity; a longer list of events is continued, not folded again.
import { grow } from '../../client/src/text.ts';
import type {
  Answer,
  ChatEvent,
  ComponentEvent,
  ComponentSubmittedEvent,
  ErrorEvent,
  EventFrame,
  IntentEvent,
  PartialEvent,
  ResponseEvent,
  TurnEvent,
  UserEvent,
} from '../../client/src/types.ts';
import { dayKey } from './format.ts';
import { withStep, type Step } from './steps.ts';

export type Mark =
  | { readonly kind: 'new' | 'complete' | 'resumed'; readonly intentId: string }
  | { readonly kind: 'set_aside'; readonly intentId: string; readonly reason: string }
  | { readonly kind: 'closed' | 'erased' };

export type Part =
  | {
      readonly kind: 'answer';
      readonly messageId: string;
      /** What is stored of it; null while it is not whole. */
      readonly response: ResponseEvent | null;
      /** The text of its stored pieces. */
      readonly held: Answer;
    }
  | { readonly kind: 'component'; readonly component: ComponentEvent }
  | { readonly kind: 'error'; readonly error: ErrorEvent };

interface Placed {
  readonly key: string;
  /** Of the event that made the entry. */
  readonly position: number;
}

export interface TurnEntry extends Placed {
  readonly kind: 'turn';
  /** The assistant spoke without being asked: a reminder that was due. */
  readonly unasked: boolean;
  readonly status: 'running' | 'finished' | 'needs_input' | 'cancelled' | 'failed';
  readonly restarted: boolean;
  readonly startedAt: string;
  readonly steps: readonly Step[];
  readonly parts: readonly Part[];
}

export type Entry =
  | (Placed & { readonly kind: 'day'; readonly timestamp: string })
  | (Placed & { readonly kind: 'marks'; readonly marks: readonly Mark[] })
  | (Placed & { readonly kind: 'user'; readonly event: UserEvent })
  | (Placed & { readonly kind: 'submitted'; readonly event: ComponentSubmittedEvent })
  | TurnEntry;

/** Folds the events of one chat into entries. */
export class Timeline {
  #events: readonly EventFrame[] = [];
  #entries: Entry[] = [];
  #places = new Map<string, number>();
  #day = '';
  #intentSeen = false;

  /** The entries after `events`; the same array as before when the events are the same. */
  update(events: readonly EventFrame[]): readonly Entry[] {
    if (events === this.#events) return this.#entries;
    const known = this.#continues(events) ? this.#events.length : this.#restart(events);
    this.#entries = [...this.#entries];
    for (const event of events.slice(known)) this.#fold(event);
    this.#events = events;
    return this.#entries;
  }

  #continues(events: readonly EventFrame[]): boolean {
    const held = this.#events;
    return held.length > 0 && events[0] === held[0] && events[held.length - 1] === held.at(-1);
  }

  // Where the beginning is not held, a task that starts is never the chat's first.
  #restart(events: readonly EventFrame[]): 0 {
    this.#entries = [];
    this.#places.clear();
    this.#day = '';
    this.#intentSeen = (events[0]?.position ?? 1) > 1;
    return 0;
  }

  #fold(event: EventFrame): void {
    switch (event.type) {
      case 'user':
        return this.#said({ kind: 'user', key: event.message_id, position: event.position, event });
      case 'component_submitted':
        return this.#said({ kind: 'submitted', key: event.message_id, position: event.position, event });
      case 'turn':
        return this.#turned(event);
      case 'intent':
        return this.#intended(event);
      case 'chat':
        return this.#chatChanged(event);
      case 'thinking':
      case 'tool_call':
      case 'tool_result':
        return this.#changeTurn(event, (turn) => ({ ...turn, steps: withStep(turn.steps, event) }));
      case 'partial':
        return this.#answered(event, null);
      case 'response':
        return this.#answered(event, event);
      case 'component':
        return this.#addPart(event, { kind: 'component', component: event });
      case 'error':
        return this.#addPart(event, { kind: 'error', error: event });
    }
  }

  #said(entry: Entry & { readonly event: EventFrame }): void {
    this.#startDay(entry.event);
    this.#append(entry);
  }

  #startDay({ timestamp, position }: EventFrame): void {
    const day = dayKey(timestamp);
    if (day === this.#day) return;
    this.#day = day;
    this.#append({ kind: 'day', key: `day ${day}`, position, timestamp });
  }

  #append(entry: Entry): void {
    this.#places.set(placeKey(entry), this.#entries.push(entry) - 1);
  }

  #insert(index: number, entry: Entry): void {
    this.#entries.splice(index, 0, entry);
    this.#entries.slice(index).forEach((moved, offset) => this.#places.set(placeKey(moved), index + offset));
  }

  // ---- turns

  #turned(event: TurnEvent): void {
    const status = event.status === 'started' || event.status === 'restarted' ? 'running' : event.status;
    const restarted = event.status === 'restarted';
    this.#changeTurn(event, (turn) => ({
      ...turn,
      status,
      restarted: turn.restarted || restarted,
      parts: status === 'running' ? turn.parts.filter(isStored) : turn.parts,
    }));
  }

  #answered(event: PartialEvent | ResponseEvent, response: ResponseEvent | null): void {
    this.#changeTurn(event, (turn) => {
      const at = turn.parts.findIndex((part) => part.kind === 'answer' && part.messageId === event.message_id);
      const known = turn.parts[at];
      const before = known?.kind === 'answer' ? known : newAnswer(event.message_id);
      // What comes after the whole says nothing more.
      if (before.response) return turn;
      const held = event.type === 'partial' ? grow(before.held, event.offset, event.text ?? '') : before.held;
      const part: Part = { ...before, response, held };
      return { ...turn, parts: known ? turn.parts.with(at, part) : [...turn.parts, part] };
    });
  }

  #addPart(event: EventFrame, part: Part): void {
    this.#changeTurn(event, (turn) => ({ ...turn, parts: [...turn.parts, part] }));
  }

  #changeTurn(event: EventFrame, change: (turn: TurnEntry) => TurnEntry): void {
    const key = event.caused_by ?? event.event_id;
    const at = this.#places.get(`turn ${key}`);
    const turn = at === undefined ? null : this.#entries[at];
    if (at !== undefined && turn?.kind === 'turn') {
      this.#entries[at] = change(turn);
      return;
    }
    // A turn that nobody's words began, or one that is run again, may be the first thing of its day.
    this.#startDay(event);
    this.#append(change(newTurn(key, event)));
  }

  // ---- dividers

  #intended(event: IntentEvent): void {
    const mark = this.#markOf(event);
    this.#intentSeen = true;
    if (mark) this.#place(mark, event);
  }

  #markOf(event: IntentEvent): Mark | null {
    const intentId = event.user_intent_id ?? '';
    if (event.status === 'complete') return { kind: 'complete', intentId };
    if (event.status === 'abandoned') return { kind: 'set_aside', intentId, reason: event.reason ?? '' };
    if (event.reason === 'resumed') return { kind: 'resumed', intentId };
    return event.reason === undefined && this.#intentSeen ? { kind: 'new', intentId } : null;
  }

  // What a message brings about (the old task aside, a new one) stands above that message; what a
  // turn ends with stands below it; what a timer or a click did comes last.
  #place(mark: Mark, event: EventFrame): void {
    const cause = event.caused_by ?? '';
    const turnAt = this.#places.get(`turn ${cause}`);
    const saidAt = this.#places.get(`said ${cause}`);
    const ends =
      mark.kind === 'complete' || (mark.kind === 'set_aside' && !BY_A_MESSAGE.includes(mark.reason));
    if (ends && turnAt !== undefined) this.#mark(turnAt + 1, mark, event);
    else if (!ends && saidAt !== undefined) this.#mark(saidAt, mark, event);
    else this.#mark(this.#entries.length, mark, event);
  }

  #mark(index: number, mark: Mark, event: EventFrame): void {
    const before = this.#entries[index - 1];
    if (before?.kind === 'marks') {
      this.#entries[index - 1] = { ...before, marks: [...before.marks, mark] };
    } else {
      this.#insert(index, {
        kind: 'marks',
        key: `marks ${event.event_id}`,
        position: event.position,
        marks: [mark],
      });
    }
  }

  #chatChanged(event: ChatEvent): void {
    if (event.status !== 'opened') this.#mark(this.#entries.length, { kind: event.status }, event);
  }
}

const BY_A_MESSAGE: readonly string[] = ['superseded', 'switched'];

function isStored(part: Part): boolean {
  return part.kind !== 'answer' || part.response !== null;
}

/** An answer of which nothing is stored. */
export function newAnswer(messageId: string): Part & { kind: 'answer' } {
  return { kind: 'answer', messageId, response: null, held: { text: '', length: 0, done: false } };
}

function placeKey(entry: Entry): string {
  if (entry.kind === 'turn') return `turn ${entry.key}`;
  return entry.kind === 'user' || entry.kind === 'submitted' ? `said ${entry.key}` : entry.key;
}

function newTurn(key: string, event: EventFrame): TurnEntry {
  const { position, timestamp: startedAt } = event;
  return {
    kind: 'turn',
    key,
    position,
    unasked: event.type === 'turn' && event.status === 'started' && !event.user_intent_id,
    status: 'running',
    restarted: false,
    startedAt,
    steps: [],
    parts: [],
  };
}

export interface Chunk {
  readonly key: number;
  readonly entries: Entry[];
}

const EVENTS_A_CHUNK = 256;

/** The entries in chunks that keep their borders when older ones come in front. */
export function chunksOf(entries: readonly Entry[]): Chunk[] {
  const chunks: Chunk[] = [];
  for (const entry of entries) {
    const last = chunks.at(-1);
    const key = Math.max(last?.key ?? 0, Math.floor(entry.position / EVENTS_A_CHUNK));
    if (last?.key === key) last.entries.push(entry);
    else chunks.push({ key, entries: [entry] });
  }
  return chunks;
}
