/** The documentation of the management API as one page of HTML, without scripts: it is made of the OpenAPI document. */
import { createHash } from 'node:crypto';
import { fromMarkdown, type Html, html, inline } from '../http/html.js';
import { permissions, permissionsOf, type Role, roles } from '../model/access.js';
import { curlExample } from './example.js';
import type { OpenApiDocument, OpenApiOperation } from './openapi.js';
import { field, schemaBody } from './reference-fields.js';
import { referenceStyle } from './reference-style.js';

/** Lets the pages have their own style and nothing else. */
export const referencePolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256')
  .update(referenceStyle)
  .digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

interface Entry {
  readonly method: string;
  readonly path: string;
  readonly operation: OpenApiOperation;
}

export function renderReference(document: OpenApiDocument): string {
  const entries = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Entry => ({ method, path, operation })),
  );
  const chapters = document.tags.map((tag) => ({
    ...tag,
    id: tag.name.toLowerCase().replaceAll(' ', '-'),
    entries: entries.filter(({ operation }) => operation.tags.includes(tag.name)),
  }));
  const schemas = Object.entries(document.components.schemas);
  return page(
    'Gatehouse management API',
    html`
<nav aria-label="Contents"><ul>
<li><a href="#authentication">Authentication</a></li>
<li><a href="#conventions">Conventions</a></li>
<li><a href="#roles">Roles</a></li>
${chapters.map(
  (chapter) => html`<li><a href="#${chapter.id}">${chapter.name}</a><ul>${chapter.entries.map(
    ({ operation }) => html`<li><a href="#${operation.operationId}">${inline(operation.summary)}</a></li>`,
  )}</ul></li>
`,
)}<li><a href="#schemas">Schemas</a></li>
</ul></nav>
<main>
<h1>Gatehouse management API <small>${String(document.info.version)}</small></h1>
<p>Everything below <code>${document.servers[0]?.url}</code> of the admin listener. For programs: <a href="/api/openapi.json">OpenAPI 3.1</a>.</p>
${introduction}
<section><h2 id="roles">Roles</h2>${roleTable}</section>
${chapters.map(
  (chapter) => html`<section><h2 id="${chapter.id}">${chapter.name}</h2>${fromMarkdown(chapter.description)}
${chapter.entries.map((entry) => operationBlock(entry, document))}</section>
`,
)}
<section><h2 id="schemas">Schemas</h2>
${schemas.map(
  ([name, schema]) => html`<details id="schema-${name}"><summary><code>${name}</code></summary>
${schema.description === undefined ? '' : fromMarkdown(schema.description)}${schemaBody(schema)}</details>
`,
)}</section>
</main>`,
  );
}

/** What the admin listener shows at its root. */
export function renderIndex(): string {
  return page(
    'Gatehouse',
    html`<main><h1>Gatehouse</h1><ul>
<li><a href="/api/">Management API</a>, and its <a href="/api/openapi.json">OpenAPI document</a></li>
<li><a href="/readyz">Whether it is ready</a></li>
</ul></main>`,
  );
}

function page(title: string, body: Html): string {
  const style: Html = { html: `<style>${referenceStyle}</style>` };
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${title}</title>${style}</head>
<body>${body}</body></html>
`.html;
}

const introduction = html`
<section><h2 id="authentication">Authentication</h2>
<p>An API key as <code>Authorization: Bearer …</code> or <code>X-API-Key: …</code>, a user's name and password as <code>Basic</code>, or a
user's client certificate where the setting <code>adminClientCertificates</code> is on.</p></section>
<section><h2 id="conventions">Conventions</h2>
<ul>
<li>Bodies are JSON in UTF-8. A field or parameter that is not known is refused by its name.</li>
<li>Times are RFC 3339 text, serial numbers lower-case hexadecimal, certificates PEM text.</li>
<li>Lists come in pages: <code>next</code> of an answer is the <code>cursor</code> of the next page.</li>
<li>PATCH is a JSON merge patch (RFC 7396): what is absent stays, <code>null</code> removes.</li>
<li>The <code>ETag</code> of an answer, sent back as <code>If-Match</code>, makes a change fail with 412 where somebody was first.</li>
<li>A refusal is a problem document (RFC 9457): <code>code</code> for programs, <code>detail</code> for people,
<code>errors</code> with the fields that are wrong.</li>
<li>Each answer has an <code>X-Request-Id</code>, which the log and the audit log know.</li>
<li>What belongs to another division is not there.</li>
</ul></section>`;

const roleTable = html`<div class="wide"><table><thead><tr><th>permission</th>${roles.map(
  (role) => html`<th>${role}</th>`,
)}</tr></thead><tbody>
${permissions.map(
  (permission) =>
    html`<tr><th><code>${permission}</code></th>${roles.map(
      (role) => html`<td>${permissionsOf[role].includes(permission) ? '●' : ''}</td>`,
    )}</tr>
`,
)}</tbody></table></div>`;

function operationBlock({ method, path, operation }: Entry, document: OpenApiDocument): Html {
  const { operationId, summary, description, parameters = [], requestBody, responses } = operation;
  const permission = operation['x-permission'];
  const rolesThatMay: readonly Role[] = permission
    ? roles.filter((role) => permissionsOf[role].includes(permission))
    : roles;
  return html`<details class="operation" id="${operationId}"><summary><span class="method ${method}">${method.toUpperCase()}</span>
<code>${path}</code> <span>${inline(summary)}</span></summary>
${description === undefined ? '' : fromMarkdown(description)}
<p class="permission">${
    permission
      ? html`Needs <code>${permission}</code>: ${rolesThatMay.join(', ')}`
      : 'For everybody who has authenticated'
  }</p>
${
  parameters.length === 0
    ? ''
    : html`<h4>Parameters</h4><ul class="fields">${parameters.map((parameter) =>
        field(
          parameter.in === 'header' ? `${parameter.name}:` : parameter.name,
          { ...parameter.schema, ...(parameter.description && { description: parameter.description }) },
          parameter.required,
        ),
      )}</ul>`
}
${Object.entries(requestBody?.content ?? {})
  .slice(0, 1)
  .map(
    ([, { schema }]) =>
      html`<h4>Body</h4><p>${Object.keys(requestBody?.content ?? {}).join(', ')}</p>${schemaBody(schema)}`,
  )}
<h4>Answers</h4><ul class="fields">${Object.entries(responses).map(
    ([status, response]) =>
      html`<li><code>${status}</code> ${inline(response.description)}${Object.entries(response.content ?? {})
        .filter(([type]) => type !== 'application/problem+json')
        .map(([type, { schema }]) => (type === 'application/json' ? schemaBody(schema) : html`<p>${type}</p>`))}</li>`,
  )}</ul>
<h4>With curl</h4><pre><code>${curlExample(method, path, operation, document)}</code></pre></details>
`;
}
