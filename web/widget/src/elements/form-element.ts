// A form in the chat: inputs while it is open, a summary once it is submitted, a reason when it
// closed unanswered. The draft outlives a reload; the server's word on the values is last.
import { html, nothing, type TemplateResult } from 'lit';
import { bare } from '../../../client/src/records.ts';
import type { ComponentEvent } from '../../../client/src/types.ts';
import { closedReason, type ComponentState } from '../component-state.ts';
import { valueText } from '../format.ts';
import { ExpiryTimer } from '../expiry.ts';
import { fieldsOf, leavesOf, type Field } from '../forms/schema.ts';
import { validateDraft, valueAt, type FieldErrors } from '../forms/validate.ts';
import {
  fieldKey,
  initialDraft,
  valuesOf,
  type Draft,
  type DraftValue,
  type FormValues,
} from '../forms/values.ts';
import { icons } from '../icons.ts';
import { keep, recall } from '../storage.ts';
import { fieldView } from '../views/field.ts';
import { define, type View } from '../view.ts';
import { LightElement } from './light-element.ts';

export class FormElement extends LightElement {
  static override properties = {
    event: { attribute: false },
    state: { attribute: false, hasChanged: stateChanged },
    view: { attribute: false },
    errors: { state: true },
  };

  event: ComponentEvent | null = null;
  state: ComponentState = { component: undefined, submit: undefined };
  view: View | null = null;
  errors: FieldErrors = bare();
  #draft: Draft | null = null;
  #refusedId = '';
  #focusError = false;

  constructor() {
    super();
    new ExpiryTimer(this, () => [this.event?.expires_at]);
  }

  protected override willUpdate(): void {
    const { submit } = this.state;
    if (submit?.status !== 'failed' || submit.command.id === this.#refusedId) return;
    this.#refusedId = submit.command.id;
    this.errors = byFieldKey(submit.error?.details?.fields ?? {});
    this.#focusError = true;
  }

  // Once after a refusal, never while the person mends the fields.
  protected override updated(): void {
    if (!this.#focusError) return;
    this.#focusError = false;
    this.querySelector<HTMLElement>('[aria-invalid="true"], .wrong input')?.focus();
  }

  protected override render(): TemplateResult | typeof nothing {
    const { event, view } = this;
    if (!event || !view) return nothing;
    const fields = fieldsOf(event.schema);
    const submitted = this.#submittedValues();
    const closed = closedReason(event, this.state.component);
    const heading = event.title ? html`<p class="component-title" dir="auto">${event.title}</p>` : nothing;
    if (submitted) return this.#frame(html`${heading}${summaryView(fields, submitted, view)}`, 'submitted');
    if (closed)
      return this.#frame(
        html`${heading}
          <p class="note">${view.texts.get(closed)}</p>`,
        'closed',
      );
    return this.#frame(this.#form(heading, fields, event, view), 'open');
  }

  #frame(content: TemplateResult, status: string): TemplateResult {
    return html`<div class="form ${status}">${content}</div>`;
  }

  #submittedValues(): FormValues | undefined {
    return this.state.component?.status === 'submitted' ? (this.state.component.values ?? {}) : undefined;
  }

  #form(heading: unknown, fields: readonly Field[], event: ComponentEvent, view: View): TemplateResult {
    const busy = this.state.submit !== undefined && this.state.submit.status !== 'failed';
    const draft = this.#currentDraft(fields, event);
    const rows = fields.map((field) =>
      fieldView({
        field,
        draft,
        errors: this.errors,
        idPrefix: event.component_id,
        texts: view.texts,
        onInput: (changed, value) => this.#change(changed, value, event),
      }),
    );
    return html`<form
      novalidate
      aria-label=${event.title ?? view.texts.get('form_submit')}
      @submit=${(submit: Event) => {
        submit.preventDefault();
        this.#submit(fields, event, view);
      }}
    >
      ${heading}
      <fieldset class="plain" ?disabled=${busy}>${rows}</fieldset>
      ${this.#errorSummary(view)}
      <button type="submit" class="primary" part="submit" ?disabled=${busy}>
        ${view.texts.get(busy ? 'form_sending' : 'form_submit')}
      </button>
    </form>`;
  }

  #errorSummary(view: View): TemplateResult | typeof nothing {
    const count = Object.keys(this.errors).length;
    if (count > 0)
      return html`<p class="note bad" role="alert">${view.texts.count('form_invalid', count)}</p>`;
    const refusal = this.state.submit?.status === 'failed' ? this.state.submit.error?.message : undefined;
    return refusal ? html`<p class="note bad" role="alert">${refusal}</p>` : nothing;
  }

  #currentDraft(fields: readonly Field[], event: ComponentEvent): Draft {
    this.#draft ??= bare({ ...initialDraft(fields), ...recall<Draft>('sessionStorage', draftKey(event)) });
    return this.#draft;
  }

  #change(field: Field, value: DraftValue, event: ComponentEvent): void {
    const key = fieldKey(field.path);
    this.#draft = bare({ ...this.#draft, [key]: value });
    keep('sessionStorage', draftKey(event), this.#draft);
    const { [key]: mended, ...others } = this.errors;
    if (mended !== undefined) this.errors = bare(others);
    else this.requestUpdate();
  }

  #submit(fields: readonly Field[], event: ComponentEvent, view: View): void {
    const draft = this.#currentDraft(fields, event);
    this.errors = validateDraft(fields, draft, view.texts);
    this.#focusError = Object.keys(this.errors).length > 0;
    if (this.#focusError) return;
    keep('sessionStorage', draftKey(event), null);
    view.actions.submit(event.component_id, valuesOf(fields, draft));
  }
}

function draftKey(event: ComponentEvent): string {
  return `draft:${event.user_chat_id}:${event.component_id}`;
}

// The server names a nested field by dots or slashes.
function byFieldKey(fields: Readonly<Record<string, string>>): FieldErrors {
  const named = Object.entries(fields).map(([name, reason]) => [
    name.replace(/^[/#.$]+/, '').replace(/\./g, '/'),
    reason,
  ]);
  return bare(Object.fromEntries(named));
}

function summaryView(fields: readonly Field[], values: FormValues, view: View): TemplateResult {
  const rows = leavesOf(fields).map((field) => {
    const label = field.choices.find((choice) => choice.value === valueAt(values, field.path))?.label;
    return html`<div>
      <dt dir="auto">${field.label}</dt>
      <dd dir="auto">${label ?? valueText(valueAt(values, field.path), view.texts)}</dd>
    </div>`;
  });
  return html`<dl class="facts">${rows}</dl>
    <p class="note good">${icons.check}${view.texts.get('form_submitted')}</p>`;
}

function stateChanged(value: ComponentState, old: ComponentState | undefined): boolean {
  return value.component !== old?.component || value.submit !== old?.submit;
}

define('chatstream-form', FormElement);
