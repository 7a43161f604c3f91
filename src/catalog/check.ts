/** Cross-references of the configuration: checks the whole as it would be, stored and new objects together. */
import type { AuthenticationPolicy } from '../model/authentication-policy.js';
import type { CertificateProfile } from '../model/certificate-profile.js';
import type { CertificateTemplate } from '../model/certificate-template.js';
import type { DeviceGroup } from '../model/device-group.js';
import type { GeneratedKeyType, KeyConstraints } from '../model/key-constraints.js';
import type { Policy, ProfileUsage } from '../model/policy.js';
import { type Method, methodsOfOperators } from '../model/protocol-name.js';
import { compileProfile, ProfileError } from '../policy/compile-profile.js';
import { attributeByName } from '../x509/attribute-types.js';
import { checkHierarchy } from './check-hierarchy.js';
import { checkSeparation } from './check-separation.js';
import type { CatalogKind, CatalogObject, CatalogObjects, Path } from './objects.js';
import { findReferred, type ReportProblem } from './references.js';

/** Reports everything that does not fit together. */
export function checkObjects(objects: CatalogObjects, report: ReportProblem): void {
  for (const template of objects.template.values()) {
    checkTemplate(template, report);
  }
  for (const profile of objects.profile.values()) {
    checkProfile(profile, objects, report);
  }
  for (const group of objects['device-group'].values()) {
    checkGroup(group, objects, report);
  }
  for (const authentication of objects['authentication-policy'].values()) {
    findReferred(objects, 'division', authentication.value.division, authentication, ['division'], report);
  }
  checkHierarchy(objects, report);
  for (const policy of objects.policy.values()) {
    checkPolicy(policy, objects, report);
  }
  checkSeparation(objects, report);
  checkDefaultPolicy(objects, report);
}

function checkTemplate(object: CatalogObject<'template'>, report: ReportProblem): void {
  const { subjectAttributes, minimumValidity, maximumValidity, keys, basicConstraints, nameConstraints } = object.value;
  subjectAttributes.forEach((name, index) => {
    if (attributeByName(name) === undefined) {
      report(object, ['subjectAttributes', index], `"${name}" is no known subject attribute, such as commonName`);
    }
  });
  if (minimumValidity !== undefined && minimumValidity > maximumValidity) {
    report(object, ['minimumValidity'], 'is longer than maximumValidity');
  }
  if (keys.rsa === undefined && keys.ec === undefined && !keys.ed25519 && !keys.ed448) {
    report(object, ['keys'], 'allows no key at all; name at least one of rsa, ec, ed25519, ed448');
  }
  if (keys.rsa !== undefined && keys.rsa.minimumBits > keys.rsa.maximumBits) {
    report(object, ['keys', 'rsa', 'minimumBits'], 'is more than maximumBits');
  }
  if (!basicConstraints.ca && basicConstraints.maximumPathLength !== undefined) {
    report(object, ['basicConstraints', 'maximumPathLength'], 'is for templates of CA certificates (ca: true) only');
  }
  if (!basicConstraints.ca && nameConstraints) {
    report(object, ['nameConstraints'], 'is for templates of CA certificates (basicConstraints.ca: true) only');
  }
}

function checkProfile(object: CatalogObject<'profile'>, objects: CatalogObjects, report: ReportProblem): void {
  const template = findReferred(objects, 'template', object.value.template, object, ['template'], report);
  if (template === undefined) {
    return;
  }
  try {
    compileProfile(object.value, template);
  } catch (error) {
    if (!(error instanceof ProfileError)) {
      throw error;
    }
    for (const problem of error.problems) {
      report(object, problem.path, problem.message);
    }
  }
}

function checkGroup(object: CatalogObject<'device-group'>, objects: CatalogObjects, report: ReportProblem): void {
  const { division, policies, authenticationPolicy } = object.value;
  findReferred(objects, 'division', division, object, ['division'], report);
  if (authenticationPolicy !== undefined) {
    const path = ['authenticationPolicy'];
    const found = findReferred(objects, 'authentication-policy', authenticationPolicy, object, path, report);
    if (found !== undefined && found.division !== division) {
      const message = `authentication policy "${found.name}" is in division "${found.division}", this group in "${division}"`;
      report(object, path, message);
    }
  }
  policies.forEach((name, index) => {
    const policy = findReferred(objects, 'policy', name, object, ['policies', index], report);
    if (policy !== undefined && policy.division !== division) {
      report(
        object,
        ['policies', index],
        `policy "${name}" is in division "${policy.division}", this group in "${division}"`,
      );
    }
  });
}

function checkPolicy(object: CatalogObject<'policy'>, objects: CatalogObjects, report: ReportProblem): void {
  const policy = object.value;
  const find = <K extends CatalogKind>(kind: K, name: string, ...path: Path) =>
    findReferred(objects, kind, name, object, path, report);
  const requireSameDivision = (what: string, division: string | undefined, ...path: Path) => {
    if (division !== undefined && division !== policy.division) {
      report(object, path, `${what} is in division "${division}", this policy in "${policy.division}"`);
    }
  };

  find('division', policy.division, 'division');
  const group: DeviceGroup | undefined = find('device-group', policy.defaultGroup, 'defaultGroup');
  requireSameDivision(`device group "${policy.defaultGroup}"`, group?.division, 'defaultGroup');
  if (group?.filter !== undefined) {
    report(object, ['defaultGroup'], `device group "${group.name}" is a dynamic one, which no device can be put into`);
  }
  const authentication =
    policy.authenticationPolicy === undefined
      ? undefined
      : find('authentication-policy', policy.authenticationPolicy, 'authenticationPolicy');
  requireSameDivision(
    `authentication policy "${policy.authenticationPolicy}"`,
    authentication?.division,
    'authenticationPolicy',
  );
  const open = policy.methods.find((method) => !withoutAuthenticationPolicy.has(method));
  if (policy.authenticationPolicy === undefined && open !== undefined) {
    const message = `is missing: ${open} needs one; only policies for nothing but rest, batch and portal go without`;
    report(object, ['authenticationPolicy'], message);
  }
  const ca = find('certificate-authority', policy.issuingCa, 'issuingCa');
  requireSameDivision(`certificate authority "${policy.issuingCa}"`, ca?.division, 'issuingCa');

  policy.profiles.forEach(({ usage, profile: name }, index) => {
    const profile = find('profile', name, 'profiles', index, 'profile');
    const template = profile && objects.template.get(profile.template)?.value;
    if (profile !== undefined && template !== undefined) {
      const message = misfit(policy, usage, profile, template);
      if (message !== undefined) {
        report(object, ['profiles', index], message);
      }
    }
    if (usage === 'intermediate' && ca !== undefined && !ca.issueIntermediates) {
      report(object, ['profiles', index], `certificate authority "${ca.name}" has not got issueIntermediates: true`);
    }
  });

  if (policy.keyGeneration.includes('gateway') && policy.profiles.every(({ usage }) => usage === 'intermediate')) {
    const path = ['keyGeneration', policy.keyGeneration.indexOf('gateway')];
    report(object, path, 'is for devices: a CA that is issued to a gateway keeps its own key');
  }

  policy.methods.forEach((method, index) => {
    if (authentication !== undefined && byDevice.has(method) && !authentication.methods.includes(method)) {
      report(object, ['methods', index], `authentication policy "${authentication.name}" does not allow ${method}`);
    }
    const message = method === 'acme' ? acmeMisfit(policy, authentication) : undefined;
    if (message !== undefined) report(object, ['methods', index], message);
    if (deviceKeysOnly.has(method) && !policy.keyGeneration.includes('device')) {
      report(object, ['methods', index], `${method} cannot hand over keys that the gateway makes (see keyGeneration)`);
    }
  });
}

/** Why ACME could issue nothing: its accounts present no certificates, and never get one of a CA. */
function acmeMisfit({ profiles }: Policy, authentication: AuthenticationPolicy | undefined): string | undefined {
  if (profiles.every(({ usage }) => usage === 'intermediate')) {
    return 'acme needs a profile of the usage bootstrap or operational: it issues no CA certificates';
  }
  if (authentication?.require !== 'certificate' && authentication?.require !== 'certificate-and-secret')
    return undefined;
  const { name, require } = authentication;
  return `authentication policy "${name}" has require: ${require}, and ACME presents no certificates`;
}

/** Why a profile cannot serve a usage under this policy. */
function misfit(
  policy: Policy,
  usage: ProfileUsage,
  profile: CertificateProfile,
  template: CertificateTemplate,
): string | undefined {
  const { ca } = template.basicConstraints;
  if (ca !== (usage === 'intermediate')) {
    return ca
      ? `profile "${profile.name}" is for CA certificates: its usage must be intermediate`
      : `an intermediate profile needs a template with basicConstraints.ca: true, unlike "${template.name}"`;
  }
  if (policy.keyGeneration.includes('gateway') && !allowsGeneratedKey(template.keys, policy.generatedKey)) {
    return `the gateway makes ${policy.generatedKey} keys here (generatedKey), which template "${template.name}" does not allow`;
  }
  return undefined;
}

function allowsGeneratedKey(keys: KeyConstraints, type: GeneratedKeyType): boolean {
  const [algorithm, size = ''] = type.split('-');
  if (algorithm === 'rsa') {
    return keys.rsa !== undefined && Number(size) >= keys.rsa.minimumBits && Number(size) <= keys.rsa.maximumBits;
  }
  return algorithm === 'ec' ? (keys.ec?.curves.some((curve) => curve === `P-${size.slice(1)}`) ?? false) : keys.ed25519;
}

function checkDefaultPolicy(objects: CatalogObjects, report: ReportProblem): void {
  const defaults = [...objects.policy.values()].filter(({ value }) => value.default);
  const [first, ...others] = defaults.toSorted((a, b) => Number(a.path !== undefined) - Number(b.path !== undefined));
  for (const other of others) {
    report(other, ['default'], `policy "${first?.name}" is the default policy already, and there can be one only`);
  }
}

/** Methods whose requesters authenticate as devices; the others are used by people with roles. */
const byDevice: ReadonlySet<Method> = new Set<Method>(['est', 'scep', 'cmp', 'acme', 'rest']);
/** Methods that people and programs with rights of their own may use. */
const withoutAuthenticationPolicy: ReadonlySet<Method> = new Set<Method>(methodsOfOperators);
const deviceKeysOnly: ReadonlySet<Method> = new Set<Method>(['scep', 'acme']);
