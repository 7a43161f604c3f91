/** What the list of each kind of configured objects can be narrowed to, beside name, description and division. */
import { z } from 'zod';
import { isBuiltInTemplate } from '../catalog/built-in-templates.js';
import type { CatalogKind, CatalogObject, CatalogTypes } from '../catalog/objects.js';
import { nameSchema } from '../model/label.js';
import { methodSchema } from '../model/protocol-name.js';

interface Filter<Value> {
  /** Of the query parameter. */
  readonly schema: z.ZodType<string | undefined, string | undefined>;
  // A method, so that the filters of one kind are filters of any: a list hands them objects of its own kind.
  fits(value: Value, wanted: string): boolean;
}

/** The query parameters, to be spread into the query of the list. */
export function filterParameters(kind: CatalogKind): Readonly<Record<string, Filter<unknown>['schema']>> {
  return Object.fromEntries(Object.entries(filters[kind]).map(([name, { schema }]) => [name, schema]));
}

/** Whether an object is all that the query wants; other parameters are not looked at. */
export function fitsFilters({ kind, value }: CatalogObject, query: Readonly<Record<string, unknown>>): boolean {
  const own: Readonly<Record<string, Filter<typeof value>>> = filters[kind];
  return Object.entries(own).every(([name, { fits }]) => {
    const wanted = query[name];
    return typeof wanted !== 'string' || fits(value, wanted);
  });
}

const yesOrNo = z.enum(['true', 'false']);
const name = (what: string) => nameSchema.optional().describe(what);

const enabled: Filter<{ readonly enabled: boolean }> = {
  schema: yesOrNo.optional(),
  fits: (value, wanted) => value.enabled === (wanted === 'true'),
};
const authenticationPolicy: Filter<{ readonly authenticationPolicy?: string | undefined }> = {
  schema: name('those with this authentication policy'),
  fits: (value, wanted) => value.authenticationPolicy === wanted,
};
const method: Filter<{ readonly methods: readonly string[] }> = {
  schema: methodSchema.optional().describe('those with this method'),
  fits: ({ methods }, wanted) => methods.includes(wanted),
};

const filters: { readonly [K in CatalogKind]: Readonly<Record<string, Filter<CatalogTypes[K]>>> } = {
  division: {
    production: {
      schema: z
        .enum(['true', 'false', 'unmarked'])
        .optional()
        .describe('those that are marked so; `unmarked`: neither so nor so'),
      fits: ({ production }, wanted) => String(production ?? 'unmarked') === wanted,
    },
  },
  'device-group': {
    enabled,
    type: {
      schema: z.enum(['static', 'dynamic']).optional(),
      fits: ({ filter }, wanted) => (filter === undefined ? 'static' : 'dynamic') === wanted,
    },
    policy: {
      schema: name('those with this policy'),
      fits: ({ policies }, wanted) => policies.includes(wanted),
    },
    authenticationPolicy,
  },
  template: {
    builtIn: {
      schema: yesOrNo.optional().describe('whether it comes with the gateway'),
      fits: (template, wanted) => isBuiltInTemplate(template.name) === (wanted === 'true'),
    },
  },
  profile: {
    template: {
      schema: name('those of this template'),
      fits: ({ template }, wanted) => template === wanted,
    },
  },
  'authentication-policy': { method },
  'certificate-authority': {
    parent: {
      schema: name('those that this one certifies'),
      fits: ({ parent }, wanted) => parent === wanted,
    },
  },
  policy: {
    enabled,
    method,
    approval: {
      schema: z.enum(['automatic', 'manual', 'two-people']).optional(),
      fits: ({ approval }, wanted) => approval === wanted,
    },
    issuingCa: {
      schema: name('those whose certificates this CA issues'),
      fits: ({ issuingCa }, wanted) => issuingCa === wanted,
    },
    profile: {
      schema: name('those with this certificate profile, for whatever usage'),
      fits: ({ profiles }, wanted) => profiles.some(({ profile }) => profile === wanted),
    },
    authenticationPolicy,
  },
};
