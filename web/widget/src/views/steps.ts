// The steps of one turn: a list while they happen, one line afterwards.
import { html, nothing, type TemplateResult } from 'lit';
import { duration, humanName } from '../format.ts';
import { icons } from '../icons.ts';
import { totalDuration, type Step } from '../steps.ts';
import type { TurnEntry } from '../timeline.ts';
import type { View } from '../view.ts';

export interface StepsState {
  /** What the person chose by a click; null: nothing yet. */
  readonly open: boolean | null;
  /** The answer has begun, so the steps may fold. */
  readonly answering: boolean;
}

export function stepsView(
  turn: TurnEntry,
  view: View,
  state: StepsState,
  onToggle: (open: boolean) => void,
): TemplateResult | typeof nothing {
  const live = turn.status === 'running' && !state.answering;
  if (view.thinking === 'hidden' || (turn.steps.length === 0 && !live)) return nothing;
  const open = state.open ?? (view.thinking === 'open' || (view.thinking === 'auto' && live));
  return html`<details class="steps" part="thinking" .open=${open}>
    <summary
      @click=${(event: Event) => {
        event.preventDefault();
        onToggle(!open);
      }}
    >
      ${live ? html`<span class="pulse" aria-hidden="true"></span>` : icons.chevron}
      <span class="steps-line" dir="auto">${live ? liveLine(turn, view, open) : foldedLine(turn, view)}</span>
    </summary>
    <ol>
      ${turn.steps.map((step) => stepRow(step, view))}
    </ol>
    ${turn.restarted ? html`<p class="note">${view.texts.get('restarted')}</p>` : nothing}
  </details>`;
}

// Unfolded, the list below says what is being done.
function liveLine(turn: TurnEntry, view: View, open: boolean): string {
  const step = turn.steps.at(-1);
  return step && !open ? stepText(step) : view.texts.get('thinking');
}

function foldedLine(turn: TurnEntry, view: View): string {
  const { texts } = view;
  // One step and nothing else is all there is to say: a reminder that was cancelled.
  if (turn.unasked && turn.parts.length === 0) return turn.steps.map(stepText).join(' · ');
  const steps = texts.count('steps', turn.steps.length);
  const spent = totalDuration(turn.steps);
  return spent > 0 ? texts.get('steps_summary', { steps, duration: duration(spent, texts) }) : steps;
}

function stepText(step: Step): string {
  return step.text || humanName(step.label);
}

function stepRow(step: Step, view: View): TemplateResult {
  const { texts } = view;
  const notes = [attemptText(step, view), step.status === 'failed' ? texts.get('step_failed') : ''];
  if (step.durationMs !== undefined) notes.push(duration(step.durationMs, texts));
  return html`<li class="step ${step.status}" title=${humanName(step.label)}>
    <span class="step-mark" aria-hidden="true">${stepMark(step)}</span>
    <span class="step-text" dir="auto">${stepText(step)}</span>
    <span class="step-notes">${notes.filter(Boolean).join(' · ')}</span>
  </li>`;
}

function stepMark(step: Step): TemplateResult {
  if (step.status === 'started') return html`<span class="dot"></span>`;
  return step.status === 'failed' ? icons.close : icons.check;
}

function attemptText(step: Step, view: View): string {
  if (step.attempt === undefined) return '';
  if (step.of === undefined || step.of <= 1) {
    return step.attempt > 1 ? view.texts.get('step_attempt_only', { attempt: step.attempt }) : '';
  }
  return view.texts.get('step_attempt', { attempt: step.attempt, of: step.of });
}
