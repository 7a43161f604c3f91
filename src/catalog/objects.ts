/** The kinds of objects that configuration consists of, and the set of them that a document or the store holds. */
import type { z } from 'zod';
import { type AuthenticationPolicy, authenticationPolicySchema } from '../model/authentication-policy.js';
import { type CertificateAuthorityConfig, certificateAuthoritySchema } from '../model/certificate-authority.js';
import { type CertificateProfile, certificateProfileSchema } from '../model/certificate-profile.js';
import { type CertificateTemplate, certificateTemplateSchema } from '../model/certificate-template.js';
import { type DeviceGroup, deviceGroupSchema } from '../model/device-group.js';
import { type Division, divisionSchema } from '../model/division.js';
import { type Policy, policySchema } from '../model/policy.js';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Where something stands in a document or object. */
export type Path = readonly (string | number)[];

export interface CatalogTypes {
  readonly division: Division;
  readonly 'device-group': DeviceGroup;
  readonly template: CertificateTemplate;
  readonly profile: CertificateProfile;
  readonly 'authentication-policy': AuthenticationPolicy;
  readonly 'certificate-authority': CertificateAuthorityConfig;
  readonly policy: Policy;
}
export type CatalogKind = keyof CatalogTypes;

/** Each kind's list in a document, and how an object is written there and kept in the store (credentials are kept apart). */
export const catalogKinds = {
  division: { list: 'divisions', schema: divisionSchema },
  'device-group': { list: 'deviceGroups', schema: deviceGroupSchema },
  template: { list: 'templates', schema: certificateTemplateSchema },
  profile: { list: 'profiles', schema: certificateProfileSchema },
  'authentication-policy': {
    list: 'authenticationPolicies',
    schema: authenticationPolicySchema.omit({ credentials: true }),
  },
  'certificate-authority': { list: 'certificateAuthorities', schema: certificateAuthoritySchema },
  policy: { list: 'policies', schema: policySchema },
} as const satisfies {
  readonly [K in CatalogKind]: { readonly list: string; readonly schema: z.ZodType<CatalogTypes[K]> };
};

/** All kinds, each after those that it refers to. */
export const kindsInOrder = Object.keys(catalogKinds) as readonly CatalogKind[];

export interface CatalogObject<K extends CatalogKind = CatalogKind> {
  readonly kind: K;
  readonly name: string;
  /** As written, without defaults and credentials: what the store keeps and `export` gives back. */
  readonly written: JsonObject;
  readonly value: CatalogTypes[K];
  /** Set when it comes from the document at hand. */
  readonly path?: Path;
}

export type CatalogObjects = { readonly [K in CatalogKind]: ReadonlyMap<string, CatalogObject<K>> };

/** The division that an object belongs to, itself for a division; undefined for what belongs to none. */
export function divisionOf({ kind, name, value }: CatalogObject): string | undefined {
  if (kind === 'division') return name;
  return 'division' in value ? value.division : undefined;
}

/** How people call a kind. */
export function nounOf(kind: CatalogKind): string {
  return kind.replaceAll('-', ' ');
}

/** Puts objects into one table for each kind; a later object takes the place of an earlier one of its name. */
export function collectObjects(objects: readonly CatalogObject[]): CatalogObjects {
  return {
    division: ofKind(objects, 'division'),
    'device-group': ofKind(objects, 'device-group'),
    template: ofKind(objects, 'template'),
    profile: ofKind(objects, 'profile'),
    'authentication-policy': ofKind(objects, 'authentication-policy'),
    'certificate-authority': ofKind(objects, 'certificate-authority'),
    policy: ofKind(objects, 'policy'),
  };
}

/** All objects, each after those that it refers to. */
export function* eachObject(objects: CatalogObjects): Generator<CatalogObject> {
  for (const kind of kindsInOrder) {
    yield* objects[kind].values();
  }
}

function ofKind<K extends CatalogKind>(objects: readonly CatalogObject[], kind: K): Map<string, CatalogObject<K>> {
  const some = objects.filter((object): object is CatalogObject<K> => object.kind === kind);
  return new Map(some.map((object) => [object.name, object]));
}
