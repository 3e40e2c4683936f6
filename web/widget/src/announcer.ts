// What a screen reader hears: that an answer is coming, how it goes on, and the whole answer once.
// The log itself is silent (`aria-live=off`), else every token would be read.
import type { ChatState, EventFrame } from '../../client/src/types.ts';
import { humanName } from './format.ts';
import type { Texts } from './strings.ts';

const LONGEST_SPOKEN = 300;
const STEP_PAUSE_MS = 5000;

/** What `after` holds and `before` does not, of one chat. */
export function newEvents(before: ChatState, after: ChatState): readonly EventFrame[] {
  const count = after.position - before.position;
  return count > 0 ? after.events.slice(-count) : [];
}

/** The words to say when `before` becomes `after`, or null; `stepDue`: a step may be spoken again. */
export function spokenChange(
  before: ChatState,
  after: ChatState,
  texts: Texts,
  stepDue: boolean,
): string | null {
  if (!before.caught_up || before.user_chat_id !== after.user_chat_id) return null;
  const fresh = newEvents(before, after);
  // Several at once, where more than one reminder was due, or where an answer broke off.
  const said = fresh.flatMap((event) => {
    if (event.type === 'response') return spokenText(event.content ?? '') || [];
    return event.type === 'error' ? event.message || texts.get('answer_failed') : [];
  });
  if (said.length > 0) return said.join('\n');
  if (after.turn && before.turn?.message_id !== after.turn.message_id) return texts.get('answering');
  const step = stepDue ? fresh.findLast((event) => event.type === 'thinking') : undefined;
  return step?.type === 'thinking' ? step.content || humanName(step.step) : null;
}

/** As much of `text` as one listens to. */
export function spokenText(text: string): string {
  const points = [...text.slice(0, 2 * LONGEST_SPOKEN + 2)];
  return points.length <= LONGEST_SPOKEN ? text : `${points.slice(0, LONGEST_SPOKEN).join('')} …`;
}

/** Speaks through one element that is there before its text changes. */
export class Announcer {
  #lastSpokenAt = 0;

  /** Says what changed, if it is worth saying. */
  tell(region: HTMLElement, before: ChatState, after: ChatState, texts: Texts): void {
    const words = spokenChange(before, after, texts, Date.now() - this.#lastSpokenAt >= STEP_PAUSE_MS);
    if (words === null) return;
    this.#lastSpokenAt = Date.now();
    region.textContent = words;
  }
}
