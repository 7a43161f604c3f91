import { describe, expect, it } from '@jest/globals';
import { verifyAttestation } from '../../../../protocols/acme/attestation/attestation.js';
import { keyAuthorization, packedAttestation } from '../../../support/acme/attestation.js';
import {
  type DeviceName,
  deviceAltName,
  hardwareModuleName,
  permanentIdentifier,
} from '../../../support/acme/device-names.js';
import { subjectAltName, type TestCertificate } from '../../../support/make-chain.js';
import { refusal } from './refusal.js';

function identifiersOf(certificate: Partial<TestCertificate>) {
  const attestation = verifyAttestation(packedAttestation(keyAuthorization, { certificate }), keyAuthorization);
  return [attestation.permanentIdentifiers, attestation.hardwareModules];
}
const withNames = (subject: string, ...names: readonly DeviceName[]) => ({
  subject,
  extensions: [deviceAltName(...names)],
});

describe('the identifiers of an attestation certificate (draft-ietf-acme-device-attest)', () => {
  it('are its PermanentIdentifiers and hardware modules', () => {
    const names = withNames(
      'O=Maker,2.5.4.5=SN-0',
      [3, permanentIdentifier('SN-1')],
      [4, hardwareModuleName('a1b2')],
      [3, permanentIdentifier('SN-2', '2a03')],
    );
    expect(identifiersOf(names)).toEqual([['SN-1', 'SN-2'], ['1.3.6.1.4.1.55555.1:a1b2']]);
  });

  it('are the serialNumber of its subject where there is no PermanentIdentifier (IEEE 802.1AR)', () => {
    expect(identifiersOf({ subject: '2.5.4.5=SN-1,CN=pump', extensions: [] })).toEqual([['SN-1'], []]);
    expect(identifiersOf(withNames('2.5.4.5=SN-1', [4, hardwareModuleName('01')]))).toEqual([
      ['SN-1'],
      ['1.3.6.1.4.1.55555.1:01'],
    ]);
  });

  it('are the serialNumber of the deepest RDN where a PermanentIdentifier has no value (RFC 4043 2)', () => {
    const names = withNames('2.5.4.5=SN-1,2.5.4.5=SN-2,CN=pump', [3, permanentIdentifier()]);
    expect(identifiersOf(names)).toEqual([['SN-2'], []]);
  });

  it('are none where it has neither, whatever else it names', () => {
    const names = subjectAltName('dns:SN-1', 'other:1.3.6.1.4.1.311.20.2.3=SN-1');
    expect(identifiersOf({ subject: 'CN=SN-1', extensions: [names] })).toEqual([[], []]);
    expect(identifiersOf({ subject: '2.5.4.5=', extensions: [] })).toEqual([[], []]);
  });

  it.each<[string, Partial<TestCertificate>, RegExp]>([
    [
      'a PermanentIdentifier without value and serialNumber',
      withNames('CN=x', [3, permanentIdentifier()]),
      /no serialNumber/,
    ],
    ['an empty PermanentIdentifier', withNames('2.5.4.5=SN-1', [3, permanentIdentifier('')]), /cannot be read/],
    [
      'a PermanentIdentifier of another form',
      withNames('2.5.4.5=SN-1', [3, Buffer.of(0x0c, 1, 0x41)]),
      /cannot be read/,
    ],
    [
      'a hardware module without serial number',
      withNames('2.5.4.5=SN-1', [4, hardwareModuleName('')]),
      /cannot be read/,
    ],
    [
      'names that cannot be read',
      { extensions: [{ id: '2.5.29.17', critical: false, value: Buffer.of(5, 0) }] },
      /cannot be read/,
    ],
  ])('are refused with %s', (_, certificate, words) => {
    expect(refusal(packedAttestation(keyAuthorization, { certificate }))).toMatch(words);
  });
});
