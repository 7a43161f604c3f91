/** User: a person who manages the gateway, as a configuration file has one. A password is set by the person's own means. */
import { z } from 'zod';
import { grantsSchema } from './access.js';
import { nameSchema } from './label.js';

export const displayNameSchema = z.string().trim().min(1).max(200);

export const maximumUserCertificates = 20;

export const userConfigSchema = z.strictObject({
  name: nameSchema,
  displayName: displayNameSchema.optional(),
  grants: grantsSchema.describe('roles, each in a division or, without one, everywhere'),
  enabled: z.boolean().optional().describe('as it is, if left out; a new user is enabled'),
  certificates: z
    .array(
      z.strictObject({
        certificate: z.string().optional().describe('PEM'),
        certificateFile: z.string().optional().describe('its path beside this file, in place of certificate'),
      }),
    )
    .max(maximumUserCertificates)
    .optional()
    .describe('all client certificates that the user authenticates with; as they are, if left out'),
});
export type UserConfig = z.output<typeof userConfigSchema>;
