/** Key stores of CA keys besides the gateway's own: what the settings say of them. */
import { z } from 'zod';
import { nameSchema } from './label.js';

/** The store that is always there: keys sealed in the database. */
export const softwareKeyStore = 'software';

export const keyStoreNameSchema = nameSchema.refine((name) => name !== softwareKeyStore, {
  message: `"${softwareKeyStore}" is the store in the database, which is meant where none is named`,
});

const file = z.string().min(1);
const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is not the name of an environment variable');

const pkcs11Schema = z
  .strictObject({
    kind: z.literal('pkcs11'),
    module: file.describe("the vendor's PKCS#11 library"),
    tokenLabel: z.string().min(1).max(32).optional(),
    tokenSerial: z.string().min(1).max(16).optional().describe('where several tokens have one label'),
    pinFile: file.optional().describe('file with the PIN of the token user'),
    pinVariable: variable.optional().describe('environment variable with the PIN'),
    sessions: z.int().min(1).max(64).default(4).describe('how many signatures the token makes at once'),
  })
  .refine(({ tokenLabel, tokenSerial }) => (tokenLabel === undefined) !== (tokenSerial === undefined), {
    message: 'needs either tokenLabel or tokenSerial',
  })
  .refine(({ pinFile, pinVariable }) => (pinFile === undefined) !== (pinVariable === undefined), {
    message: 'needs either pinFile or pinVariable',
  });
export type Pkcs11StoreConfig = z.output<typeof pkcs11Schema>;

const httpSchema = z
  .strictObject({
    kind: z.literal('http'),
    url: z
      .url({ protocol: /^https?$/ })
      .refine((url) => url.startsWith('https:') || isLoopback(new URL(url).hostname), {
        message: 'must be https: only on this machine itself may it be http',
      })
      .refine((url) => new URL(url).search === '' && new URL(url).username === '', {
        message: 'must have neither credentials nor a query in it',
      })
      .describe('base of the signing service, without a slash at its end'),
    tokenFile: file.optional().describe('file with the bearer token that the service asks for'),
    tokenVariable: variable.optional().describe('environment variable with the bearer token'),
    caFile: file.optional().describe('PEM certificates that the certificate of the service must chain to'),
  })
  .refine(({ tokenFile, tokenVariable }) => (tokenFile === undefined) !== (tokenVariable === undefined), {
    message: 'needs either tokenFile or tokenVariable',
  });
export type HttpStoreConfig = z.output<typeof httpSchema>;

export const keyStoresSchema = z.record(keyStoreNameSchema, z.discriminatedUnion('kind', [pkcs11Schema, httpSchema]));
export type KeyStoreConfig = z.output<typeof keyStoresSchema>[string];

/** Settings of key stores that are files; relative ones are relative to the folder of the settings file. */
export const keyStoreFiles: readonly string[] = ['module', 'pinFile', 'tokenFile', 'caFile'];

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
