// The fields of a form, read from its JSON Schema: a flat subset (with one nested level) that
// native inputs can show. What lies outside is left to the server, whose word is last.

export type FieldKind =
  | 'text'
  | 'textarea'
  | 'date'
  | 'time'
  | 'date-time'
  | 'email'
  | 'uri'
  | 'number'
  | 'integer'
  | 'boolean'
  | 'choice'
  | 'choices'
  | 'group';

export interface Choice {
  readonly value: unknown;
  readonly label: string;
}

export interface Field {
  /** Names from the outside in; at most two. */
  readonly path: readonly string[];
  readonly kind: FieldKind;
  readonly label: string;
  readonly description: string;
  readonly required: boolean;
  readonly initial: unknown;
  readonly choices: readonly Choice[];
  readonly fields: readonly Field[];
  readonly limits: Limits;
  readonly pattern: string | undefined;
}

const LIMITS = [
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
] as const;
/** The schema's keywords that hold a number. */
export type Limits = Readonly<Partial<Record<(typeof LIMITS)[number], number>>>;

type Schema = Readonly<Record<string, unknown>>;

/** The fields of `schema` in the order of its properties; empty for anything that is no object schema. */
export function fieldsOf(schema: unknown, path: readonly string[] = []): Field[] {
  const properties = asSchema(asSchema(schema)['properties']);
  const required = new Set(asList(asSchema(schema)['required']));
  return Object.entries(properties).map(([name, property]) =>
    fieldOf([...path, name], asSchema(property), required.has(name)),
  );
}

/** Fields and the fields of groups, in order, groups themselves left out. */
export function leavesOf(fields: readonly Field[]): Field[] {
  return fields.flatMap((field) => (field.kind === 'group' ? field.fields : [field]));
}

function fieldOf(path: readonly string[], schema: Schema, required: boolean): Field {
  const kind = kindOf(schema, path.length);
  return {
    path,
    kind,
    required,
    label: asText(schema['title']) || humanLabel(path.at(-1) ?? ''),
    description: asText(schema['description']),
    initial: schema['default'],
    choices: choicesOf(kind === 'choices' ? asSchema(schema['items']) : schema),
    fields: kind === 'group' ? fieldsOf(schema, path) : [],
    limits: limitsOf(schema),
    pattern: asText(schema['pattern']) || undefined,
  };
}

function limitsOf(schema: Schema): Limits {
  return Object.fromEntries(
    LIMITS.map((name) => [name, schema[name]] as const).filter(([, limit]) => typeof limit === 'number'),
  );
}

function kindOf(schema: Schema, depth: number): FieldKind {
  const type = Array.isArray(schema['type'])
    ? schema['type'].find((name) => name !== 'null')
    : schema['type'];
  if (choicesOf(schema).length > 0) return 'choice';
  if (type === 'array' && choicesOf(asSchema(schema['items'])).length > 0) return 'choices';
  if (type === 'object' && depth === 1) return 'group';
  if (type === 'boolean' || type === 'number' || type === 'integer') return type;
  return textKind(schema['format']);
}

function textKind(format: unknown): FieldKind {
  switch (format) {
    case 'date':
    case 'time':
    case 'date-time':
    case 'email':
    case 'uri':
    case 'textarea':
      return format;
    default:
      return 'text';
  }
}

function choicesOf(schema: Schema): Choice[] {
  const titled = asList(schema['oneOf']).map(asSchema);
  if (titled.length > 0 && titled.every((choice) => 'const' in choice)) {
    return titled.map((choice) => ({
      value: choice['const'],
      label: asText(choice['title']) || String(choice['const']),
    }));
  }
  return asList(schema['enum'])
    .filter((value) => value !== null)
    .map((value) => ({ value, label: typeof value === 'string' ? value : JSON.stringify(value) }));
}

function humanLabel(name: string): string {
  const words = name.replace(/([a-z\d])([A-Z])/g, '$1 $2').replace(/[_-]+/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function asSchema(value: unknown): Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Schema) : {};
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
