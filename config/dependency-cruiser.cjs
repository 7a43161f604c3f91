/** Who may import whom. Run with `npm run check:imports`; docs/architecture.md tells why. The lists make circles of folders impossible. */

/** Forbids `from` to import anything of ours that `allowed` does not name. */
function only(name, from, allowed) {
  return {
    name,
    severity: 'error',
    from: { path: from },
    to: {
      path: '^(src|protocols)/',
      pathNot: `^src/(model/|errors\\.ts$|clock\\.ts$|identifier\\.ts$|at-first-use\\.ts$|fit-for-log\\.ts$|${allowed})`,
    },
  };
}

const ourFolder = (...names) => names.map((name) => `${name}/`).join('|');

module.exports = {
  forbidden: [
    { name: 'no-circular-modules', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'only-the-composition-knows-protocols',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(main|gateway)\\.ts$' },
      to: { path: '^protocols/' },
    },
    {
      name: 'protocols-are-no-siblings',
      severity: 'error',
      from: { path: '^protocols/([^/]+)/' },
      to: { path: '^protocols/', pathNot: '^protocols/$1/' },
    },
    {
      name: 'protocols-use-the-contract-only',
      severity: 'error',
      from: { path: '^protocols/', pathNot: '^protocols/[^/]+/store(/|\\.ts$)' },
      to: {
        path: '^src/',
        pathNot: `^src/(model/|errors\\.ts$|clock\\.ts$|identifier\\.ts$|log\\.ts$|(protocol|ca-view|policy-view|service-key|refused-message)\\.ts$|enrollment/(device-ties|request|requester|result)\\.ts$|${ourFolder('x509', 'cms', 'http', 'outbound')})`,
      },
    },
    {
      name: 'protocol-stores-write-queries',
      severity: 'error',
      from: { path: '^protocols/([^/]+)/store(/|\\.ts$)' },
      to: {
        path: '^(src|protocols)/',
        pathNot: '^(src/(model/|errors\\.ts$|store/(change|database|query)\\.ts$)|protocols/$1/store/)',
      },
    },
    only('model-is-self-contained', '^src/model/', 'model/'),
    only('x509-stands-alone', '^src/x509/', 'x509/'),
    only('cms-knows-x509', '^src/cms/', ourFolder('cms', 'x509')),
    only('http-stands-alone', '^src/http/', 'http/'),
    only('outbound-stands-alone', '^src/outbound/', 'outbound/'),
    only('store-stands-alone', '^src/store/', 'store/'),
    only('policy-is-pure', '^src/policy/', ourFolder('policy', 'x509')),
    {
      name: 'policy-has-no-io',
      severity: 'error',
      from: { path: '^src/policy/' },
      to: { path: '^(node:)?(fs|net|http|https|child_process|worker_threads|timers)|^src/clock\\.ts$' },
    },
    only('keys-know-x509-and-store', '^src/keys/', ourFolder('keys', 'x509', 'store', 'outbound')),
    only(
      'ca-signs-approvals',
      '^src/ca/',
      `${ourFolder('ca', 'keys', 'x509', 'cms', 'store')}|policy/(decide|facts|decision)\\.ts$`,
    ),
    only(
      'catalog-reads-configuration',
      '^src/catalog/',
      ourFolder('catalog', 'policy', 'x509', 'store', 'keys', 'audit'),
    ),
    only(
      'authentication-verifies',
      '^src/authentication/',
      `${ourFolder('authentication', 'x509', 'keys', 'store', 'catalog', 'outbound')}|policy/identity\\.ts$|minute-counter\\.ts$`,
    ),
    only(
      'access-knows-who-may',
      '^src/access/',
      `${ourFolder('access', 'authentication', 'store', 'audit', 'keys', 'x509')}|catalog/catalog\\.ts$|minute-counter\\.ts$|log\\.ts$`,
    ),
    only('audit-writes-records', '^src/audit/', ourFolder('audit', 'store')),
    only(
      'enrollment-is-the-core',
      '^src/enrollment/',
      `${ourFolder('enrollment', 'access', 'authentication', 'policy', 'ca', 'store', 'catalog', 'keys', 'audit', 'x509', 'outbound')}|log\\.ts$|minute-counter\\.ts$|(protocol|ca-view|policy-view|service-key)\\.ts$`,
    ),
    only(
      'authorities-are-operated-here',
      '^src/authorities/',
      ourFolder('authorities', 'ca', 'certificates', 'enrollment', 'store', 'catalog', 'keys', 'audit', 'x509', 'cms'),
    ),
    only('status-reads', '^src/status/', ourFolder('status', 'store', 'catalog', 'ca')),
    {
      name: 'api-translates',
      severity: 'error',
      from: { path: '^src/api/' },
      to: { path: '^(src/(server|cli|quickstart)/|src/(main|gateway)\\.ts$|protocols/)' },
    },
    {
      name: 'only-the-composition-knows-the-api',
      severity: 'error',
      from: { pathNot: '^src/(api/|gateway\\.ts$)' },
      to: { path: '^src/api/' },
    },
    only(
      'server-knows-the-contract',
      '^src/server/',
      `${ourFolder('server', 'http')}|protocol\\.ts$|log\\.ts$|settings\\.ts$`,
    ),
    only(
      'devices-are-changed-here',
      '^src/devices/',
      `${ourFolder('devices', 'enrollment', 'policy', 'store', 'catalog', 'audit', 'x509')}|protocol\\.ts$`,
    ),
    only(
      'certificates-are-what-operators-see',
      '^src/certificates/',
      `${ourFolder('certificates', 'enrollment', 'policy', 'store', 'catalog', 'audit', 'x509')}|access/principal\\.ts$`,
    ),
    only(
      'unmanaged-cas-are-what-gateways-run',
      '^src/unmanaged-cas/',
      `${ourFolder('unmanaged-cas', 'certificates', 'enrollment', 'store', 'audit', 'x509', 'outbound')}|access/principal\\.ts$`,
    ),
    only(
      'jobs-use-the-core',
      '^src/jobs/',
      `${ourFolder('jobs', 'devices', 'certificates', 'enrollment', 'audit', 'store', 'keys', 'catalog', 'policy', 'x509', 'cms')}|access/(principal|standing)\\.ts$|ca/authority\\.ts$|http/json\\.ts$|log\\.ts$`,
    ),
    only(
      'declaration-is-a-file-of-it-all',
      '^src/declaration/',
      ourFolder('declaration', 'access', 'devices', 'catalog', 'audit', 'store', 'x509'),
    ),
    {
      name: 'sql-only-in-stores',
      severity: 'error',
      from: { pathNot: '^src/store/|^protocols/[^/]+/store(/|\\.ts$)' },
      to: { path: 'node_modules/(better-sqlite3|kysely)/' },
    },
    {
      name: 'no-asn1-libraries',
      severity: 'error',
      from: { pathNot: '^src/(x509|cms|ca)/|^protocols/[^/]+/asn1' },
      to: { path: 'node_modules/(pkijs|asn1js|@peculiar)/' },
    },
    {
      name: 'express-only-at-the-server',
      severity: 'error',
      from: { pathNot: '^src/(server|api)/' },
      to: { path: 'node_modules/express/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
