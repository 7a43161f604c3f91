/** The gateway itself, and who is asking. */
import { z } from 'zod';
import { type Principal, scopeOf } from '../access/principal.js';
import { GatewayError } from '../errors.js';
import { readKeyStoreStates } from '../keys/key-store-states.js';
import { grantSchema, permissions } from '../model/access.js';
import { generationStates } from '../model/certificate-authority.js';
import { deviceStates } from '../model/device.js';
import { readGatewayStatus } from '../status/gateway-status.js';
import { defineOperation, type Operation } from './operation.js';
import type { ApiServices } from './services.js';

export function systemOperations(services: ApiServices): readonly Operation[] {
  const status = createStatus(services);
  return [
    defineOperation({
      id: 'getSystem',
      method: 'get',
      path: '/system',
      tag: 'System',
      summary: 'What runs and what there is',
      description: `Version, addresses and figures of the whole gateway: the permission has to hold everywhere. Figures are
counted at most once in ${keptMilliseconds / 1000} seconds; \`countedAt\` says when.`,
      permission: 'system:read',
      status: 200,
      answer: systemSchema,
      handle: async ({ scope }) => {
        if (scope !== 'everywhere') {
          throw new GatewayError('forbidden', 'figures are of all divisions; your roles are limited to some of them');
        }
        const { version, publicUrls, clock } = services;
        return { value: { version, time: clock.now().toISOString(), urls: publicUrls, ...(await status()) } };
      },
    }),
    defineOperation({
      id: 'getKeyStores',
      method: 'get',
      path: '/system/key-stores',
      tag: 'System',
      summary: 'Where keys of CAs are',
      description: 'Each key store is asked whether it can be used: the permission has to hold everywhere.',
      permission: 'system:read',
      status: 200,
      answer: keyStoresSchema,
      handle: async ({ scope }) => {
        if (scope !== 'everywhere') {
          throw new GatewayError(
            'forbidden',
            'key stores are of all divisions; your roles are limited to some of them',
          );
        }
        const states = await readKeyStoreStates(services);
        return {
          value: {
            keyStores: states.map(({ missing, orphans, ...state }) => ({
              ...state,
              missing: [...missing],
              orphans: [...orphans],
            })),
          },
        };
      },
    }),
    defineOperation({
      id: 'getMe',
      method: 'get',
      path: '/me',
      tag: 'System',
      summary: 'Who is asking, and what that lets you do',
      permission: undefined,
      status: 200,
      answer: meSchema,
      handle: async ({ principal }) => {
        const { kind, id, name, grants } = principal;
        return { value: { kind, id, name, grants: [...grants], permissions: permissionsOf(principal) } };
      },
    }),
  ];
}

type Status = Omit<z.input<typeof systemSchema>, 'version' | 'time' | 'urls'>;

const keptMilliseconds = 30_000;

/** Counting reads whole tables: whoever asks again soon gets the same figures. */
function createStatus({ store, catalog, clock }: ApiServices): () => Promise<Status> {
  let kept: { readonly at: number; readonly counting: Promise<Status> } | undefined;
  return async () => {
    const now = clock.now();
    if (kept === undefined || now.getTime() - kept.at >= keptMilliseconds) {
      kept = { at: now.getTime(), counting: count(now) };
      kept.counting.catch(() => {
        kept = undefined;
      });
    }
    return await kept.counting;
  };

  async function count(now: Date): Promise<Status> {
    const { certificateAuthorities, policies, ...figures } = await readGatewayStatus(store, catalog(), now);
    return {
      ...figures,
      countedAt: now.toISOString(),
      policies: policies.map((policy) => ({ ...policy, methods: [...policy.methods] })),
      certificateAuthorities: certificateAuthorities.map(({ notAfter, crls, ...authority }) => ({
        ...authority,
        notAfter: notAfter.toISOString(),
        crls: crls.map((crl) => ({
          ...crl,
          thisUpdate: crl.thisUpdate.toISOString(),
          nextUpdate: crl.nextUpdate.toISOString(),
        })),
      })),
    };
  }
}

type Me = z.input<typeof meSchema>;

function permissionsOf(principal: Principal): Me['permissions'] {
  return permissions.flatMap((permission) => {
    const scope = scopeOf(principal, permission);
    if (scope === 'everywhere') return [{ permission }];
    return scope.size === 0 ? [] : [{ permission, divisions: [...scope].sort() }];
  });
}

const time = z.iso.datetime();
const figure = z.int().min(0);

const systemSchema = z
  .strictObject({
    version: z.string(),
    time: time.describe("by the gateway's clock"),
    urls: z
      .strictObject({ deviceTls: z.url(), deviceHttp: z.url(), admin: z.url() })
      .describe('base addresses of the listeners'),
    countedAt: time.describe('the time of all that follows'),
    catalogVersion: figure.describe('raised by each change of the configuration'),
    policies: z.array(
      z.strictObject({
        name: z.string(),
        issuingCa: z.string(),
        methods: z.array(z.string()),
        isDefault: z.boolean(),
      }),
    ),
    certificateAuthorities: z.array(
      z.strictObject({
        id: z.string().describe('of the generation, such as `quickstart-ec-1`'),
        ca: z.string(),
        state: z.enum(generationStates),
        online: z.boolean().describe('whether its key is in the gateway'),
        revoked: z.boolean(),
        notAfter: time,
        end: z
          .enum(['far', 'near', 'past'])
          .describe('near: within 90 days or the last tenth of its validity, whichever is shorter'),
        crls: z.array(
          z.strictObject({
            partition: figure,
            number: figure,
            thisUpdate: time,
            nextUpdate: time,
            freshness: z.enum(['fresh', 'late', 'past']).describe('late: there should be a newer one'),
          }),
        ),
      }),
    ),
    devices: z.partialRecord(z.enum(deviceStates), figure).describe('by state; states that no device is in are absent'),
    certificates: z.strictObject({
      valid: figure,
      held: figure,
      revoked: figure,
      total: figure,
      expiringIn30Days: figure.describe('of the valid ones'),
    }),
    pendingRequests: figure.describe('that wait for an approval'),
  })
  .meta({ id: 'System' });

const keyStoresSchema = z
  .strictObject({
    keyStores: z.array(
      z.strictObject({
        name: z.string().describe("`software` is the database; the others are the settings' `keyStores`"),
        keys: figure.describe('keys of CAs on record as being there'),
        reachable: z.boolean(),
        detail: z.string().describe('what it is, or why it cannot be used'),
        missing: z.array(z.string()).describe('keys on record that it has not'),
        orphans: z.array(z.string()).describe('keys that a gateway has made there and that are not on record'),
      }),
    ),
  })
  .meta({ id: 'KeyStores' });

const meSchema = z
  .strictObject({
    kind: z.enum(['api-key', 'user']),
    id: z.string(),
    name: z.string(),
    grants: z.array(grantSchema),
    permissions: z.array(
      z.strictObject({
        permission: z.enum(permissions),
        divisions: z.array(z.string()).optional().describe('where it holds; absent: everywhere'),
      }),
    ),
  })
  .meta({ id: 'Me' });
