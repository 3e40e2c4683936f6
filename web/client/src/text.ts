// Offsets of the protocol count Unicode code points; JavaScript strings count UTF-16 units.
import type { Answer } from './types.ts';

export const TITLE_CODE_POINTS = 80;

/** `answer` with what of `text` lies beyond it; the same object when nothing does, a hole would be left, or it is done. */
export function grow(answer: Answer, offset: number, text: string): Answer {
  const known = answer.length - offset;
  const fresh = [...text].slice(known);
  if (answer.done || known < 0 || !fresh.length) return answer;
  return { ...answer, text: answer.text + fresh.join(''), length: answer.length + fresh.length };
}
