/** A SCEP client over real connections, on node:http and node:https alone; each answer is checked as a client must. */
import { hash, randomBytes, type X509Certificate } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { decodeCertificate } from '../../src/x509/certificate.js';
import { sequence } from '../../src/x509/der-writer.js';
import type { GeneralName } from '../../src/x509/general-names.js';
import { encodeName } from '../../src/x509/names.js';
import { parseName } from '../../src/x509/parse-name.js';
import { type CertRep, readCertRep } from './cert-rep.js';
import { readSignedMessage } from './cms-answer.js';
import type { Answer, TlsIdentity } from './est-client.js';
import { type KeyPair, makeCsr, spkiOf } from './make-csr.js';
import { issuerAndSerialNumber } from './scep-envelope.js';
import type { MessageType } from './scep-identifiers.js';
import { type MessageSigner, makePkiMessage, type PkiMessageOptions, selfSigned } from './scep-message.js';
import type { TestGateway } from './test-gateway.js';

interface ScepClientOptions {
  readonly label?: string;
  /** Over the TLS listener instead of the plain one. */
  readonly isTls?: boolean;
  /** Default: `/scep/<label>`, or `/cgi-bin/pkiclient.exe` without a label. */
  readonly path?: string;
}

export interface ScepWish {
  readonly key: KeyPair;
  /** RFC 4514 text; default: CN=device-1. */
  readonly subject?: string;
  readonly alternatives?: readonly GeneralName[];
  readonly challenge?: string;
  /** Signs the message; a self-signed certificate with the request's key does if absent. */
  readonly identity?: TlsIdentity;
  /** Default: the hash of the key, as RFC 8894 3.2.1.1 recommends. */
  readonly transactionId?: string;
  /** DER CertificationRequest, in place of the one that would be made. */
  readonly csr?: Uint8Array;
  /** Whatever else the message is to have. */
  readonly message?: Partial<PkiMessageOptions>;
  readonly method?: 'GET' | 'POST';
}

export interface ScepOutcome {
  readonly answer: Answer;
  /** Absent where the refusal is one of HTTP. */
  readonly reply?: CertRep;
  /** The one of the key that was to be certified, or the first of those asked for. */
  readonly certificate?: X509Certificate;
}

/** Asks by issuer and serial number of a certificate. */
export interface ScepQuery extends Pick<ScepWish, 'method' | 'message' | 'transactionId'> {
  /** DER */
  readonly certificate: Uint8Array;
  readonly identity: TlsIdentity;
}

export interface CaCertificates {
  readonly ra: X509Certificate;
  /** Issuing CA first. */
  readonly chain: readonly X509Certificate[];
  readonly answer: Answer;
}

export interface ScepClient {
  get(query: string): Promise<Answer>;
  post(query: string, body: Uint8Array): Promise<Answer>;
  getCaCaps(): Promise<string[]>;
  getCaCert(): Promise<CaCertificates>;
  getNextCaCert(): Promise<Answer>;
  /** A message as it is; the answer as it comes. */
  pkiOperation(message: Uint8Array, method?: 'GET' | 'POST'): Promise<Answer>;
  /** The message that `enroll` would send. */
  makeRequest(wish: ScepWish): Promise<Uint8Array>;
  /** PKCSReq, unless the wish's message says otherwise. */
  enroll(wish: ScepWish): Promise<ScepOutcome>;
  /** RenewalReq */
  renew(wish: ScepWish & { readonly identity: TlsIdentity }): Promise<ScepOutcome>;
  /** CertPoll for what the same wish has asked. */
  poll(wish: ScepWish): Promise<ScepOutcome>;
  getCert(query: ScepQuery): Promise<ScepOutcome>;
  getCrl(query: ScepQuery): Promise<ScepOutcome>;
  close(): void;
}

/** It believes GetCACert at first use; a TLS certificate it does not verify, for SCEP does not rest on it. */
export function createScepClient({ gateway }: TestGateway, options: ScepClientOptions = {}): ScepClient {
  const { label, isTls = false } = options;
  const { path = label === undefined ? '/cgi-bin/pkiclient.exe' : `/scep/${label}` } = options;
  const { send, close } = createSender(
    isTls,
    isTls ? gateway.listeners.deviceTlsPort : gateway.listeners.deviceHttpPort,
  );
  let known: Promise<CaCertificates> | undefined;

  const get = (query: string) => send('GET', `${path}?${query}`);
  const post = (query: string, body: Uint8Array) => send('POST', `${path}?${query}`, body);

  function pkiOperation(message: Uint8Array, method: 'GET' | 'POST' = 'POST'): Promise<Answer> {
    if (method === 'POST') return post('operation=PKIOperation', message);
    return get(`operation=PKIOperation&message=${encodeURIComponent(Buffer.from(message).toString('base64'))}`);
  }

  async function getCaCert(): Promise<CaCertificates> {
    const answer = await get('operation=GetCACert');
    if (answer.status !== 200) throw new Error(`no CA certificates but ${answer.status}: ${answer.text}`);
    const [ra, ...chain] = readSignedMessage(answer.body).certificates;
    if (ra === undefined) throw new Error('no RA certificate');
    return { ra, chain, answer };
  }

  function caCertificates(): Promise<CaCertificates> {
    known ??= getCaCert();
    return known;
  }

  async function describe(
    type: MessageType,
    content: Uint8Array,
    signer: MessageSigner,
    { identity, transactionId, message }: Pick<ScepWish, 'identity' | 'transactionId' | 'message'>,
  ): Promise<PkiMessageOptions> {
    return {
      type,
      content,
      recipient: message?.recipient ?? (await caCertificates()).ra.raw,
      signer,
      furtherCertificates: identity?.chain.slice(1) ?? [],
      transactionId: transactionId ?? hash('sha256', decodeCertificate(signer.certificate).subjectPublicKeyInfo, 'hex'),
      senderNonce: randomBytes(16),
      ...message,
    };
  }

  async function exchange(
    message: PkiMessageOptions,
    { method, challenge, key }: Pick<ScepWish, 'method' | 'challenge'> & { readonly key?: KeyPair },
  ): Promise<ScepOutcome> {
    const answer = await pkiOperation(makePkiMessage(message), method);
    if (answer.status !== 200) return { answer };
    const password = challenge === undefined ? {} : { password: challenge };
    const reply = readCertRep(answer.body, { privateKey: message.signer.privateKey, ...password });
    checkReply(reply, answer, message, await caCertificates());
    const certificate = reply.certificates.find((one) => key === undefined || one.checkPrivateKey(key.privateKey));
    return { answer, reply, ...(certificate && { certificate }) };
  }

  function describeRequest(type: MessageType, wish: ScepWish): Promise<PkiMessageOptions> {
    const { key, subject = defaultSubject, alternatives = [], challenge } = wish;
    const challengePassword = challenge === undefined ? {} : { challengePassword: challenge };
    const csr = wish.csr ?? makeCsr({ key, subject, alternatives, ...challengePassword });
    const transactionId = wish.transactionId ?? hash('sha256', spkiOf(key), 'hex');
    return describe(type, csr, signerOf(wish), { ...wish, transactionId });
  }

  /** A device without a certificate signs with one of its own making. */
  function signerOf({ identity, key, subject = defaultSubject }: ScepWish): MessageSigner {
    return identity ? signerWith(identity) : selfSigned(key, subject, gateway.core.clock.now());
  }

  async function query(type: 'GetCert' | 'GetCRL', wanted: ScepQuery): Promise<ScepOutcome> {
    const content = issuerAndSerialNumber(wanted.certificate);
    return await exchange(await describe(type, content, signerWith(wanted.identity), wanted), wanted);
  }

  return {
    get,
    post,
    getCaCaps: async () => (await get('operation=GetCACaps')).text.split(/\r?\n/).filter((line) => line !== ''),
    getCaCert,
    getNextCaCert: () => get('operation=GetNextCACert'),
    pkiOperation,
    makeRequest: async (wish) => makePkiMessage(await describeRequest('PKCSReq', wish)),
    enroll: async (wish) => await exchange(await describeRequest('PKCSReq', wish), wish),
    renew: async (wish) => await exchange(await describeRequest('RenewalReq', wish), wish),
    async poll(wish) {
      const [issuer] = (await caCertificates()).chain;
      if (issuer === undefined) throw new Error('no CA certificate');
      const subject = encodeName(parseName(wish.subject ?? defaultSubject));
      const content = sequence(decodeCertificate(issuer.raw).subject, subject);
      const transactionId = wish.transactionId ?? hash('sha256', spkiOf(wish.key), 'hex');
      return await exchange(await describe('CertPoll', content, signerOf(wish), { ...wish, transactionId }), wish);
    },
    getCert: (wanted) => query('GetCert', wanted),
    getCrl: (wanted) => query('GetCRL', wanted),
    close,
  };
}

/** The certificate of a successful enrollment. */
export function issuedBy({ answer, reply, certificate }: ScepOutcome): X509Certificate {
  if (certificate !== undefined) return certificate;
  const said = reply
    ? `${reply.pkiStatus} ${reply.failInfo}: ${reply.failInfoText}`
    : `${answer.status}: ${answer.text}`;
  throw new Error(`no certificate but ${said}`);
}

const defaultSubject = 'CN=device-1';

function signerWith({ chain, privateKey }: TlsIdentity): MessageSigner {
  const [certificate] = chain;
  if (certificate === undefined) throw new Error('an identity without certificate');
  return { certificate, privateKey };
}

/** RFC 8894 3.2.1: it is the RA's, and it answers this message. */
function checkReply(reply: CertRep, { headers }: Answer, message: PkiMessageOptions, { chain }: CaCertificates): void {
  const { signer, transactionId, recipientNonce } = reply;
  const [issuer] = chain;
  const asked = Buffer.from(message.senderNonce ?? []).toString('hex');
  const problems = [
    headers['content-type'] === 'application/x-pki-message' ? '' : `an answer of type ${headers['content-type']}`,
    signer.isValid ? '' : 'its signature is wrong',
    issuer && signer.certificate.checkIssued(issuer) && signer.certificate.verify(issuer.publicKey)
      ? ''
      : 'its signer is not certified by the CA',
    typeof message.transactionId !== 'string' || transactionId === message.transactionId ? '' : 'another transactionID',
    message.omit?.includes('senderNonce') || recipientNonce === asked ? '' : 'another nonce than was sent',
  ].filter((problem) => problem !== '');
  if (problems.length > 0) throw new Error(`a CertRep that no client should take: ${problems.join(', ')}`);
}

function createSender(isTls: boolean, port: number) {
  const agent = isTls
    ? new HttpsAgent({ keepAlive: true, rejectUnauthorized: false })
    : new HttpAgent({ keepAlive: true });
  const request = isTls ? httpsRequest : httpRequest;
  return {
    close: () => agent.destroy(),
    send: (method: 'GET' | 'POST', path: string, body?: Uint8Array): Promise<Answer> =>
      new Promise((resolve, reject) => {
        const headers = body === undefined ? {} : { 'content-type': 'application/x-pki-message' };
        const outgoing = request({ host: '127.0.0.1', port, path, method, agent, headers });
        outgoing.on('response', (incoming) => read(incoming).then(resolve, reject));
        outgoing.on('error', reject);
        outgoing.end(body);
      }),
  };
}

async function read(incoming: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const { headers, statusCode = 0 } = incoming;
  const body = Buffer.concat(chunks);
  return { status: statusCode, headers, body, text: body.toString('utf8'), requestId: String(headers['x-request-id']) };
}
