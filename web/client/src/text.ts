// Offsets of the protocol count Unicode code points; JavaScript strings count UTF-16 units.
import type { Answer } from './types.ts';

export const TITLE_CODE_POINTS = 80;

/** `answer` with what of `text` lies beyond it; the same object when nothing does a hole would be left, or it is done. */
export function grow(answer: Answer, offset: number, text: string): Answer {
  let known = answer.length - offset;
  if (answer.done || known < 0) return answer;
  let units = 0;
  let added = 0;
  for (const point of text) {
    if (known-- > 0) units += point.length;
    else added++;
  }
  return added ? { ...answer, text: answer.text + text.slice(units), length: answer.length + added } : answer;
}
