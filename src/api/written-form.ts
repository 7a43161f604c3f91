/** The schemas of the configuration as what is written and stored: without the defaults and conversions of reading it. */
import { z } from 'zod';
import type { JsonObject } from '../catalog/objects.js';

/** The schema of the objects that another one takes. What a conversion refuses besides, only reading it finds out. */
export function writtenForm(schema: z.ZodObject): z.ZodType<JsonObject, JsonObject> {
  return objectOf(schema) as z.ZodType<JsonObject, JsonObject>;
}

/** The same, member by member. */
export function writtenShape(schema: z.ZodObject): Readonly<Record<string, z.ZodType>> {
  return Object.fromEntries(Object.entries(schema.shape).map(([name, member]) => [name, convert(member as z.ZodType)]));
}

/** What is being converted: a schema that has itself among its members is written as it is read. */
const underWay = new Set<z.ZodType>();

function convert(schema: z.ZodType): z.ZodType {
  if (underWay.has(schema)) return schema;
  underWay.add(schema);
  const converted = withoutReading(schema);
  underWay.delete(schema);
  const { description } = schema;
  return converted === schema || description === undefined ? converted : converted.describe(description);
}

function withoutReading(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault) return convert(schema.unwrap() as z.ZodType).optional();
  if (schema instanceof z.ZodOptional) {
    const inner = convert(schema.unwrap() as z.ZodType);
    return inner === schema.unwrap() ? schema : inner.optional();
  }
  if (schema instanceof z.ZodPipe) return convert(schema.in as z.ZodType);
  if (schema instanceof z.ZodObject) return objectOf(schema);
  if (schema instanceof z.ZodArray) return arrayOf(schema);
  if (schema instanceof z.ZodUnion) return unionOf(schema);
  if (schema instanceof z.ZodRecord) return z.record(z.string(), convert(schema.valueType as z.ZodType));
  return schema;
}

function objectOf(schema: z.ZodObject): z.ZodType {
  const { shape } = schema;
  const written = writtenShape(schema);
  return Object.keys(shape).every((name) => written[name] === shape[name]) ? schema : z.strictObject(written);
}

function unionOf(schema: z.ZodUnion): z.ZodType {
  const options = schema.options.map((option) => convert(option as z.ZodType));
  return options.every((option, index) => option === schema.options[index]) ? schema : z.union(options);
}

/** Its own rules are for what has been read, but for the least number of elements. */
function arrayOf(schema: z.ZodArray): z.ZodType {
  const element = convert(schema.element as z.ZodType);
  if (element === schema.element) return schema;
  return schema.safeParse([]).success ? z.array(element) : z.array(element).min(1);
}
