// One run of the agent: its steps, its answers, what it asks for, what went wrong.
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { bare } from '../../../client/src/records.ts';
import type { Answer, Component, ErrorEvent, Outgoing } from '../../../client/src/types.ts';
import { ExpiryTimer } from '../expiry.ts';
import { clockTime } from '../format.ts';
import { icons } from '../icons.ts';
import { newAnswer, type Part, type TurnEntry } from '../timeline.ts';
import { componentView } from '../views/component.ts';
import { copyButton, messageTime } from '../views/message-parts.ts';
import { stepsView } from '../views/steps.ts';
import { define, type View } from '../view.ts';
import { AnswerElement } from './answer-element.ts';
import { LightElement } from './light-element.ts';

export class TurnElement extends LightElement {
  static override properties = {
    entry: { attribute: false },
    view: { attribute: false },
    components: { attribute: false, hasChanged: listChanged },
    submits: { attribute: false, hasChanged: listChanged },
    retryable: { attribute: false },
    liveIds: { attribute: false, hasChanged: listChanged },
    stepsOpen: { state: true },
  };

  entry: TurnEntry | null = null;
  view: View | null = null;
  /** The components of this turn as they stand now. */
  components: readonly Component[] = [];
  /** Submits of this turn's components that are on their way or failed. */
  submits: readonly Outgoing[] = [];
  /** The id of the user message that may be run again, or null. */
  retryable: string | null = null;
  /** Ids of answers in progress that no stored event names yet. */
  liveIds: readonly string[] = [];
  stepsOpen: boolean | null = null;
  #answers: Readonly<Record<string, Answer>> = bare();

  constructor() {
    super();
    new ExpiryTimer(this, () =>
      (this.entry?.parts ?? []).map((part) =>
        part.kind === 'component' ? part.component.expires_at : undefined,
      ),
    );
  }

  /** Hands over the texts in progress, without drawing the turn again. */
  showAnswers(answers: Readonly<Record<string, Answer>>): void {
    this.#answers = answers;
    for (const element of this.querySelectorAll<AnswerElement>('chatstream-answer')) {
      const answer = answers[element.dataset['message'] ?? ''];
      if (answer && !answer.done) element.show(answer.text, false);
    }
  }

  protected override updated(_changed: PropertyValues): void {
    this.showAnswers(this.#answers);
    for (const part of this.entry?.parts ?? []) {
      if (part.kind !== 'answer') continue;
      if (part.response) this.#answerElement(part.messageId)?.show(part.response.content ?? '', true);
      else if (this.#hasEnded) this.#answerElement(part.messageId)?.show(part.held.text, true);
    }
  }

  get #hasEnded(): boolean {
    return this.entry?.status !== 'running';
  }

  #answerElement(messageId: string): AnswerElement | null {
    const all = [...this.querySelectorAll<AnswerElement>('chatstream-answer')];
    return all.find((element) => element.dataset['message'] === messageId) ?? null;
  }

  protected override render(): TemplateResult | typeof nothing {
    const { entry, view } = this;
    if (!entry || !view) return nothing;
    const parts = [...entry.parts, ...this.liveIds.map(newAnswer)];
    const answering = parts.some((part) => part.kind === 'answer');
    const label = `${view.texts.get('assistant')}, ${clockTime(entry.startedAt, view.texts.locale)}`;
    return html`<article class="message assistant" part="message assistant-message" aria-label=${label}>
      ${entry.unasked ? html`<p class="note">${icons.bell}${view.texts.get('unasked')}</p>` : nothing}
      ${stepsView(entry, view, { open: this.stepsOpen, answering }, (open) => (this.stepsOpen = open))}
      ${repeat(parts, partKey, (part) => this.#part(part, view))} ${this.#end(entry, view)}
    </article>`;
  }

  #part(part: Part, view: View): TemplateResult | typeof nothing {
    switch (part.kind) {
      case 'answer':
        return this.#answer(part, view);
      case 'component':
        return componentView(part.component, this.#stateOf(part.component.component_id), view);
      case 'error':
        return errorView(part.error, view);
    }
  }

  #stateOf(componentId: string): { component: Component | undefined; submit: Outgoing | undefined } {
    return {
      component: this.components.find((component) => component.component_id === componentId),
      submit: this.submits.find(
        ({ command }) => command.type === 'submit' && command.component_id === componentId,
      ),
    };
  }

  #answer({ messageId, response, held }: Part & { kind: 'answer' }, view: View): TemplateResult {
    if (response?.erased) return html`<p class="note">${view.texts.get('erased')}</p>`;
    // Pieces of an erased chat have no words, and nothing else is left of them.
    if (!response && this.#hasEnded && held.text === '') return html``;
    return html`<div class="answer" part="answer">
      <chatstream-answer class="markdown" data-message=${messageId} .view=${view}></chatstream-answer>
      ${
        response || this.#hasEnded
          ? html`<footer>
              ${response ? messageTime(response.timestamp, view) : nothing}
              ${!response || response.stopped ? html`<span class="note">${this.#brokenOff(view)}</span>` : nothing}
              ${copyButton(response ? (response.content ?? '') : held.text, view)}
            </footer>`
          : nothing
      }
    </div>`;
  }

  // Who stopped an answer knows why it ends; of any other the rest is missing.
  #brokenOff(view: View): string {
    const wasStopped = this.entry?.status === 'cancelled' || !this.#hasEnded;
    return view.texts.get(wasStopped ? 'stopped' : 'broken_off');
  }

  #end(entry: TurnEntry, view: View): TemplateResult | typeof nothing {
    const messageId = this.retryable;
    const failedSilently = entry.status === 'failed' && !entry.parts.some((part) => part.kind === 'error');
    const stopped = entry.status === 'cancelled' && !entry.parts.some((part) => part.kind === 'answer');
    const note = failedSilently ? view.texts.get('error') : stopped ? view.texts.get('stopped') : '';
    return html`${note ? html`<p class="note">${note}</p>` : nothing}
    ${
      messageId === null
        ? nothing
        : html`<button type="button" class="quiet" part="retry" @click=${() => view.actions.retry(messageId)}>
            ${icons.retry}<span>${view.texts.get('retry')}</span>
          </button>`
    }`;
  }
}

function errorView(error: ErrorEvent, view: View): TemplateResult {
  const details = JSON.stringify({
    code: error.code,
    chat: error.user_chat_id,
    position: error.position,
    time: error.timestamp,
  });
  return html`<div class="error" part="error">
    ${icons.alert}
    <div>
      <p dir="auto">${error.message || view.texts.get('error')}</p>
      <p class="note">
        <code dir="ltr">${error.code}</code>
        ${copyButton(details, view, 'copy_details')}
      </p>
    </div>
  </div>`;
}

function partKey(part: Part): string {
  switch (part.kind) {
    case 'answer':
      return `answer ${part.messageId}`;
    case 'component':
      return part.component.event_id;
    case 'error':
      return part.error.event_id;
  }
}

function listChanged(value: unknown, old: unknown): boolean {
  if (!Array.isArray(value) || !Array.isArray(old)) return value !== old;
  return value.length !== old.length || value.some((item, index) => item !== old[index]);
}

define('chatstream-turn', TurnElement);
