// What of a folded chat the golden files hold: all but the events themselves, which are among their frames.
import type { ChatState } from '../src/index.ts';

export function view(chat: ChatState): Record<string, unknown> {
  const { answers, events, ...rest } = chat;
  const shown = Object.entries(answers).filter(([, answer]) => !answer.done);
  return {
    ...rest,
    answers: Object.fromEntries(shown.map(([id, { text, length }]) => [id, { text, length }])),
    held: events.map((event) => event.position),
  };
}
