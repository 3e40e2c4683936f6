// Lines between messages: the day, and where a task began, ended or was set aside.
import { html, nothing, type TemplateResult } from 'lit';
import type { ChatState } from '../../../client/src/types.ts';
import { dayName } from '../format.ts';
import { icons } from '../icons.ts';
import { questionIn, taskName } from '../task.ts';
import type { Mark } from '../timeline.ts';
import type { View } from '../view.ts';

export function dayView(timestamp: string, view: View): TemplateResult {
  const name = dayName(timestamp, view.texts, Date.now());
  return html`<div class="entry divider day" part="divider"><time datetime=${timestamp}>${name}</time></div>`;
}

export function marksView(marks: readonly Mark[], chat: ChatState, view: View): TemplateResult {
  return html`<div class="entry divider marks" part="divider">
    ${marks.map((mark) => markView(mark, chat, view))}
  </div>`;
}

function markView(mark: Mark, chat: ChatState, view: View): TemplateResult {
  return html`<p class="mark ${mark.kind}">
    <span class="mark-label"> ${markIcon(mark)}<span dir="auto">${markText(mark, chat, view)}</span></span>
    ${askedView(mark, chat, view)}
  </p>`;
}

function markIcon(mark: Mark): TemplateResult {
  switch (mark.kind) {
    case 'complete':
      return icons.check;
    case 'set_aside':
      return icons.pause;
    case 'resumed':
      return icons.retry;
    case 'new':
      return icons.spark;
    case 'closed':
    case 'erased':
      return icons.close;
  }
}

function markText(mark: Mark, chat: ChatState, view: View): string {
  const { texts } = view;
  switch (mark.kind) {
    case 'new':
      return texts.get('task_new');
    case 'closed':
      return texts.get('chat_closed');
    case 'erased':
      return texts.get('chat_erased');
    case 'complete':
      return texts.get('task_done', { task: taskName(chat.intents[mark.intentId], texts) });
    case 'resumed':
      return texts.get('task_resumed', { task: taskName(chat.intents[mark.intentId], texts) });
    case 'set_aside': {
      const key = mark.reason === 'idle' ? 'task_set_aside_idle' : 'task_set_aside';
      return texts.get(key, { task: taskName(chat.intents[mark.intentId], texts) });
    }
  }
}

// Whoever comes back to a task wants to see what it was waiting for.
function askedView(mark: Mark, chat: ChatState, view: View): TemplateResult | typeof nothing {
  if (mark.kind !== 'resumed' || chat.intent !== mark.intentId) return nothing;
  const question = chat.intents[mark.intentId]?.question?.text;
  if (!question) return nothing;
  return html`<span class="mark-asked" dir="auto"
    >${view.texts.get('task_asked', { question: questionIn(question) })}</span
  >`;
}
