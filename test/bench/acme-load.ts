/** ACME orders, each with a P-256 key and a name of its own; the accounts are opened beforehand. */
import { X509Certificate } from 'node:crypto';
import { fromPem } from '../../src/x509/pem.js';
import { type AcmeClient, fetchDirectory, openAccount } from './acme-client.js';
import { runOrder } from './acme-flow.js';
import { encode } from './acme-jws.js';
import { createOrderRequests, type OrderRequest } from './acme-request.js';
import { startResponder } from './acme-responder.js';
import type { Load } from './load.js';
import type { AcmeJob } from './load-job.js';
import { createContext } from './secure-context.js';

/** One certificate of so many is read. */
const checkedShare = 25;

interface Shot extends Pick<OrderRequest, 'name' | 'spki'> {
  readonly finalization: string;
}

export async function prepareAcme(job: AcmeJob): Promise<Load> {
  const { target, clients, requests, domain, externalAccount } = job;
  const secureContext = createContext(target);
  const directory = await fetchDirectory(target.url, secureContext);
  const accounts = await Promise.all(
    Array.from({ length: clients }, () => openAccount({ directory, secureContext, externalAccount })),
  );
  const shots = makeShots(requests, domain);
  const responder = await startResponder(job);
  const issued = new Map<Shot, Buffer>();
  let connected = 0;
  return {
    requests,
    connect() {
      const client = accounts[connected++];
      if (client === undefined) throw new Error('no account is left');
      return { send: (index) => order(client, index), close: client.close };
    },
    close: responder.close,
    check() {
      for (const [shot, pem] of issued) checkCertificate(shot, pem);
    },
  };

  async function order(client: AcmeClient, index: number): Promise<void> {
    const shot = shots[index];
    if (shot === undefined) throw new Error(`no request ${index}`);
    const pem = await runOrder(client, responder, shot);
    if (index % checkedShare === 0) issued.set(shot, pem);
  }
}

function makeShots(count: number, domain: string): readonly Shot[] {
  const next = createOrderRequests(domain);
  return Array.from({ length: count }, () => {
    const { name, spki, csr } = next();
    const finalization = encode(JSON.stringify({ csr: Buffer.from(csr).toString('base64url') }));
    return { name, spki, finalization };
  });
}

/** @throws Error unless it is for this name and key, and the chain holds together */
function checkCertificate({ name, spki }: Shot, pem: Buffer): void {
  const chain = fromPem(pem.toString(), 'CERTIFICATE').map((der) => new X509Certificate(der));
  const [certificate, ...issuers] = chain;
  if (certificate === undefined) throw new Error('a wrong answer: no certificate');
  if (!certificate.publicKey.export({ format: 'der', type: 'spki' }).equals(spki))
    throw new Error('a wrong answer: a certificate for another key');
  if (certificate.subjectAltName !== `DNS:${name}`) throw new Error('a wrong answer: a certificate for another name');
  if (issuers.some(({ publicKey }, index) => !chain[index]?.verify(publicKey)))
    throw new Error('a wrong answer: the chain does not hold together');
}
