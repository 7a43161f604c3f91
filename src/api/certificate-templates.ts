/** Certificate templates. The built-in ones are cloned to be changed. */
import { z } from 'zod';
import { certificateTemplateSchema } from '../model/certificate-template.js';
import { nameSchema } from '../model/label.js';
import {
  type CatalogNoun,
  catalogOperations,
  createEditor,
  type EditServices,
  getObject,
  isTaken,
  nameParams,
} from './catalog-objects.js';
import { usageOperation } from './catalog-usage.js';
import { defineOperation, type Operation } from './operation.js';
import type { ApiServices } from './services.js';
import { writtenForm } from './written-form.js';

export function certificateTemplateOperations(services: ApiServices): readonly Operation[] {
  return [...catalogOperations(noun, services), usageOperation(noun, services), cloneOperation(services)];
}

const noun: CatalogNoun = {
  kind: 'template',
  path: '/certificate-templates',
  tag: 'Certificate templates',
  one: 'CertificateTemplate',
  many: 'CertificateTemplates',
  words: { one: 'a certificate template', many: 'certificate templates' },
  written: writtenForm(certificateTemplateSchema).meta({ id: 'CertificateTemplate' }),
  isLasting: true,
};

function cloneOperation(services: EditServices): Operation {
  const { kind, path, tag, written } = noun;
  const edit = createEditor(noun, services);
  return defineOperation({
    id: 'cloneCertificateTemplate',
    method: 'post',
    path: `${path}/{name}/clone`,
    tag,
    summary: 'Copy a certificate template under another name',
    permission: 'configuration:write',
    params: nameParams,
    body: z
      .strictObject({
        name: nameSchema.describe('what the copy is called'),
        description: z.string().optional().describe('that of the original, if absent'),
      })
      .meta({ id: 'CertificateTemplateClone' }),
    answer: written,
    status: 201,
    handle: async (call) => {
      const original = await getObject(kind, call.params.name, call.scope, services);
      const { name, description } = call.body;
      const value = await edit(name, call, (current) => {
        if (current !== undefined) throw isTaken(kind, name);
        return { ...original.written, name, ...(description === undefined ? {} : { description }) };
      });
      return { value, location: `${path}/${name}` };
    },
  });
}
