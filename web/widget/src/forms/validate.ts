// What is wrong with a form's values, one message a field, before they are sent.
import { Validator, type OutputUnit, type Schema } from '@cfworker/json-schema';
import type { Texts } from '../strings.ts';
import { leavesOf, type Field } from './schema.ts';
import { fieldKey, valuesOf, type Draft } from './values.ts';

/** Messages by field key. */
export type FieldErrors = Readonly<Record<string, string>>;

// A schema's `pattern` runs on a backtracking engine: a long value could hang the tab.
const LONGEST_CHECKED_TEXT = 1000;
const SHAPED_BY_THE_INPUT: readonly string[] = ['date', 'time', 'date-time'];

/** The errors of `draft`, in the order of the fields; empty if it may be sent. */
export function validateDraft(
  schema: unknown,
  fields: readonly Field[],
  draft: Draft,
  texts: Texts,
): FieldErrors {
  const units = schemaErrors(schema, valuesOf(fields, draft));
  const errors: Record<string, string> = {};
  for (const field of leavesOf(fields)) {
    const message = isMissing(field, draft) ? texts.get('form_required') : messageFor(field, units, texts);
    if (message) errors[fieldKey(field.path)] = message;
  }
  return errors;
}

function schemaErrors(schema: unknown, values: object): readonly OutputUnit[] {
  if (JSON.stringify(values).length > LONGEST_CHECKED_TEXT * 20) return [];
  try {
    return new Validator(schema as Schema, '2020-12', false).validate(values).errors;
  } catch {
    return []; // A schema this engine cannot read (a foreign `pattern`) is the server's to judge.
  }
}

function isMissing(field: Field, draft: Draft): boolean {
  const held = draft[fieldKey(field.path)];
  return field.required && (held === undefined || held === '' || (Array.isArray(held) && held.length === 0));
}

function messageFor(field: Field, units: readonly OutputUnit[], texts: Texts): string {
  const location = `#/${field.path.map((name) => encodeURI(name.replace(/~/g, '~0').replace(/\//g, '~1'))).join('/')}`;
  const unit = units.find(
    (candidate) => candidate.instanceLocation === location && concerns(candidate, field),
  );
  return unit ? messageOf(unit, field, texts) : '';
}

function concerns(unit: OutputUnit, field: Field): boolean {
  return !(unit.keyword === 'format' && SHAPED_BY_THE_INPUT.includes(field.kind));
}

function messageOf(unit: OutputUnit, field: Field, texts: Texts): string {
  const limit = /(\d+(?:\.\d+)?)[^\d]*$/.exec(unit.error)?.[1] ?? '';
  switch (unit.keyword) {
    case 'minimum':
    case 'exclusiveMinimum':
      return texts.get('form_minimum', { limit: field.minimum ?? limit });
    case 'maximum':
    case 'exclusiveMaximum':
      return texts.get('form_maximum', { limit: field.maximum ?? limit });
    case 'minLength':
      return texts.get('form_min_length', { limit });
    case 'maxLength':
      return texts.get('form_max_length', { limit: field.maxLength ?? limit });
    case 'format':
      return texts.get('form_bad_format', { format: field.label });
    default:
      return field.description || texts.get('form_bad_value');
  }
}
