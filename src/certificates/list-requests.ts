/** Lists requests by what is asked for, in pages. */
import type { Scope } from '../access/principal.js';
import { deviceOf } from '../enrollment/device-of-request.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import type {
  EnrollmentTransactionRecord,
  TransactionOrder,
  TransactionPlace,
} from '../store/enrollment-transaction-repository.js';
import { pageInParts } from '../store/page-in-parts.js';
import { describeWish, type openStates } from './requests.js';
import { policiesWithin } from './visible.js';

type Services = Pick<EnrollmentServices, 'store' | 'catalog'>;

export interface RequestQuery {
  readonly scope: Scope;
  readonly state: (typeof openStates)[number];
  readonly division?: string;
  readonly policy?: string;
  /** The device group that its label named. */
  readonly groupName?: string;
  readonly protocol?: string;
  /** The whole name of its device. */
  readonly device?: string;
  /** Part of the subject or of a subject alternative name, in upper or lower case. */
  readonly search?: string;
  readonly order: TransactionOrder;
}

export interface RequestPage {
  readonly requests: readonly EnrollmentTransactionRecord[];
  /** Where the next page begins, if there may be one: a page can have fewer requests than were asked for. */
  readonly next?: TransactionPlace;
}

/** A page of at most `limit`; it looks at so many requests and no more. */
export async function listRequests(
  { scope, division, policy, device, search, order, ...columns }: RequestQuery,
  page: { readonly after?: TransactionPlace; readonly limit: number },
  { store, catalog }: Services,
): Promise<RequestPage> {
  const within = policiesWithin(scope, division, catalog());
  const policies = policy === undefined ? within : within === undefined || within.includes(policy) ? [policy] : [];
  if (policies?.length === 0) return { requests: [] };
  const { enrollmentTransactions } = store;
  const fitting = { ...columns, order, ...(policies ? { policies } : {}) };
  const readsContents = device !== undefined || search !== undefined;
  const { items, next } = await pageInParts<EnrollmentTransactionRecord, TransactionPlace>({
    ...page,
    ...(readsContents ? byContents : byColumns),
    endOfPart: (after, size) => enrollmentTransactions.endOfPart(order, after, size),
    read: async ({ limit, ...part }) => {
      if (!readsContents) return await enrollmentTransactions.list({ ...fitting, ...part, limit });
      const found = await enrollmentTransactions.list({ ...fitting, ...part, limit: byContents.partSize });
      return await fittingContents(found, { device, search }, { store });
    },
    placeOf: ({ requestId, [order.by]: at }) => ({ at, requestId }),
  });
  return { requests: items, ...(next ? { next } : {}) };
}

/** A request has some kilobytes. */
const byColumns = { partSize: 500, most: 10_000 } as const;
const byContents = { partSize: 100, most: 2000 } as const;

async function fittingContents(
  found: readonly EnrollmentTransactionRecord[],
  { device, search }: { readonly device: string | undefined; readonly search: string | undefined },
  services: Pick<Services, 'store'>,
): Promise<readonly EnrollmentTransactionRecord[]> {
  const fitting: EnrollmentTransactionRecord[] = [];
  for (const transaction of found) {
    if (search !== undefined && !hasText(transaction, search.toLowerCase())) continue;
    if (device !== undefined && (await deviceOf(transaction, services)) !== device) continue;
    fitting.push(transaction);
  }
  return fitting;
}

/** @param text in lower case */
function hasText(transaction: EnrollmentTransactionRecord, text: string): boolean {
  const { subject, subjectAltNames } = describeWish(transaction);
  return [subject ?? '', ...subjectAltNames].some((name) => name.toLowerCase().includes(text));
}
