/** Lines with curl and openssl for each step of EST; `$GATEHOUSE_EST_URL` and its like are the shell's variables. */

export const passcode = '-u "$GATEHOUSE_USERNAME:$GATEHOUSE_PASSCODE"';
export const factory = '--cert "$GATEHOUSE_FACTORY_CERT" --key "$GATEHOUSE_FACTORY_KEY"';

/** The TLS client certificate and key in `<name>.pem` and `<name>.key`. */
export function ownCertificate(name: string): string {
  return `--cert ${name}.pem --key ${name}.key`;
}

export const ecKey = '-algorithm EC -pkeyopt ec_paramgen_curve:P-256';
export const rsaKey = '-algorithm RSA -pkeyopt rsa_keygen_bits:2048';

/** `<name>.key`. */
export function makeKey(name: string, key = ecKey): string {
  return `openssl genpkey ${key} -out ${name}.key 2> /dev/null`;
}

/** `<name>.b64`: the PKCS #10 request by `<name>.key`; further options may follow. */
export function makeRequest(name: string, subject = `/CN=${name}`, options = ''): string {
  return `openssl req -new -key ${name}.key -subj ${subject} ${options} -outform DER | openssl base64 -A > ${name}.b64`;
}

interface Post {
  readonly operation: string;
  /** What comes behind `quickstart` in the label, such as `-rsa`. */
  readonly label?: string;
  /** The body is `<name>.b64`, the answer `<name>.p7`. */
  readonly name: string;
  /** Options for curl that show who asks, and more. */
  readonly options: string;
  readonly type?: string;
}

export function post({ operation, label = '', name, options, type = 'application/pkcs10' }: Post): string {
  return `curl -sS --fail-with-body --cacert "$GATEHOUSE_CA_FILE" ${options} -H "Content-Type: ${type}" --data @${name}.b64 -o ${name}.p7 -w '%{http_code} %{content_type}' "$GATEHOUSE_EST_URL${label}/${operation}"`;
}

/** `<name>.pem`, from the certs-only message in `<name>.p7`. */
export function readCertificate(name: string): string {
  return `openssl base64 -d -A -in ${name}.p7 | openssl pkcs7 -inform DER -print_certs | openssl x509 -out ${name}.pem`;
}

/** All of it: makes key and request, enrolls, with the passcode unless told otherwise, and leaves `<name>.pem`. */
export function enroll(name: string, { key = ecKey, label = '', request = '', credential = passcode } = {}): string[] {
  return [
    makeKey(name, key),
    makeRequest(name, `/CN=${name}`, request),
    post({ operation: 'simpleenroll', label, name, options: credential }),
    readCertificate(name),
  ];
}

/** `chain.pem`: what cacerts answers for a label. */
export function readChain(label = ''): string {
  return `curl -sS --fail --cacert "$GATEHOUSE_CA_FILE" "$GATEHOUSE_EST_URL${label}/cacerts" | openssl base64 -d -A | openssl pkcs7 -inform DER -print_certs -out chain.pem`;
}

/** `crls.pem`: the CRLs that `<name>.pem` and the CA certificates in `chain.pem` point to. */
export function readCrls(name: string): string[] {
  return [
    `cat ${name}.pem chain.pem | openssl crl2pkcs7 -nocrl -certfile /dev/stdin | openssl pkcs7 -print_certs -text -noout | sed -n 's/.*URI:\\(http.*\\.crl\\)/\\1/p' | sort -u > crls.txt`,
    'rm -f crls.pem',
    'while read -r url; do curl -sS --fail "$url" | openssl crl -inform DER >> crls.pem; done < crls.txt',
  ];
}

/** Prints `<name>.pem: OK` if its path is valid by all of openssl's rules, and no certificate in it revoked. */
export function verifyStrictly(name: string): string {
  return `openssl verify -x509_strict -purpose sslclient -crl_check_all -no-CApath -no-CAstore -CAfile "$GATEHOUSE_CA_FILE" -untrusted chain.pem -CRLfile crls.pem ${name}.pem`;
}
