/** The operations that all kinds of configured objects have: list, read, create, replace, change and delete. */
import { z } from 'zod';
import { covers, type Scope } from '../access/principal.js';
import { builtInTemplates } from '../catalog/built-in-templates.js';
import { editObject, removeObject } from '../catalog/edit.js';
import { findObject, hasText, listObjects } from '../catalog/list.js';
import {
  type CatalogKind,
  type CatalogObject,
  catalogKinds,
  divisionOf,
  type JsonObject,
  nounOf,
} from '../catalog/objects.js';
import { MisfitError } from '../catalog/wanted.js';
import { GatewayError } from '../errors.js';
import { nameSchema } from '../model/label.js';
import { filterParameters, fitsFilters } from './catalog-filters.js';
import { checkFields, InvalidFieldsError } from './invalid-fields.js';
import { mergePatch, mergePatchSchema } from './merge-patch.js';
import { type Call, defineOperation, type Operation, type Tag } from './operation.js';
import { pageOf, pageQuery } from './page.js';
import type { ApiServices } from './services.js';
import { askedPage, namedPosition, sortBy, sortedPage } from './sorted-list.js';

/** How the API calls a kind, and what it lets be done with it. */
export interface CatalogNoun {
  readonly kind: CatalogKind;
  /** Such as `/divisions`. */
  readonly path: string;
  readonly tag: Tag;
  /** What ids of operations end in, such as `Division` and `Divisions`. */
  readonly one: string;
  readonly many: string;
  /** The same for people, such as `a division` and `divisions`. */
  readonly words: { readonly one: string; readonly many: string };
  /** What it is written as. */
  readonly written: z.ZodType<JsonObject>;
  /** What is answered, where that is more. */
  readonly answer?: z.ZodType<JsonObject>;
  /** Makes the answer of what is written. */
  present?(object: CatalogObject): JsonObject;
  /** After something was created or changed, once it is in use. */
  changed?(): Promise<void>;
  /** Whether objects of the kind can be replaced and deleted. */
  readonly isLasting?: true;
}

export type EditServices = Pick<ApiServices, 'store' | 'sealing' | 'passcodeLookup' | 'clock' | 'holder'>;
type EditCall = Pick<Call<unknown, unknown, unknown>, 'actor' | 'scope' | 'requireMatch'>;

export const nameParams = z.strictObject({ name: nameSchema.describe('its name') });

export function catalogOperations(noun: CatalogNoun, services: EditServices): readonly Operation[] {
  const { kind, path, tag, one, many, words, written, present = ({ written }) => written } = noun;
  const answer = noun.answer ?? written;
  const shared = { tag, isTagged: true } as const;
  const editing = { ...shared, permission: 'configuration:write', refusals: misfits } as const;
  const single = `${path}/{name}`;

  const edit = createEditor(noun, services);

  const operations = [
    defineOperation({
      ...shared,
      isTagged: false,
      id: `list${many}`,
      method: 'get',
      path,
      summary: `List ${words.many}`,
      permission: 'configuration:read',
      query: z.strictObject({
        ...pageQuery,
        search: z.string().max(200).optional().describe('part of the name or description, in upper or lower case'),
        division: nameSchema.optional().describe('only those of this division'),
        ...filterParameters(kind),
        sort: sortBy(['name', 'updatedAt'], '`updatedAt`: when it was written last').default('name'),
      }),
      answer: pageOf(answer),
      status: 200,
      handle: async ({ query: { limit, cursor, sort, search, division, ...filters }, scope }) => {
        const page = askedPage({ limit, cursor, sort }, namedPosition);
        const fits = (object: CatalogObject) =>
          isThere(object, scope) &&
          (division === undefined || divisionOf(object) === division) &&
          (search === undefined || hasText(object, search)) &&
          fitsFilters(object, filters);
        const { items, next } = await listObjects({ kind, ...page, fits }, services.store);
        return sortedPage(items.map(present), sort, next);
      },
    }),
    defineOperation({
      ...shared,
      id: `get${one}`,
      method: 'get',
      path: single,
      summary: `Read ${words.one}`,
      permission: 'configuration:read',
      params: nameParams,
      answer,
      status: 200,
      handle: async ({ params: { name }, scope }) => ({
        value: present(await getObject(kind, name, scope, services)),
      }),
    }),
    defineOperation({
      ...editing,
      isTagged: false,
      id: `create${one}`,
      method: 'post',
      path,
      summary: `Create ${words.one}`,
      body: written,
      answer,
      status: 201,
      handle: async (call) => {
        const { name } = z.looseObject({ name: nameSchema }).parse(call.body);
        const value = await edit(name, call, (current) => {
          if (current !== undefined) throw isTaken(kind, name);
          return call.body;
        });
        return { value, location: `${path}/${name}` };
      },
    }),
    defineOperation({
      ...editing,
      id: `change${one}`,
      method: 'patch',
      path: single,
      summary: `Change ${words.one}`,
      params: nameParams,
      body: mergePatchSchema,
      answer,
      status: 200,
      handle: async (call) => ({
        value: await edit(call.params.name, call, (current) =>
          mergePatch(requireChangeable(current, call).written, call.body),
        ),
      }),
    }),
  ];
  if (!noun.isLasting) return operations;
  return [
    ...operations,
    defineOperation({
      ...editing,
      id: `replace${one}`,
      method: 'put',
      path: single,
      summary: `Replace ${words.one}`,
      params: nameParams,
      body: written,
      answer,
      status: 200,
      handle: async (call) => ({
        value: await edit(call.params.name, call, (current) => {
          requireChangeable(current, call);
          return call.body;
        }),
      }),
    }),
    defineOperation({
      ...editing,
      refusals: { 409: 'it is in use; the sentence says by what' },
      id: `delete${one}`,
      method: 'delete',
      path: single,
      summary: `Delete ${words.one} that nothing uses`,
      params: nameParams,
      status: 204,
      handle: async (call) => {
        const { name } = call.params;
        await getObject(kind, name, call.scope, services);
        const check = (object: CatalogObject) => void requireChangeable(object, call);
        await removeObject({ kind, name, check }, { ...services, actor: call.actor });
        await services.holder.refresh();
        return {};
      },
    }),
  ];

  function requireChangeable(object: CatalogObject | undefined, call: EditCall): CatalogObject {
    if (object === undefined || !isThere(object, call.scope)) throw notThere(kind);
    requireOwn(object, call.scope);
    if (builtInTemplates().some((template) => template === object)) throw isBuiltIn(object.name);
    call.requireMatch(present(object));
    return object;
  }
}

type Edit = (
  name: string,
  call: EditCall,
  change: (current: CatalogObject | undefined) => JsonObject,
) => Promise<JsonObject>;

/** Edits objects of a kind for callers, and returns what is answered. `change` says what is to be written, seeing what there is. */
export function createEditor(
  { kind, changed, present = ({ written }) => written }: Pick<CatalogNoun, 'kind' | 'changed' | 'present'>,
  services: EditServices,
): Edit {
  return async (name, { scope, actor }, change) => {
    const isVisible = scope === 'everywhere' ? undefined : (object: CatalogObject) => isThere(object, scope);
    const read = (current: CatalogObject | undefined) => {
      const object = readObject(kind, name, change(current));
      requireOwn(object, scope);
      return object;
    };
    const object = await translating(() => editObject({ kind, name, change: read, isVisible }, { ...services, actor }));
    await services.holder.refresh();
    await changed?.();
    return present(object);
  };
}

/** @throws GatewayError `not-found` also for what belongs to a division that the caller has nothing to do with */
export async function getObject(
  kind: CatalogKind,
  name: string,
  scope: Scope,
  { store }: Pick<ApiServices, 'store'>,
): Promise<CatalogObject> {
  const object = await findObject(kind, name, store);
  if (object === undefined || !isThere(object, scope)) throw notThere(kind);
  return object;
}

/** Whether an object is there for a caller. */
export function isThere(object: CatalogObject, scope: Scope): boolean {
  const division = divisionOf(object);
  return division === undefined || covers(scope, division);
}

/** Reads what is written. @throws InvalidFieldsError */
function readObject(kind: CatalogKind, name: string, written: JsonObject): CatalogObject {
  const value = checkFields(catalogKinds[kind].schema, written);
  if (value.name !== name) {
    const message = `is "${name}" and stays so; others refer to it by its name`;
    throw new InvalidFieldsError(422, [{ path: ['name'], message }]);
  }
  return { kind, name, written, value, path: [] };
}

/** Who may configure some divisions changes what is in them: neither themselves, nor what belongs to none. */
function requireOwn(object: CatalogObject, scope: Scope): void {
  const division = divisionOf(object);
  if (scope === 'everywhere') return;
  if (object.kind === 'division' || division === undefined) {
    throw new GatewayError('forbidden', `changing a ${nounOf(object.kind)} takes configuration:write in all divisions`);
  }
  if (!covers(scope, division)) {
    const message = `there is no division "${division}" that you may configure`;
    throw new InvalidFieldsError(422, [{ path: ['division'], message }]);
  }
}

async function translating<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MisfitError)) throw error;
    throw new InvalidFieldsError(
      422,
      error.problems.map(({ path = [], message }) => ({ path, message })),
    );
  }
}

function notThere(kind: CatalogKind): GatewayError {
  return new GatewayError('not-found', `there is no ${nounOf(kind)} of this name`);
}

export function isTaken(kind: CatalogKind, name: string): GatewayError {
  return new GatewayError('duplicate-request', `there is a ${nounOf(kind)} ${name} already; choose another name`);
}

function isBuiltIn(name: string): GatewayError {
  return new GatewayError('invalid-state', `template ${name} is built in and stays as it is; clone it and change that`);
}

const misfits = { 422: 'it does not fit together with what it refers to, or with what refers to it' };
