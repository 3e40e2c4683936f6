// The card for the newest task that was set aside: what it was, what is filled in, when.
import { html, nothing, type TemplateResult } from 'lit';
import type { Intent } from '../../../client/src/types.ts';
import { timeAgo, valueText } from '../format.ts';
import { icons } from '../icons.ts';
import { filledIn, questionIn, taskName } from '../task.ts';
import type { View } from '../view.ts';

export function resumeCard(
  tasks: readonly Intent[],
  view: View,
  showAll: boolean,
  onShowAll: () => void,
): TemplateResult | typeof nothing {
  const [newest, ...older] = tasks;
  if (!newest) return nothing;
  return html`<section class="resume" part="resume-card" aria-label=${view.texts.get('resume_heading')}>
    <p class="resume-heading">${icons.pause}${view.texts.get('resume_heading')}</p>
    ${taskView(newest, view)}
    ${showAll ? older.map((task) => taskView(task, view)) : moreButton(older.length, view, onShowAll)}
  </section>`;
}

function moreButton(count: number, view: View, onShowAll: () => void): TemplateResult | typeof nothing {
  if (count === 0) return nothing;
  return html`<button type="button" class="link more" @click=${onShowAll}>
    ${view.texts.count('resume_more', count)}
  </button>`;
}

function taskView(task: Intent, view: View): TemplateResult {
  const { texts, actions } = view;
  const id = task.user_intent_id;
  const when = timeAgo(task.last_activity_at, texts.locale, Date.now());
  return html`<div class="resume-task">
    <p class="resume-name" dir="auto">${taskName(task, texts)}</p>
    <p class="note"><time datetime=${task.last_activity_at}>${texts.get('resume_when', { when })}</time></p>
    ${factsView(task, view)}
    ${task.question ? html`<p class="resume-question" dir="auto">${questionIn(task.question.text)}</p>` : nothing}
    <div class="button-row">
      <button type="button" class="primary" @click=${() => actions.resumeTask(id)}>
        ${texts.get('resume_continue')}
      </button>
      <button type="button" @click=${() => actions.startOver(id)}>${texts.get('resume_start_over')}</button>
      <button type="button" class="quiet" @click=${() => actions.dismissTask(id)}>
        ${texts.get('resume_dismiss')}
      </button>
    </div>
  </div>`;
}

function factsView(task: Intent, view: View): TemplateResult | typeof nothing {
  const facts = filledIn(task.slots);
  if (facts.length === 0) return nothing;
  return html`<dl class="facts" aria-label=${view.texts.get('resume_filled')}>
    ${facts.map(
      ([name, value]) =>
        html`<div>
          <dt dir="auto">${name}</dt>
          <dd dir="auto">${valueText(value, view.texts)}</dd>
        </div>`,
    )}
  </dl>`;
}
