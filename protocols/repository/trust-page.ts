/** The root certificates as a page for people, who compare fingerprints on it: without scripts, and readable on a narrow screen. */
import { createHash } from 'node:crypto';
import type { TrustAnchor } from '../../src/ca-view.js';
import { type Html, html } from '../../src/http/html.js';
import { decodeCertificate, printedFingerprint } from '../../src/x509/certificate.js';
import { formatName } from '../../src/x509/names.js';

/** The page of the CAs whose names come after this one, as many as a page has room for. */
export function renderTrustPage(anchors: readonly TrustAnchor[], after: string): string {
  const names = [...new Set(anchors.map(({ ca }) => ca))].filter((ca) => ca > after).toSorted(byCodeUnit);
  const shown = names.slice(0, mostOnPage);
  const last = shown.length < names.length ? shown.at(-1) : undefined;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Root certificates</title>${{ html: `<style>${style}</style>` }}</head>
<body><main>
<h1>Root certificates</h1>
${introduction}
${shown.length === 0 ? html`<p>There is no root certificate here.</p>` : undefined}
${shown.map((ca) => authoritySection(ca, anchors))}
${last === undefined ? undefined : html`<p><a href="/trust?after=${last}">More root certificates</a></p>`}
</main></body></html>
`.html;
}

const style = `
:root{color-scheme:light dark;--line:#8885;--soft:#8882;--accent:#0b57a4}
@media (prefers-color-scheme:dark){:root{--accent:#8fc1f5}}
body{margin:0;font:16px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:1rem}
a{color:var(--accent)}
h2{margin-top:2.5rem;border-bottom:1px solid var(--line)}
code,pre{font-family:ui-monospace,monospace;font-size:.875em}
pre{overflow:auto;padding:.75rem;background:var(--soft);border-radius:.375rem}
strong{display:block;padding:.75rem;border:2px solid var(--accent);border-radius:.375rem}
dt{margin-top:.5rem;font-weight:bold}
dd{margin:0;overflow-wrap:anywhere}
`;

/** Lets the page have its own style and nothing else. */
export const trustPageHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${createHash('sha256')
    .update(style)
    .digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};

const mostOnPage = 50;

const introduction = html`<p><strong>Over plain HTTP this page proves nothing by itself: whoever sits on the way can change it, and the
certificates along with it. Over TLS it proves no more than the certificate that your browser has verified.</strong></p>
<p>Before you trust a certificate, compare its fingerprint with one that has come to you on another way: on paper, by phone, or from the
operator, for whom the gateway itself prints it with <code>gatehouse ca show &lt;name&gt;</code>. Compare all of it. Of the file that
you have downloaded:</p>
<pre>openssl x509 -in root.pem -noout -fingerprint -sha256
openssl x509 -in root.der -inform DER -noout -fingerprint -sha256</pre>
<p>SHA-1 is for tools that show nothing else. All that are in use, of all CAs: <a href="/trust.pem">trust.pem</a>. Whoever trusts that file
trusts each of them.</p>`;

function authoritySection(ca: string, anchors: readonly TrustAnchor[]): Html {
  const ownAnchors = anchors.filter((anchor) => anchor.ca === ca);
  const isInUse = ownAnchors.some(({ state }) => state === 'current');
  return html`<section><h2 id="${ca}">${ca}</h2>
${isInUse ? downloads(ca) : undefined}
${ownAnchors.map(anchorEntry)}</section>
`;
}

function downloads(ca: string): Html {
  const at = `/trust/${ca}`;
  return html`<p><a href="${at}.pem">PEM</a>, <a href="${at}.der">DER</a> (the current one alone), <a href="${at}.p7b">PKCS #7</a> (with
the links between its generations, and from foreign CAs to them)</p>`;
}

function anchorEntry({ generation, state, certificate }: TrustAnchor): Html {
  const { subject, notBefore, notAfter, serialNumber } = decodeCertificate(certificate);
  return html`<dl id="generation-${generation}">
<dt>Subject</dt><dd><bdi>${formatName(subject)}</bdi></dd>
<dt>Generation</dt><dd>${generation}: ${meanings[state]}</dd>
<dt>Valid</dt><dd>${notBefore.toISOString()} to ${notAfter.toISOString()}</dd>
<dt>Serial number</dt><dd><code>${serialNumber}</code></dd>
<dt>SHA-256</dt><dd><code>${printedFingerprint(certificate, 'sha256')}</code></dd>
<dt>SHA-1</dt><dd><code>${printedFingerprint(certificate, 'sha1')}</code></dd>
</dl>
`;
}

const meanings: Readonly<Record<TrustAnchor['state'], string>> = {
  previous: 'of before; what it has issued is still valid',
  current: 'in use',
  next: 'announced, not in use yet',
};

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : 1;
}
