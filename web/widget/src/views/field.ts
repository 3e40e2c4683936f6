// One field of a form as native inputs, with its label, its hint and its error tied to it.
import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import type { Field } from '../forms/schema.ts';
import type { FieldErrors } from '../forms/validate.ts';
import { fieldKey, type Draft, type DraftValue } from '../forms/values.ts';
import type { Texts } from '../strings.ts';

export interface FieldProps {
  readonly field: Field;
  readonly draft: Draft;
  readonly errors: FieldErrors;
  /** Makes element ids unique within the chat. */
  readonly idPrefix: string;
  readonly texts: Texts;
  readonly onInput: (field: Field, value: DraftValue) => void;
}

const RADIO_AT_MOST = 4;

export function fieldView(props: FieldProps): TemplateResult {
  const { field } = props;
  switch (field.kind) {
    case 'group':
      return html`<fieldset class="group">
        <legend dir="auto">${field.label}</legend>
        ${hintView(props)} ${field.fields.map((inner) => fieldView({ ...props, field: inner }))}
      </fieldset>`;
    case 'boolean':
      return checkView(props);
    case 'choices':
      return optionsView(props, 'checkbox');
    case 'choice':
      return field.choices.length <= RADIO_AT_MOST
        ? optionsView(props, 'radio')
        : labelled(props, selectView(props));
    case 'textarea':
      return labelled(props, textareaView(props));
    default:
      return labelled(props, inputView(props));
  }
}

function idOf({ idPrefix, field }: FieldProps): string {
  return `${idPrefix}-${fieldKey(field.path).replace(/[^\w-]/g, '_')}`;
}

function errorOf({ errors, field }: FieldProps): string | undefined {
  return errors[fieldKey(field.path)];
}

function describedBy(props: FieldProps): string {
  const hint = props.field.description ? `${idOf(props)}-hint` : '';
  const error = errorOf(props) === undefined ? '' : `${idOf(props)}-error`;
  return `${hint} ${error}`.trim();
}

function labelled(props: FieldProps, input: TemplateResult): TemplateResult {
  return html`<div class="field">
    <label for=${idOf(props)} dir="auto">${labelText(props)}</label>
    ${hintView(props)}${input}${errorView(props)}
  </div>`;
}

function labelText({ field, texts }: FieldProps): TemplateResult {
  const optional = html`<span class="optional">${texts.get('form_optional')}</span>`;
  return html`${field.label}${field.required ? nothing : html` ${optional}`}`;
}

function hintView(props: FieldProps): TemplateResult | typeof nothing {
  const { description } = props.field;
  return description ? html`<p class="hint" id="${idOf(props)}-hint" dir="auto">${description}</p>` : nothing;
}

function errorView(props: FieldProps): TemplateResult | typeof nothing {
  const error = errorOf(props);
  return error === undefined ? nothing : html`<p class="note bad" id="${idOf(props)}-error">${error}</p>`;
}

function textOf({ draft, field }: FieldProps): string {
  const held = draft[fieldKey(field.path)];
  return typeof held === 'string' ? held : '';
}

function inputView(props: FieldProps): TemplateResult {
  const { field, onInput } = props;
  return html`<input
    id=${idOf(props)}
    name=${fieldKey(field.path)}
    type=${inputType(field)}
    dir="auto"
    .value=${live(textOf(props))}
    ?required=${field.required}
    step=${stepOf(field)}
    min=${field.limits.minimum ?? nothing}
    max=${field.limits.maximum ?? nothing}
    aria-invalid=${errorOf(props) === undefined ? nothing : 'true'}
    aria-describedby=${describedBy(props) || nothing}
    @input=${(event: Event) => onInput(field, (event.target as HTMLInputElement).value)}
  />`;
}

function inputType({ kind }: Field): string {
  switch (kind) {
    case 'date-time':
      return 'datetime-local';
    case 'integer':
      return 'number';
    case 'uri':
      return 'url';
    case 'date':
    case 'time':
    case 'email':
    case 'number':
      return kind;
    default:
      return 'text';
  }
}

function stepOf({ kind }: Field): string | typeof nothing {
  if (kind === 'number') return 'any';
  return kind === 'integer' ? '1' : nothing;
}

function textareaView(props: FieldProps): TemplateResult {
  const { field, onInput } = props;
  return html`<textarea
    id=${idOf(props)}
    name=${fieldKey(field.path)}
    rows="3"
    dir="auto"
    .value=${live(textOf(props))}
    ?required=${field.required}
    aria-invalid=${errorOf(props) === undefined ? nothing : 'true'}
    aria-describedby=${describedBy(props) || nothing}
    @input=${(event: Event) => onInput(field, (event.target as HTMLTextAreaElement).value)}
  ></textarea>`;
}

function positionsOf({ draft, field }: FieldProps): readonly number[] {
  const held = draft[fieldKey(field.path)];
  return Array.isArray(held) ? (held as readonly number[]) : [];
}

function selectView(props: FieldProps): TemplateResult {
  const { field, onInput, texts } = props;
  const chosen = positionsOf(props)[0];
  const onChange = (event: Event) => {
    const { value } = event.target as HTMLSelectElement;
    onInput(field, value === '' ? [] : [Number(value)]);
  };
  return html`<select
    id=${idOf(props)}
    name=${fieldKey(field.path)}
    ?required=${field.required}
    aria-invalid=${errorOf(props) === undefined ? nothing : 'true'}
    aria-describedby=${describedBy(props) || nothing}
    @change=${onChange}
  >
    <option value="" .selected=${chosen === undefined}>${texts.get('form_choose')}</option>
    ${field.choices.map(
      (choice, index) => html`<option value=${index} .selected=${chosen === index}>${choice.label}</option>`,
    )}
  </select>`;
}

function optionsView(props: FieldProps, type: 'radio' | 'checkbox'): TemplateResult {
  const { field, onInput } = props;
  const chosen = positionsOf(props);
  const toggle = (index: number, checked: boolean) => {
    const others = type === 'radio' ? [] : chosen.filter((position) => position !== index);
    onInput(field, checked ? [...others, index].sort((a, b) => a - b) : others);
  };
  return html`<fieldset
    class="options ${errorOf(props) === undefined ? '' : 'wrong'}"
    aria-describedby=${describedBy(props) || nothing}
  >
    <legend dir="auto">${labelText(props)}</legend>
    ${hintView(props)}
    ${field.choices.map(
      (choice, index) =>
        html`<label class="option" dir="auto">
          <input
            type=${type}
            name=${idOf(props)}
            .checked=${live(chosen.includes(index))}
            @change=${(event: Event) => toggle(index, (event.target as HTMLInputElement).checked)}
          />
          <span>${choice.label}</span>
        </label>`,
    )}
    ${errorView(props)}
  </fieldset>`;
}

function checkView(props: FieldProps): TemplateResult {
  const { field, draft, onInput } = props;
  return html`<div class="field">
    <label class="option" dir="auto">
      <input
        type="checkbox"
        name=${fieldKey(field.path)}
        .checked=${live(draft[fieldKey(field.path)] === true)}
        aria-invalid=${errorOf(props) === undefined ? nothing : 'true'}
        aria-describedby=${describedBy(props) || nothing}
        @change=${(event: Event) => onInput(field, (event.target as HTMLInputElement).checked)}
      />
      <span>${field.label}</span>
    </label>
    ${hintView(props)}${errorView(props)}
  </div>`;
}
