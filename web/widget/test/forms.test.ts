import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fieldsOf, leavesOf, type Field } from '../src/forms/schema.ts';
import { validateDraft, valueAt } from '../src/forms/validate.ts';
import { initialDraft, valuesOf, type Draft, type FormValues } from '../src/forms/values.ts';
import { Texts } from '../src/strings.ts';

interface Fixture {
  name: string;
  schema: { properties: Record<string, object> };
  /** `wrong`: paths by dots, in the order of the form; `server_only`: left to the server, whose word is last. */
  cases: { values: FormValues; wrong: string[]; server_only?: boolean }[];
}

const TEXTS = new Texts('en');
const fixtures: Fixture[] = JSON.parse(
  readFileSync(new URL('../../../tests/golden/forms.json', import.meta.url), 'utf8'),
);

function field(schema: object, required = false) {
  return fieldsOf({ type: 'object', required: required ? ['x'] : [], properties: { x: schema } });
}

/** The message for one value of a field with `schema`. */
function message(schema: object, held: Draft[string], required = false): string | undefined {
  return validateDraft(field(schema, required), { x: held }, TEXTS)['x'];
}

describe('fields', () => {
  test.each([
    [{ type: 'string' }, 'text'],
    [{ type: 'string', format: 'textarea' }, 'textarea'],
    [{ type: 'string', format: 'date-time' }, 'date-time'],
    [{ type: 'string', format: 'unheard-of' }, 'text'],
    [{ type: 'integer' }, 'integer'],
    [{ type: ['number', 'null'] }, 'number'],
    [{ type: 'boolean' }, 'boolean'],
    [{ enum: ['a', 'b'] }, 'choice'],
    [{ oneOf: [{ const: 1, title: 'One' }] }, 'choice'],
    [{ type: 'array', items: { enum: ['a'] } }, 'choices'],
    [{ type: 'object', properties: {} }, 'group'],
  ])('%j is shown as %s', (schema, kind) => expect(field(schema)[0]?.kind).toBe(kind));

  test('a schema that is none has no fields', () => {
    for (const schema of [null, undefined, true, 'x', [], { properties: 3 }])
      expect(fieldsOf(schema)).toEqual([]);
  });

  test('names become labels where there is no title', () => {
    expect(
      fieldsOf({ properties: { firstName: {}, last_name: {}, z: { title: 'Zip' } } }).map(
        ({ label }) => label,
      ),
    ).toEqual(['First Name', 'Last name', 'Zip']);
  });
});

describe('values', () => {
  const schema = {
    type: 'object',
    properties: {
      text: { type: 'string' },
      count: { type: 'integer', default: 2 },
      size: { enum: ['s', 'm'], default: 'm' },
      extras: { type: 'array', items: { enum: ['a', 'b', 'c'] } },
      agreed: { type: 'boolean' },
      address: { type: 'object', properties: { street: { type: 'string' }, zip: { type: 'string' } } },
    },
  };
  const fields = fieldsOf(schema);

  test('an untouched form holds its defaults and nothing else', () => {
    expect(valuesOf(fields, initialDraft(fields))).toEqual({ count: 2, size: 'm', agreed: false });
  });

  test('what was filled in has the types of the schema', () => {
    const draft = {
      text: 'x',
      count: '7',
      size: [0],
      extras: [0, 2],
      agreed: true,
      'address/street': 'Elm',
      'address/zip': '',
    };
    expect(valuesOf(fields, draft)).toEqual({
      text: 'x',
      count: 7,
      size: 's',
      extras: ['a', 'c'],
      agreed: true,
      address: { street: 'Elm' },
    });
    expect(leavesOf(fields)).toHaveLength(7);
  });

  test('a moment carries the offset of the person who chose it', () => {
    const when = fieldsOf({ properties: { when: { type: 'string', format: 'date-time' } } });
    const { when: sent } = valuesOf(when, { when: '2026-11-23T10:30' });
    expect(sent).toMatch(/^2026-11-23T10:30:00[+-]\d\d:\d\d$/);
    expect(new Date(String(sent)).getTime()).toBe(new Date('2026-11-23T10:30').getTime());
  });
});

describe('a field may have any name', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
  const property = (name: string, schema: string) => `${JSON.stringify(name)}: ${schema}`;
  const object = (schema: string) =>
    JSON.parse(`{"required": ${JSON.stringify(names)}, "properties": {${names.map((name) => property(name, schema)).join(', ')}}}`);

  test('and is empty until it is filled in', () => {
    const fields = fieldsOf(object('{"type": "string"}'));
    expect(fields.map(({ path }) => path)).toEqual(names.map((name) => [name]));
    expect(Object.keys(validateDraft(fields, initialDraft(fields), TEXTS))).toEqual(names);
    expect(Object.keys(valuesOf(fields, initialDraft(fields)))).toEqual([]);
  });

  test('and is sent by it', () => {
    const fields = fieldsOf(object('{"type": "string", "default": "x"}'));
    const values = valuesOf(fields, initialDraft(fields));
    expect(JSON.stringify(values)).toBe(`{${names.map((name) => `${JSON.stringify(name)}:"x"`).join(',')}}`);
    for (const name of names) expect(valueAt(JSON.parse(JSON.stringify(values)), [name])).toBe('x');
    expect(valueAt({}, ['constructor', 'name'])).toBeUndefined();
  });

  test('also in a group', () => {
    const fields = fieldsOf({ properties: { group: { type: 'object', ...object('{"type": "string", "default": "x"}') } } });
    const values = valuesOf(fields, initialDraft(fields));
    expect(Object.keys(values['group'] as object)).toEqual(names);
    expect(validateDraft(fields, initialDraft(fields), TEXTS)).toEqual({});
  });
});

/** A form into which a person has put `values`. */
function filled(fields: readonly Field[], values: FormValues): Draft {
  const put = (field: Field): Field => ({
    ...field,
    initial: valueAt(values, field.path),
    fields: field.fields.map(put),
  });
  return initialDraft(fields.map(put));
}

// The server's validator is held to the same file by tests/domain/test_forms.py.
describe.each(fixtures)('with the server about $name', ({ schema, cases }) => {
  test.each(cases)('$values', ({ values, wrong, server_only }) => {
    const fields = fieldsOf(schema);
    const draft = filled(fields, values);
    expect(valuesOf(fields, draft)).toEqual(values);
    const found = Object.keys(validateDraft(fields, draft, TEXTS)).map((key) => key.replaceAll('/', '.'));
    expect(found).toEqual(server_only ? [] : wrong);
  });
});

describe('what is wrong', () => {
  test.each([
    [{ type: 'string' }, '', true, 'Please fill this in'],
    [{ type: 'string' }, '', false, undefined],
    [{ type: 'array', items: { enum: ['a'] }, minItems: 1 }, [], true, 'Please fill this in'],
    [{ type: 'boolean' }, false, true, undefined],
    [{ type: 'integer', minimum: 1 }, '0', false, 'Must be at least 1'],
    [{ type: 'integer', maximum: 8 }, '9', false, 'Must be at most 8'],
    [{ type: 'number', exclusiveMinimum: 0 }, '0', false, 'Must be at least 0'],
    [{ type: 'integer' }, '1.5', false, 'Please check this value'],
    [{ type: 'number', multipleOf: 0.1 }, '0.3', false, undefined],
    [{ type: 'number' }, 'abc', false, 'Please check this value'],
    [{ type: 'string', minLength: 2 }, '😀', false, 'Must have at least 2 characters'],
    [{ type: 'string', maxLength: 2 }, 'abc', false, 'Must have at most 2 characters'],
    [{ type: 'string', pattern: '^a+$' }, 'b', false, 'Please check this value'],
    [{ type: 'string', pattern: '^a+$', description: 'Only a.' }, 'b', false, 'Only a.'],
    [{ type: 'string', pattern: '(?P<x>a)' }, 'b', false, undefined],
    [{ type: 'string', format: 'email', title: 'E-mail' }, 'nobody', false, 'Please enter a valid E-mail'],
    [{ type: 'string', format: 'email' }, 'a@b.example', false, undefined],
    [{ type: 'string', format: 'uri', title: 'Page' }, 'no page', false, 'Please enter a valid Page'],
    [{ type: 'string', format: 'time' }, '07:30', false, undefined],
    [{ type: 'array', items: { enum: ['a', 'b'] }, minItems: 2 }, [0], false, 'Please check this value'],
  ])('%j with %j (required: %s): %s', (schema, held, required, expected) => {
    expect(message(schema, held, required)).toBe(expected);
  });

  test('errors come in the order of the fields, nested ones by their path', () => {
    const fields = fieldsOf({
      required: ['a', 'b'],
      properties: {
        a: { type: 'string' },
        b: { type: 'object', required: ['c'], properties: { c: { type: 'string' } } },
      },
    });
    expect(Object.keys(validateDraft(fields, {}, TEXTS))).toEqual(['a', 'b/c']);
  });
});
