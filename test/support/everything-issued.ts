/** All that a gateway issues: certificates of every kind under CAs of every kind, some of them revoked, with the CRLs and deltas about them. */

import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { revokeAuthority } from '../../src/authorities/revoke.js';
import { builtInTemplates } from '../../src/catalog/built-in-templates.js';
import { systemClock } from '../../src/clock.js';
import { type RevocationRequest, releaseCertificate, revokeCertificate } from '../../src/enrollment/revoke.js';
import { createLog } from '../../src/log.js';
import { type Core, openCore } from '../../src/open-core.js';
import { readSettings } from '../../src/settings.js';
import { decodeCertificate } from '../../src/x509/certificate.js';
import { issuers, makeEveryAuthority } from './every-authority.js';
import type { Shell } from './interop.js';
import { everyAuthority, everyConfiguration, everyService, everyTemplate, type Specimen } from './issue-everything.js';
import { testActor } from './operator.js';

export interface IssuedCrl {
  readonly issuerId: string;
  readonly partition: number;
  readonly der: Uint8Array;
}

export interface EverythingIssued {
  readonly core: Core;
  readonly specimens: readonly Specimen[];
  readonly revoked: ReadonlySet<Specimen>;
  /** The full ones, with all revocations. */
  readonly crls: readonly IssuedCrl[];
  /** From before anything was revoked. */
  readonly bases: readonly IssuedCrl[];
  readonly deltas: readonly IssuedCrl[];
  /** The first of this name. @throws Error if there is none */
  find(name: string): Specimen;
  close(): Promise<void>;
}

/** CAs that certify the gateway's own keys: each of the three kinds of keys, and with deltas but for the last. */
const serviceCas = ['pss', 'p384', 'edwards'];

/** Issues everything; openssl works in the shell's folder. Close it, so that nothing is left behind. */
export async function issueEverything(shell: Shell): Promise<EverythingIssued> {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-everything-'));
  const settings = readSettings({ flags: { data: directory, logLevel: 'silent' }, environment: {} });
  const core = await openCore({ settings, log: createLog('silent'), clock: systemClock });
  const authorities = await makeEveryAuthority(core, shell);
  const early = await everyTemplate(core, earlyIssuers, builtInTemplates().slice(0, 1));
  await authorities.rollOver();
  const specimens = [
    ...(await everyAuthority(core)),
    ...early,
    ...(await everyService(core, serviceCas)),
    ...(await everyTemplate(core, issuers)),
    ...(await everyConfiguration(core, resolve('config'), issuers)),
  ];
  const find = (name: string) => {
    const found = specimens.find((specimen) => specimen.name === name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  };
  await core.crls.publishDue();
  const bases = await everyCrl(core, 'find');
  const revoked = await revokeSome(core, find);
  await authorities.signCrls();
  const external = { issuerId: 'corporate-1', partition: 0, der: authorities.corporateCrl };
  return {
    core,
    specimens,
    revoked,
    crls: [...(await everyCrl(core, 'find')), external],
    bases,
    deltas: await everyCrl(core, 'findDelta'),
    find,
    close: async () => {
      await core.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** They have another generation afterwards. */
const earlyIssuers = { devices: ['edwards', 'p256'], gateways: [] };

async function revokeSome(core: Core, find: (name: string) => Specimen): Promise<ReadonlySet<Specimen>> {
  const revoked = new Set<Specimen>();
  async function revoke(name: string, reason: RevocationRequest['reason']): Promise<void> {
    const { issuerId, certificate } = find(name);
    const { serialNumber } = decodeCertificate(certificate);
    const compromised = reason === 'keyCompromise' ? { invalidityDate: new Date('2026-11-01T00:00:00Z') } : {};
    await revokeCertificate({ issuerId, serialNumber, reason, actor: testActor, ...compromised }, core);
    revoked.add(find(name));
  }
  async function release(name: string): Promise<void> {
    const { issuerId, certificate } = find(name);
    const { serialNumber } = decodeCertificate(certificate);
    await releaseCertificate({ issuerId, serialNumber, actor: testActor }, core);
    revoked.delete(find(name));
  }

  for (const ca of serviceCas) {
    await revoke(`service cmc of ${ca}`, 'keyCompromise');
    await revoke(`service cmp of ${ca}`, 'certificateHold');
    await revoke(`service scep-ra of ${ca}`, 'unspecified');
    await revoke(`service key-generation of ${ca}`, 'certificateHold');
  }
  await revoke('cross-certificate of root-p256-1 by root-p256-2', 'superseded');
  await revokeAuthority({ generation: 'sealed-1', reason: 'superseded', actor: testActor }, core);
  revoked.add(find('CA sealed-1'));
  await publishChanged(core);
  for (const ca of serviceCas) await release(`service key-generation of ${ca}`);
  await publishChanged(core);
  return revoked;
}

/** At once, and not when half of the time that there is for it is over. */
async function publishChanged({ store, generations, crls }: Core): Promise<void> {
  for (const { issuerId, partition } of await store.crls.changed({})) {
    if (generations.find(issuerId)?.online) await crls.publish(issuerId, partition);
  }
}

async function everyCrl({ authority, store }: Core, kind: 'find' | 'findDelta'): Promise<IssuedCrl[]> {
  const found: IssuedCrl[] = [];
  for (const { id: issuerId } of authority.generations()) {
    for (let partition = 0; ; partition++) {
      const record = await store.crls[kind]({ issuerId, partition });
      if (record === undefined) break;
      found.push({ issuerId, partition, der: record.der });
    }
  }
  return found;
}
