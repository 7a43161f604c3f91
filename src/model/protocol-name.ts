/** The ways in which a certificate can be asked for, as policies and records name them. */
import { z } from 'zod';

export const methods = ['est', 'scep', 'cmp', 'acme', 'rest', 'batch', 'portal'] as const;
export type Method = (typeof methods)[number];
export const methodSchema = z.enum(methods);

/** Those that people and programs with rights of their own may use, without any credential of an authentication policy. */
export const methodsOfOperators = ['rest', 'batch', 'portal'] as const satisfies readonly Method[];
