/** The audit log. */
import { z } from 'zod';
import { covers, type Scope } from '../access/principal.js';
import { type AuditEvent, getEvent, searchEvents } from '../audit/search-events.js';
import { GatewayError } from '../errors.js';
import { nameSchema } from '../model/label.js';
import { defineOperation, type Operation } from './operation.js';
import { pageOf, pageQuery } from './page.js';
import type { ApiServices } from './services.js';
import { askedPage, sortBy, sortedPage } from './sorted-list.js';

const tag = 'Audit';
const time = z.iso.datetime({ offset: true });
const text = z.string().min(1).max(255).optional();
const positionSchema = z.strictObject({ at: z.int(), sequence: z.int() });

/** The position in a list of events. */
export const eventPosition = () => positionSchema;

const eventSchema = z
  .strictObject({
    id: z.string().describe('of the event; an event of one request has the id that its client was told'),
    sequence: z.int().describe('its place in the log, without gaps'),
    at: time,
    action: z.string(),
    outcome: z.string(),
    subject: z.string().describe('id of what it is about'),
    hash: z.string().describe('its link to the event before, in hex'),
    details: z
      .record(z.string(), z.unknown())
      .describe('all else that is on record of it; `device` is the name of a device, `deviceId` its id'),
  })
  .meta({ id: 'AuditEvent' });

export function auditEventOperations({ store }: ApiServices): readonly Operation[] {
  return [
    defineOperation({
      id: 'listAuditEvents',
      method: 'get',
      path: '/audit-events',
      tag,
      summary: 'List what happened',
      description:
        'A page looks at a part of the log only, so that it may have few events, or none, and still a next one. Who may look at some divisions only sees the events of those.',
      permission: 'audit:read',
      status: 200,
      query: z.strictObject({
        ...pageQuery,
        action: text.describe('such as certificate.issued'),
        outcome: z.enum(['success', 'refused', 'pending']).optional(),
        subject: text.describe('id of a device, certificate, request …'),
        device: text.describe('id of a device: its history, with its certificates and requests'),
        division: nameSchema.optional().describe('only what is of this division'),
        actor: text.describe('who has done it, such as `API key fleet-platform`'),
        from: time.optional().describe('at this time or later'),
        to: time.optional().describe('before this time'),
        sort: sortBy(['at'], 'with `subject` or `device` in the order of the log').default('-at'),
      }),
      answer: pageOf(eventSchema),
      handle: async ({ query, scope }) => {
        const { order, ...page } = askedPage(query, eventPosition);
        const { action, outcome, subject, device, division, actor, from, to } = query;
        if (division !== undefined && !covers(scope, division)) return { value: { items: [] } };
        const { events, next } = await searchEvents(
          {
            ...page,
            ascending: !order.descending,
            ...(action === undefined ? {} : { action }),
            ...(outcome === undefined ? {} : { outcome }),
            ...(subject === undefined ? {} : { subject }),
            ...(device === undefined ? {} : { device }),
            ...(actor === undefined ? {} : { actor }),
            ...(from === undefined ? {} : { from: Date.parse(from) }),
            ...(to === undefined ? {} : { to: Date.parse(to) }),
            ...limitOf(division === undefined ? scope : new Set([division])),
          },
          store,
        );
        return sortedPage(events.map(view), query.sort, next);
      },
    }),
    defineOperation({
      id: 'getAuditEvent',
      method: 'get',
      path: '/audit-events/{id}',
      tag,
      summary: 'Show an event',
      permission: 'audit:read',
      status: 200,
      params: z.strictObject({ id: z.string().min(1).max(100) }),
      answer: eventSchema,
      handle: async ({ params: { id }, scope }) => ({
        value: view(await getEvent(id, limitOf(scope).divisions, store)),
      }),
    }),
    defineOperation({
      id: 'verifyAuditEvents',
      method: 'post',
      path: '/audit-events/verify',
      tag,
      summary: 'Check a part of the hash chain',
      description:
        'Computes the links of the events from a sequence on. Go on at `next` until there is none. Events cut off at the end do not show: note the last hash elsewhere, and compare.',
      permission: 'audit:read',
      status: 200,
      refusals: { 403: 'the chain is of the whole gateway, and so is the right to check it' },
      body: z
        .strictObject({
          from: z.int().min(1).default(1),
          limit: z.int().min(1).max(10_000).default(10_000),
        })
        .meta({ id: 'ChainCheck' }),
      answer: z
        .strictObject({
          intact: z.boolean(),
          checked: z.int().optional(),
          next: z.int().optional().describe('where to go on; absent at the end'),
          last: z
            .strictObject({ sequence: z.int(), hash: z.string() })
            .optional()
            .describe('the last event that was checked'),
          broken: z.int().optional().describe('the first event that does not fit'),
        })
        .meta({ id: 'ChainCheckResult' }),
      handle: async ({ body, scope }) => {
        if (scope !== 'everywhere') {
          throw new GatewayError('forbidden', 'the chain is of all divisions; a role without division is needed');
        }
        const result = await store.audit.verifyChain(body);
        if (!result.intact) return { value: { intact: false, broken: result.sequence } };
        const { checked, next } = result;
        const [last] = checked === 0 ? [] : await store.audit.list({ before: body.from + checked, limit: 1 });
        return {
          value: {
            intact: true,
            checked,
            ...(next === undefined ? {} : { next }),
            ...(last ? { last: { sequence: last.sequence, hash: hex(last.hash) } } : {}),
          },
        };
      },
    }),
  ];
}

function limitOf(scope: Scope): { readonly divisions?: ReadonlySet<string> } {
  return scope === 'everywhere' ? {} : { divisions: scope };
}

function view({ at, hash, ...event }: AuditEvent): z.input<typeof eventSchema> {
  return { ...event, at: at.toISOString(), hash: hex(hash), details: { ...event.details } };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
