/** The version of the package. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** package.json is beside `dist` or `.build`, where this file is compiled to. */
const packageFile = new URL('../../package.json', import.meta.url);

export const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(packageFile, 'utf8')));
