import { describe, expect, it } from '@jest/globals';
import type { z } from 'zod';
import { describeOperations } from '../../src/api/openapi.js';
import { defineOperation } from '../../src/api/operation.js';
import { certificateAuthoritySchema } from '../../src/model/certificate-authority.js';
import { certificateProfileSchema } from '../../src/model/certificate-profile.js';
import { certificateTemplateSchema } from '../../src/model/certificate-template.js';
import { divisionSchema } from '../../src/model/division.js';
import { policySchema } from '../../src/model/policy.js';
import { badRequests } from './bad-requests.js';

describe('Bad requests that are made of a schema', () => {
  it.each<[string, z.ZodType]>([
    ['division', divisionSchema],
    ['template', certificateTemplateSchema],
    ['profile', certificateProfileSchema],
    ['certificate authority', certificateAuthoritySchema],
    ['policy', policySchema],
  ])('are bad: %s', (_what, body) => {
    const operation = defineOperation({
      ...{
        id: 'make',
        method: 'post',
        path: '/x',
        tag: 'System',
        summary: 'x',
        permission: undefined,
        status: 204,
        body,
      },
      handle: async () => ({}),
    });
    const document = describeOperations([operation], '1');
    const described = document.paths['/x']?.post;
    if (described === undefined) throw new Error('there is no such operation');
    const refused = badRequests(described, document.components.schemas).filter(({ status }) => status === 'refused');
    expect(refused.length).toBeGreaterThan(10);
    const taken = refused.filter(({ message }) => body.safeParse(JSON.parse(String(message?.body))).success);
    expect(taken.map(({ defect }) => defect)).toEqual([]);
  });
});
