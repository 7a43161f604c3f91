/** The PKCS#11 library of a vendor, as the optional package pkcs11js shows it. */
import { createRequire } from 'node:module';
import { alreadyInitialized, flags } from './constants.js';
import { TokenError } from './messages.js';

export type Handle = Buffer;

export interface Attribute {
  readonly type: number;
  readonly value?: number | boolean | string | Buffer;
}

export interface Mechanism {
  readonly mechanism: number;
  readonly parameter?:
    | Buffer
    | { readonly type: number; readonly hashAlg: number; readonly mgf: number; readonly saltLen: number };
}

/** The functions of it that are used. What fails is thrown, with the number of the CKR_… as its `code`. */
export interface Pkcs11Library {
  load(path: string): void;
  C_Initialize(options: { flags: number }): void;
  C_GetSlotList(tokenPresent: boolean): Handle[];
  C_GetTokenInfo(slot: Handle): { label: string; serialNumber: string; model: string; flags: number };
  C_GetMechanismList(slot: Handle): number[];
  C_OpenSession(slot: Handle, flags: number): Handle;
  C_CloseSession(session: Handle): void;
  C_GetSessionInfo(session: Handle): unknown;
  C_Login(session: Handle, userType: number, pin: string): void;
  C_FindObjectsInit(session: Handle, template: Attribute[]): void;
  C_FindObjects(session: Handle, maximum: number): Handle[];
  C_FindObjectsFinal(session: Handle): void;
  C_GetAttributeValue(session: Handle, object: Handle, template: Attribute[]): { type: number; value: Buffer }[];
  C_GenerateKeyPairAsync(
    session: Handle,
    mechanism: Mechanism,
    publicTemplate: Attribute[],
    privateTemplate: Attribute[],
  ): Promise<{ publicKey: Handle; privateKey: Handle }>;
  C_DestroyObject(session: Handle, object: Handle): void;
  C_SignInit(session: Handle, mechanism: Mechanism, key: Handle): void;
  C_SignAsync(session: Handle, data: Buffer, out: Buffer): Promise<Buffer>;
}

/** pkcs11js names parameters of RSASSA-PSS by this number. */
export const pssParameterType = 5;

/** Loads and initialises it; once in a process. @throws TokenError 'away' */
export function loadLibrary(path: string): Pkcs11Library {
  const library = createLibrary();
  try {
    library.load(path);
    library.C_Initialize({ flags: flags.osLocking });
  } catch (error) {
    if (codeOf(error) !== alreadyInitialized) {
      throw new TokenError('away', `the PKCS#11 library ${path} does not load (${messageOf(error)})`);
    }
  }
  return library;
}

/** The number of the CKR_… that a function failed with. */
export function codeOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function createLibrary(): Pkcs11Library {
  try {
    const { PKCS11 }: { PKCS11: new () => Pkcs11Library } = createRequire(import.meta.url)('pkcs11js');
    return new PKCS11();
  } catch (error) {
    throw new TokenError(
      'away',
      `PKCS#11 needs the package pkcs11js, which is not installed: run 'npm install' where there are python3, make and a C++ compiler (${messageOf(error)})`,
    );
  }
}
