/** Certificates in the paths of the management API. */
import { z } from 'zod';

/** Colons may stand in paths as they are (RFC 3986 3.3). */
export const certificateIdSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9._-]{1,80}:-?[0-9a-f]{2,80}$/,
    'the issuing CA generation, a colon, and the serial number in lower-case hex',
  );

export const certificateParams = z.strictObject({ id: certificateIdSchema });
