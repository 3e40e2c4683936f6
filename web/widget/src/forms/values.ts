// Between what inputs hold (`Draft`: strings, a flag, positions of chosen options) and what
// a schema speaks of (`FormValues`): one draft entry for each leaf field, keyed by its path.
// A field may have any name, `constructor` and `__proto__` too: what is keyed by names inherits
// nothing.
import { bare } from '../../../client/src/records.ts';
import { leavesOf, type Field } from './schema.ts';

export type DraftValue = string | boolean | readonly number[];
export type Draft = Readonly<Record<string, DraftValue>>;
export type FormValues = Record<string, unknown>;

/** The key of a field in drafts, in errors and in element ids. */
export function fieldKey(path: readonly string[]): string {
  return path.join('/');
}

/** What an untouched form holds: the schema's defaults. */
export function initialDraft(fields: readonly Field[]): Draft {
  return bare(
    Object.fromEntries(leavesOf(fields).map((field) => [fieldKey(field.path), draftOf(field, field.initial)])),
  );
}

function draftOf(field: Field, value: unknown): DraftValue {
  switch (field.kind) {
    case 'boolean':
      return value === true;
    case 'choice':
      return positionsOf(field, value === undefined ? [] : [value]);
    case 'choices':
      return positionsOf(field, Array.isArray(value) ? value : []);
    case 'date-time':
      return typeof value === 'string' ? localDateTime(value) : '';
    default:
      return value === undefined || value === null ? '' : String(value);
  }
}

function positionsOf(field: Field, values: readonly unknown[]): number[] {
  const wanted = new Set(values.map((value) => JSON.stringify(value)));
  return field.choices.flatMap((choice, index) => (wanted.has(JSON.stringify(choice.value)) ? [index] : []));
}

/** The values to submit; fields left empty are absent. */
export function valuesOf(fields: readonly Field[], draft: Draft): FormValues {
  const values: FormValues = bare();
  for (const field of fields) {
    const value =
      field.kind === 'group' ? groupValue(field, draft) : leafValue(field, draft[fieldKey(field.path)]);
    if (value !== undefined) values[field.path.at(-1) ?? ''] = value;
  }
  return values;
}

function groupValue(field: Field, draft: Draft): FormValues | undefined {
  const values = valuesOf(field.fields, draft);
  return field.required || Object.keys(values).length > 0 ? values : undefined;
}

function leafValue(field: Field, held: DraftValue | undefined): unknown {
  if (Array.isArray(held)) return chosenValue(field, held as readonly number[]);
  if (typeof held === 'boolean') return held;
  if (held === undefined || held === '') return undefined;
  return typedValue(field, String(held));
}

function chosenValue(field: Field, positions: readonly number[]): unknown {
  const values = positions.map((position) => field.choices[position]?.value);
  if (field.kind === 'choice') return values[0];
  return values.length > 0 || field.required ? values : undefined;
}

// What is no number is sent as it was typed: the schema's own message then names the field.
function typedValue(field: Field, text: string): unknown {
  switch (field.kind) {
    case 'number':
    case 'integer':
      return Number.isFinite(Number(text)) ? Number(text) : text;
    case 'date-time':
      return withOffset(text);
    default:
      return text;
  }
}

// RFC 3339 wants an offset, the native input has none: the person means their own clock.
function withOffset(local: string): string {
  const date = new Date(local);
  if (Number.isNaN(date.getTime())) return local;
  const minutes = -date.getTimezoneOffset();
  const pad = (part: number) => String(Math.trunc(part)).padStart(2, '0');
  const sign = minutes < 0 ? '-' : '+';
  const seconds = /T\d\d:\d\d$/.test(local) ? ':00' : '';
  return `${local}${seconds}${sign}${pad(Math.abs(minutes) / 60)}:${pad(Math.abs(minutes) % 60)}`;
}

function localDateTime(timestamp: string): string {
  const date = new Date(timestamp);
  if (Number.isNaN(date.getTime())) return '';
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}
