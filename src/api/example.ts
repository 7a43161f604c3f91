/** Examples for the documentation: what a request of a schema may look like. */
import type { JsonSchema } from './json-schemas.js';
import type { OpenApiDocument, OpenApiOperation } from './openapi.js';

type Components = OpenApiDocument['components']['schemas'];

const deepest = 6;

/** The members that have to be there, each with its example, its default or a value of its type. */
export function exampleOf(schema: JsonSchema, components: Components, depth = 0): unknown {
  const { $ref, examples, const: constant, enum: values, anyOf, oneOf, allOf, type } = schema;
  if (examples?.length) return examples[0];
  if (constant !== undefined) return constant;
  if (schema.default !== undefined) return schema.default;
  if (values?.length) return values[0];
  if (depth > deepest) return undefined;
  if ($ref !== undefined)
    return exampleOf(components[$ref.slice($ref.lastIndexOf('/') + 1)] ?? {}, components, depth + 1);
  const [alternative] = anyOf ?? oneOf ?? allOf ?? [];
  if (alternative) return exampleOf(alternative, components, depth + 1);
  switch (type) {
    case 'object':
      return objectExample(schema, components, depth);
    case 'array':
      return schema.minItems ? [exampleOf(schema.items ?? {}, components, depth + 1)] : [];
    case 'integer':
    case 'number':
      return Math.max(schema.minimum ?? 1, 1);
    case 'boolean':
      return true;
    default:
      return textExamples.get(schema.format ?? '') ?? 'text';
  }
}

/** A line for a shell in which quickstart.env has been read. */
export function curlExample(
  method: string,
  path: string,
  { requestBody, responses }: OpenApiOperation,
  { components, servers }: OpenApiDocument,
): string {
  const [type, content] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  const isText = Object.values(responses).some((response) => 'application/zip' in (response.content ?? {}));
  return [
    'curl -sS --cacert "$GATEHOUSE_CA_FILE" -H "Authorization: Bearer $GATEHOUSE_ADMIN_KEY"',
    ...(method === 'get' ? [] : [`-X ${method.toUpperCase()}`]),
    ...(type === undefined ? [] : [`-H ${quoted(`Content-Type: ${type}`)}`]),
    ...(content === undefined ? [] : [bodyArgument(type, content.schema, components.schemas)]),
    ...(isText ? ['-O -J'] : []),
    `"$GATEHOUSE_ADMIN_URL${servers[0]?.url ?? ''}${path.replace(/\{(\w+)\}/g, '<$1>')}"`,
  ].join(' \\\n  ');
}

function bodyArgument(type: string | undefined, schema: JsonSchema, components: Components): string {
  if (!type?.endsWith('json')) return '--upload-file <file>';
  return `--data ${quoted(JSON.stringify(exampleOf(schema, components)))}`;
}

function objectExample({ properties = {}, required = [] }: JsonSchema, components: Components, depth: number): unknown {
  const members = Object.entries(properties).filter(([name]) => required.includes(name));
  return Object.fromEntries(members.map(([name, schema]) => [name, exampleOf(schema, components, depth + 1)]));
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

const textExamples: ReadonlyMap<string, string> = new Map([
  ['date-time', '2027-01-01T00:00:00Z'],
  ['date', '2027-01-01'],
  ['uri', 'https://gate.example'],
  ['uuid', '01a20039-f67a-70b8-b198-fa2606347e71'],
]);
