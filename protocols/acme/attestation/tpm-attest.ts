/** certInfo: TPMS_ATTEST of a TPM2_Certify (TPM 2.0 Library, part 2, 10.12.12). */

import { refused } from './refused.js';
import { readTpmStructure } from './tpm-reader.js';

export interface Certification {
  /** What whoever asked for it gave to the TPM. */
  readonly extraData: Uint8Array;
  /** TPM2B_NAME's content of the object that is certified. */
  readonly name: Uint8Array;
}

/** @throws AcmeError `badAttestationStatement` when a TPM has not made it, or about something else than a key */
export function readCertification(certInfo: Uint8Array): Certification {
  return readTpmStructure('certInfo', certInfo, (r) => {
    // A TPM's restricted key signs nothing with this number in front but what the TPM itself has written.
    if (r.number(4) !== tpmGeneratedValue) throw refused('certInfo does not begin with TPM_GENERATED_VALUE');
    if (r.number(2) !== tpmStAttestCertify) throw refused('certInfo is no certification; make it by TPM2_Certify');
    r.sized();
    const extraData = r.sized();
    r.skip(clockInfoOctets + firmwareVersionOctets);
    const name = r.sized();
    r.sized();
    return { extraData, name };
  });
}

const tpmGeneratedValue = 0xff544347;
const tpmStAttestCertify = 0x8017;
const clockInfoOctets = 17;
const firmwareVersionOctets = 8;
