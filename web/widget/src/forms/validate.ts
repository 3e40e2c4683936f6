// What is wrong with a form's values, one message a field, before they are sent: the keywords that
// the fields of `schema.ts` can carry. Whatever else a schema says is the server's to judge, whose
// word is last; a complete validator would be 6 KB of the widget's 45 for keywords no field shows.
import { bare } from '../../../client/src/records.ts';
import type { Texts } from '../strings.ts';
import { LONGEST_SUBJECT, matches } from './patterns.ts';
import { leavesOf, type Field } from './schema.ts';
import { fieldKey, valuesOf, type Draft, type FormValues } from './values.ts';

/** Messages by field key. */
export type FieldErrors = Readonly<Record<string, string>>;

const EMAIL = /^[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)*$/;
const URI = /^[a-z][a-z\d+.-]*:[^\s]*$/i;

/** The errors of `draft`, in the order of the fields; empty if it may be sent. */
export function validateDraft(fields: readonly Field[], draft: Draft, texts: Texts): FieldErrors {
  const values = valuesOf(fields, draft);
  const errors: Record<string, string> = bare();
  // Of a group that was left out as a whole, nothing is missing.
  const there = fields.filter(({ kind, path }) => kind !== 'group' || valueAt(values, path) !== undefined);
  for (const field of leavesOf(there)) {
    const message = messageFor(field, valueAt(values, field.path), texts);
    if (message) errors[fieldKey(field.path)] = message;
  }
  return errors;
}

/** The value of the field at `path`, or undefined. */
export function valueAt(values: FormValues, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, name) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? (at as FormValues)[name] : undefined,
    values,
  );
}

function messageFor(field: Field, value: unknown, texts: Texts): string {
  if (value === undefined) return field.required ? texts.get('form_required') : '';
  if (typeof value === 'number') return numberMessage(field, value, texts);
  if (typeof value === 'string') return textMessage(field, value, texts);
  return Array.isArray(value) ? listMessage(field, value.length, texts) : '';
}

function numberMessage({ kind, limits }: Field, value: number, texts: Texts): string {
  const least = limits.minimum ?? limits.exclusiveMinimum;
  const most = limits.maximum ?? limits.exclusiveMaximum;
  if (value < (limits.minimum ?? -Infinity) || value <= (limits.exclusiveMinimum ?? -Infinity)) {
    return texts.get('form_minimum', { limit: least ?? '' });
  }
  if (value > (limits.maximum ?? Infinity) || value >= (limits.exclusiveMaximum ?? Infinity)) {
    return texts.get('form_maximum', { limit: most ?? '' });
  }
  const whole = kind !== 'integer' || Number.isInteger(value);
  return whole && isMultiple(value, limits.multipleOf) ? '' : texts.get('form_bad_value');
}

// By division with a tolerance: 0.3 is a multiple of 0.1 to a person.
function isMultiple(value: number, step: number | undefined): boolean {
  return step === undefined || Math.abs(value / step - Math.round(value / step)) < 1e-9;
}

function textMessage(field: Field, value: string, texts: Texts): string {
  if (field.kind === 'choice') return '';
  if (field.kind === 'number' || field.kind === 'integer') return texts.get('form_bad_value');
  const longest = field.pattern === undefined ? Infinity : LONGEST_SUBJECT;
  const { minLength = 0, maxLength = Infinity } = field.limits;
  const length = [...value].length;
  if (length < minLength) return texts.get('form_min_length', { limit: minLength });
  const most = Math.min(maxLength, longest);
  if (length > most) return texts.get('form_max_length', { limit: most });
  const misshapen =
    (field.kind === 'email' && !EMAIL.test(value)) || (field.kind === 'uri' && !URI.test(value));
  if (misshapen) return texts.get('form_bad_format', { format: field.label });
  return matches(field.pattern ?? '', value) ? '' : field.description || texts.get('form_bad_value');
}

function listMessage({ limits }: Field, length: number, texts: Texts): string {
  const fits = length >= (limits.minItems ?? 0) && length <= (limits.maxItems ?? Infinity);
  if (fits) return '';
  return texts.get(length === 0 ? 'form_required' : 'form_bad_value');
}
