/** What the resources of ACME answer, as its clients read it. */
import { expect } from '@jest/globals';
import type { Answer } from '../../../protocols/acme/answer.js';
import { authorization } from '../../../protocols/acme/authorizations.js';
import { challenge } from '../../../protocols/acme/challenges.js';
import { newOrder, showOrder } from '../../../protocols/acme/orders.js';
import type { ProblemDocument } from '../../../protocols/acme/problem.js';
import type { FakeAcme } from './fake-core.js';

export interface OrderObject {
  readonly status: string;
  readonly expires: string;
  readonly identifiers: readonly unknown[];
  readonly authorizations: readonly string[];
  readonly finalize: string;
  readonly certificate?: string;
  readonly error?: ProblemDocument;
  readonly profile?: string;
  readonly replaces?: string;
}

export interface ChallengeObject {
  readonly type: string;
  readonly url: string;
  readonly status: string;
  readonly token: string;
  readonly validated?: string;
  readonly error?: ProblemDocument;
}

export interface AuthorizationObject {
  readonly status: string;
  readonly expires: string;
  readonly identifier: { readonly type: string; readonly value: string };
  readonly challenges: readonly ChallengeObject[];
  readonly wildcard?: boolean;
}

/** The JSON of an answer, as it arrives. */
export function read<Shape>({ json }: Answer): Shape {
  return JSON.parse(JSON.stringify(json));
}

export function idOf(url: string | undefined): string {
  return url?.split('/').at(-1) ?? '';
}

export function dns(...values: readonly string[]) {
  return { identifiers: values.map((value) => ({ type: 'dns', value })) };
}

export interface Ordered {
  readonly id: string;
  readonly answer: Answer;
  readonly order: OrderObject;
  /** Of its authorizations. */
  readonly authorizations: readonly string[];
}

export async function placeOrder(acme: FakeAcme, payload: unknown): Promise<Ordered> {
  const answer = await newOrder(acme.request(payload), acme.context);
  const order = read<OrderObject>(answer);
  return { id: idOf(answer.location), answer, order, authorizations: order.authorizations.map(idOf) };
}

export async function orderOf(acme: FakeAcme, id: string): Promise<OrderObject> {
  return read(await showOrder(acme.request(undefined, { id }), acme.context));
}

export async function authorizationOf(acme: FakeAcme, id = ''): Promise<AuthorizationObject> {
  return read(await authorization(acme.request(undefined, { id }), acme.context));
}

export async function respond(acme: FakeAcme, id = '', type = 'http-01', payload: unknown = {}): Promise<Answer> {
  return await challenge(acme.request(payload, { id, type }), acme.context);
}

/** An order all of whose authorizations are valid. */
export async function placeReadyOrder(acme: FakeAcme, payload: unknown): Promise<Ordered> {
  const ordered = await placeOrder(acme, payload);
  for (const id of ordered.authorizations) {
    const { status, challenges } = await authorizationOf(acme, id);
    if (status === 'pending') await respond(acme, id, challenges[0]?.type);
  }
  expect((await orderOf(acme, ordered.id)).status).toBe('ready');
  return ordered;
}
