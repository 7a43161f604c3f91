/** One token of a PKCS#11 library: logged in to once, with a pool of sessions, each for one operation at a time. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { attribute, flags, hashes, mechanism, normalUser, objectClass, userAlreadyLoggedIn } from './constants.js';
import { findObjects, kindOf, readPublicKey, templatesFor } from './key-objects.js';
import { codeOf, type Handle, type Mechanism, type Pkcs11Library, pssParameterType } from './library.js';
import {
  type TokenAddress,
  TokenError,
  type TokenKey,
  type TokenOperation,
  type TokenResult,
  type TokenSignature,
} from './messages.js';
import { findSlot, readPin, refuseLastAttempt } from './slot.js';
import { tokenErrorOf } from './token-error.js';

export interface Token {
  /** @throws TokenError */
  run(operation: TokenOperation, address: TokenAddress): Promise<TokenResult>;
}

export function createToken(library: Pkcs11Library): Token {
  // Handles of keys do not change while the token stays; a process begins with none.
  const handles = new Map<string, Handle>();
  const idle: Handle[] = [];
  const waiting: ((session: Handle) => void)[] = [];
  let sessions = 0;
  let opened: Promise<Handle> | undefined;
  /** Keyed hashes of PINs that were refused since the process began. */
  const refused = new Set<string>();

  /** Finds the token and logs in, with a session that stays: tokens forget the login with their last one. */
  async function open(address: TokenAddress): Promise<Handle> {
    const { slot, serialNumber, flags: state } = findSlot(library, address);
    const pin = readPin(address);
    const keyed = createHmac('sha256', address.pinKey).update(`${serialNumber}\0${pin}`).digest();
    const known = [...refused, address.refusedPin ?? ''].map((hex) => Buffer.from(hex, 'hex'));
    if (known.some((each) => each.length === keyed.length && timingSafeEqual(each, keyed))) {
      throw new TokenError(
        'pin',
        'the token has refused this PIN before, so that it is not tried again: give the right one',
      );
    }
    refuseLastAttempt(state);
    const session = library.C_OpenSession(slot, flags.serialSession);
    try {
      library.C_Login(session, normalUser, pin);
    } catch (error) {
      if (codeOf(error) === userAlreadyLoggedIn) return slot;
      library.C_CloseSession(session);
      const problem = tokenErrorOf(error);
      if (problem.kind !== 'pin') throw problem;
      const hex = keyed.toString('hex');
      refused.add(hex);
      throw new TokenError('pin', problem.message, hex);
    }
    return slot;
  }

  function slotOf(address: TokenAddress): Promise<Handle> {
    opened ??= open(address).catch((error) => {
      opened = undefined;
      throw error;
    });
    return opened;
  }

  async function withSession<T>(address: TokenAddress, work: (session: Handle) => T | Promise<T>): Promise<T> {
    const slot = await slotOf(address);
    const session = await takeSession(slot, address.sessions);
    try {
      return await work(session);
    } finally {
      const next = waiting.shift();
      if (next === undefined) idle.push(session);
      else next(session);
    }
  }

  async function takeSession(slot: Handle, most: number): Promise<Handle> {
    const free = idle.pop();
    if (free !== undefined) return free;
    if (sessions >= most) return await new Promise((resolve) => waiting.push(resolve));
    const session = library.C_OpenSession(slot, flags.serialSession);
    sessions++;
    return session;
  }

  /** Keys are made and destroyed in a session of their own, which may write. */
  async function withWriting<T>(address: TokenAddress, work: (session: Handle) => T | Promise<T>): Promise<T> {
    const session = library.C_OpenSession(await slotOf(address), flags.serialSession | flags.readWriteSession);
    try {
      return await work(session);
    } finally {
      library.C_CloseSession(session);
    }
  }

  async function create(
    { id, type, label }: Extract<TokenOperation, { kind: 'create' }>,
    address: TokenAddress,
  ): Promise<TokenResult> {
    const kind = kindOf(type);
    const known = new Set(library.C_GetMechanismList(await slotOf(address)));
    if (![kind.generation, ...kind.signing].every((each) => known.has(each))) {
      throw new TokenError('unsupported', `the token makes no keys of type ${type}: choose another key for the CA`);
    }
    const { mechanism: how, publicTemplate, privateTemplate } = templatesFor(kind, id, label);
    return await withWriting(address, async (session) => {
      const made = await library.C_GenerateKeyPairAsync(session, how, publicTemplate, privateTemplate);
      try {
        return { octets: readPublicKey(library, session, made.publicKey) };
      } catch (error) {
        for (const object of [made.privateKey, made.publicKey]) library.C_DestroyObject(session, object);
        throw error;
      }
    });
  }

  function findPublicKey(id: Uint8Array, session: Handle): TokenResult {
    const [object] = findObjects(library, session, byId(objectClass.publicKey, id), 1);
    if (object === undefined) throw noKey(id);
    return { octets: readPublicKey(library, session, object) };
  }

  async function sign(id: Uint8Array, signature: TokenSignature, session: Handle): Promise<TokenResult> {
    library.C_SignInit(session, mechanismOf(signature), handleOf(id, session));
    const octets = await library.C_SignAsync(session, Buffer.from(signature.input), Buffer.alloc(mostSignatureOctets));
    return { octets: Uint8Array.from(octets) };
  }

  function handleOf(id: Uint8Array, session: Handle): Handle {
    const name = Buffer.from(id).toString('hex');
    const known = handles.get(name);
    if (known !== undefined) return known;
    const found = findObjects(library, session, byId(objectClass.privateKey, id), 2);
    const [handle] = found;
    if (handle === undefined) throw noKey(id);
    if (found.length > 1) throw new TokenError('fault', `the token has more than one private key with the id ${name}`);
    handles.set(name, handle);
    return handle;
  }

  function destroy(id: Uint8Array, session: Handle): TokenResult {
    handles.delete(Buffer.from(id).toString('hex'));
    for (const each of [objectClass.privateKey, objectClass.publicKey]) {
      for (const object of findObjects(library, session, byId(each, id), 2)) library.C_DestroyObject(session, object);
    }
    return {};
  }

  function list(labelPrefix: string, session: Handle): TokenResult {
    const found = findObjects(library, session, [{ type: attribute.class, value: objectClass.privateKey }], mostListed);
    const keys = found.map((object) => describeKey(library, session, object));
    return { keys: keys.filter(({ label }) => label.startsWith(labelPrefix)) };
  }

  async function perform(operation: TokenOperation, address: TokenAddress): Promise<TokenResult> {
    switch (operation.kind) {
      case 'probe':
        return await withSession(address, (session) => {
          // A session that was lost says so here.
          library.C_GetSessionInfo(session);
          const { label, serialNumber, model } = findSlot(library, address);
          return { detail: `token "${label}", ${model}, serial number ${serialNumber}` };
        });
      case 'create':
        return await create(operation, address);
      case 'find':
        return await withSession(address, (session) => findPublicKey(operation.id, session));
      case 'sign':
        return await withSession(address, (session) => sign(operation.id, operation.signature, session));
      case 'destroy':
        return await withWriting(address, (session) => destroy(operation.id, session));
      case 'list':
        return await withSession(address, (session) => list(operation.labelPrefix, session));
    }
  }

  return {
    run: async (operation, address) => {
      try {
        return await perform(operation, address);
      } catch (error) {
        throw tokenErrorOf(error);
      }
    },
  };
}

/** Of RSA keys of 16,384 bits; PKCS#11 cuts it to what there is. */
const mostSignatureOctets = 2048;
const mostListed = 10_000;

function byId(objectClassOf: number, id: Uint8Array) {
  return [
    { type: attribute.class, value: objectClassOf },
    { type: attribute.id, value: Buffer.from(id) },
  ];
}

function mechanismOf(signature: TokenSignature): Mechanism {
  switch (signature.scheme) {
    case 'ecdsa':
      return { mechanism: mechanism.ecdsa };
    case 'eddsa':
      return { mechanism: mechanism.eddsa };
    case 'rsa-pkcs1':
      return { mechanism: mechanism.rsaPkcs };
    case 'rsa-pss': {
      const hash = hashes[signature.hash];
      return {
        mechanism: mechanism.rsaPss,
        parameter: {
          type: pssParameterType,
          hashAlg: hash.mechanism,
          mgf: hash.maskGeneration,
          saltLen: hash.octets,
        },
      };
    }
  }
}

function describeKey(library: Pkcs11Library, session: Handle, object: Handle): TokenKey {
  const read = (type: number) => library.C_GetAttributeValue(session, object, [{ type }])[0]?.value ?? Buffer.alloc(0);
  return { id: read(attribute.id).toString('hex'), label: read(attribute.label).toString('utf8') };
}

function noKey(id: Uint8Array): TokenError {
  return new TokenError('no-key', `the token has no key with the id ${Buffer.from(id).toString('hex')}`);
}
