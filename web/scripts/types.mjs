// TypeScript of the server's own schema: `client/frames.schema.json` (what `chatstream schema` prints) becomes
// `client/src/types.gen.ts`, and the compiler holds the types written by hand against it (client/test/types.check.ts).
// `--check`: is the committed file current? `--schema FILE`: take over a new schema first.
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (name) => fileURLToPath(new URL(`../client/${name}`, import.meta.url));
const schemaFile = path('frames.schema.json');
const target = path('src/types.gen.ts');

function typeOf(schema) {
  if ('$ref' in schema) return schema.$ref.split('/').at(-1);
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(' | ');
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    case 'integer':
    case 'number':
      return 'number';
    case 'array':
      return `(${typeOf(schema.items ?? {})})[]`;
    case 'object':
      return `Record<string, ${schema.additionalProperties ? typeOf(schema.additionalProperties) : 'unknown'}>`;
    default:
      return 'unknown';
  }
}

// On the wire a field that holds nothing is absent: null as a default is how the server's language says so.
function fieldOf(name, schema, isRequired) {
  const isAbsent = schema.default === null && schema.anyOf;
  const shown = isAbsent ? { anyOf: schema.anyOf.filter(({ type }) => type !== 'null') } : schema;
  return `  ${name}${isRequired ? '' : '?'}: ${typeOf(shown)};\n`;
}

function declaration(name, schema) {
  if (!schema.properties) return `export type ${name} = ${typeOf(schema)};\n`;
  const required = new Set(schema.required);
  const fields = Object.entries(schema.properties).map(([field, of]) => fieldOf(field, of, required.has(field)));
  return `export interface ${name} {\n${fields.join('')}}\n`;
}

function generated() {
  const { $defs } = JSON.parse(readFileSync(schemaFile, 'utf8'));
  const declarations = Object.entries($defs).map(([name, schema]) => declaration(name, schema));
  return `// Made by \`npm run types\` from the server's schema; not to be changed by hand.\n\n${declarations.join('\n')}`;
}

const [option, file] = process.argv.slice(2);
if (option === '--schema') copyFileSync(file, schemaFile);
if (option !== '--check') writeFileSync(target, generated());
else if (!existsSync(target) || readFileSync(target, 'utf8') !== generated()) {
  console.error('client/src/types.gen.ts is not what the schema says: run `npm run types`.');
  process.exitCode = 1;
}
