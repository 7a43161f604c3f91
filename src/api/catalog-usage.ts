/** What uses an object of the configuration, and where it is reached: facts beside what is written. */
import { z } from 'zod';
import { type CatalogKind, type CatalogObjects, kindsInOrder } from '../catalog/objects.js';
import { referrersTo } from '../catalog/references.js';
import { readStoredCatalog } from '../catalog/stored.js';
import { formatLabel, nameSchema } from '../model/label.js';
import type { Method } from '../model/protocol-name.js';
import { type CatalogNoun, getObject, isThere, nameParams } from './catalog-objects.js';
import { defineOperation, type Operation } from './operation.js';
import type { ApiServices } from './services.js';

const usageSchema = z
  .strictObject({
    usedBy: z
      .array(z.strictObject({ kind: z.enum(kindsInOrder), name: nameSchema }))
      .describe('what refers to it, and has to be changed before it can be deleted'),
    devices: z.int().optional().describe('how many devices are in the division, or put into the device group'),
    validCertificates: z.int().optional().describe('how many certificates of the policy are valid now'),
    bases: z.array(z.string()).optional().describe('base URLs that devices of the division use, the primary one first'),
    enrollment: z
      .array(z.strictObject({ protocol: z.string(), label: z.string(), path: z.string() }))
      .optional()
      .describe('where each protocol enrolls under the policy, and for its groups'),
  })
  .meta({ id: 'Usage' });
type Usage = z.output<typeof usageSchema>;

/** `GET <path>/{name}/usage`: apart from the object, whose entity tag would change with every certificate. */
export function usageOperation(
  { kind, path, tag, one, words }: Pick<CatalogNoun, 'kind' | 'path' | 'tag' | 'one' | 'words'>,
  services: Pick<ApiServices, 'store' | 'clock'>,
): Operation {
  return defineOperation({
    id: `get${one}Usage`,
    method: 'get',
    path: `${path}/{name}/usage`,
    tag,
    summary: `Find out what uses ${words.one}`,
    permission: 'configuration:read',
    params: nameParams,
    answer: usageSchema,
    status: 200,
    handle: async ({ params: { name }, scope }) => {
      await getObject(kind, name, scope, services);
      const { objects } = await readStoredCatalog(services.store);
      const usedBy = referrersTo(objects, kind, name).filter((object) => isThere(object, scope));
      return {
        value: {
          usedBy: usedBy.map((object) => ({ kind: object.kind, name: object.name })),
          ...(await factsOf(kind, name, objects, services)),
        },
      };
    },
  });
}

async function factsOf(
  kind: CatalogKind,
  name: string,
  objects: CatalogObjects,
  { store, clock }: Pick<ApiServices, 'store' | 'clock'>,
): Promise<Omit<Usage, 'usedBy'>> {
  switch (kind) {
    case 'division':
      return { devices: await store.configurationUse.countDevicesOfDivision({ division: name }) };
    case 'device-group':
      return { devices: await store.configurationUse.countDevicesOfGroup({ group: name }) };
    case 'policy': {
      const at = clock.now().getTime();
      const validCertificates = await store.certificates.countActiveByPolicy({ policy: name, at });
      return { validCertificates, ...placesOf(name, objects) };
    }
    default:
      return {};
  }
}

function placesOf(name: string, objects: CatalogObjects): Pick<Usage, 'bases' | 'enrollment'> {
  const policy = objects.policy.get(name)?.value;
  if (policy === undefined) return {};
  const division = objects.division.get(policy.division)?.value;
  const zones = [division?.rendezvousZone, division?.secondaryRendezvousZone];
  const groups = [...objects['device-group'].values()].filter(({ value }) => value.policies.includes(name));
  const labels = [name, ...groups.map((group) => formatLabel(name, group.name))];
  return {
    bases: zones.flatMap((zone) => (zone === undefined ? [] : [zone.https])),
    enrollment: policy.methods.flatMap((protocol) => {
      const pathOf = paths.get(protocol);
      return pathOf === undefined ? [] : labels.map((label) => ({ protocol, label, path: pathOf(label) }));
    }),
  };
}

/** The methods that have URLs. */
const paths: ReadonlyMap<Method, (label: string) => string> = new Map([
  ['est', (label) => `/.well-known/est/${label}`],
  ['scep', (label) => `/scep/${label}`],
  ['cmp', (label) => `/.well-known/cmp/p/${label}`],
  ['acme', (label) => `/acme/${label}/directory`],
  ['rest', (label) => `/api/v1/enroll/${label}`],
]);
