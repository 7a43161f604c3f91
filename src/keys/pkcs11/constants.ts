/** The numbers of PKCS#11 (2.40 and 3.0) that are needed here. */

export const objectClass = { publicKey: 2, privateKey: 3 } as const;

export const keyType = { rsa: 0x00, ec: 0x03, edwards: 0x40 } as const;

export const attribute = {
  class: 0x000,
  token: 0x001,
  private: 0x002,
  label: 0x003,
  keyType: 0x100,
  id: 0x102,
  sensitive: 0x103,
  decrypt: 0x105,
  unwrap: 0x107,
  sign: 0x108,
  verify: 0x10a,
  derive: 0x10c,
  modulus: 0x120,
  modulusBits: 0x121,
  publicExponent: 0x122,
  extractable: 0x162,
  ecParameters: 0x180,
  ecPoint: 0x181,
} as const;

export const mechanism = {
  rsaKeyPair: 0x0000,
  rsaPkcs: 0x0001,
  rsaPss: 0x000d,
  ecKeyPair: 0x1040,
  ecdsa: 0x1041,
  edwardsKeyPair: 0x1055,
  eddsa: 0x1057,
} as const;

/** Of a hash: the mechanism, and the mask generation function (CKG_MGF1_…) with it. */
export const hashes = {
  sha1: { mechanism: 0x220, maskGeneration: 1, octets: 20 },
  sha256: { mechanism: 0x250, maskGeneration: 2, octets: 32 },
  sha384: { mechanism: 0x260, maskGeneration: 3, octets: 48 },
  sha512: { mechanism: 0x270, maskGeneration: 4, octets: 64 },
} as const;

export const flags = { osLocking: 0x2, readWriteSession: 0x2, serialSession: 0x4 } as const;

export const tokenFlags = { pinFinalTry: 0x2_0000, pinLocked: 0x4_0000 } as const;

export const normalUser = 1;

/** CKR_… that say that sessions, handles or the token itself are gone: everything is to be opened anew. */
export const lostCodes: ReadonlySet<number> = new Set([
  0x03, // SLOT_ID_INVALID
  0x05, // GENERAL_ERROR
  0x06, // FUNCTION_FAILED
  0x30, // DEVICE_ERROR
  0x32, // DEVICE_REMOVED
  0x50, // FUNCTION_CANCELED
  0x60, // KEY_HANDLE_INVALID
  0x82, // OBJECT_HANDLE_INVALID
  0x90, // OPERATION_ACTIVE
  0xb0, // SESSION_CLOSED
  0xb3, // SESSION_HANDLE_INVALID
  0xe0, // TOKEN_NOT_PRESENT
  0xe1, // TOKEN_NOT_RECOGNIZED
  0x101, // USER_NOT_LOGGED_IN
  0x190, // CRYPTOKI_NOT_INITIALIZED
]);

/** CKR_… of a PIN that the token refuses. */
export const pinCodes: ReadonlySet<number> = new Set([
  0xa0, // PIN_INCORRECT
  0xa1, // PIN_INVALID
  0xa2, // PIN_LEN_RANGE
  0xa3, // PIN_EXPIRED
  0xa4, // PIN_LOCKED
  0x102, // USER_PIN_NOT_INITIALIZED
]);

/** CKR_… of a token that takes no more keys. */
export const fullCodes: ReadonlySet<number> = new Set([
  0x02, // HOST_MEMORY
  0x31, // DEVICE_MEMORY
  0xb1, // SESSION_COUNT
  0xb5, // SESSION_READ_ONLY
  0xe2, // TOKEN_WRITE_PROTECTED
]);

/** CKR_… of keys and signatures that a token does not make. */
export const unsupportedCodes: ReadonlySet<number> = new Set([
  0x12, // ATTRIBUTE_TYPE_INVALID
  0x13, // ATTRIBUTE_VALUE_INVALID
  0x62, // KEY_SIZE_RANGE
  0x70, // MECHANISM_INVALID
  0x71, // MECHANISM_PARAM_INVALID
  0xd0, // TEMPLATE_INCOMPLETE
  0xd1, // TEMPLATE_INCONSISTENT
  0x130, // DOMAIN_PARAMS_INVALID
  0x140, // CURVE_NOT_SUPPORTED
]);

export const userAlreadyLoggedIn = 0x100;
export const alreadyInitialized = 0x191;
