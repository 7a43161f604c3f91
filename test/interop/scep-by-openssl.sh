#!/bin/sh
# Enrolls by SCEP (RFC 8894) with openssl and curl alone.
#
#   URL          enrollment URL, such as http://localhost:8080/scep/quickstart
#   CA_FILE      PEM of the root that the answer must chain to
#   KEY          PEM of the key to be certified, RSA or EC
#   NAME         common name
#   CHALLENGE    challengePassword; none if empty
#   OLD, OLD_KEY certificate to be renewed and its key: PEM; a first enrollment without them
#   POLLS        how often to ask again, once a second, while the request waits for approval
#   CIPHER, HASH such as -aes256 and sha512
#   ENCRYPT      more options of `openssl cms -encrypt`, such as "-stream -indef" for BER
#
# Leaves every message in the working directory, and the certificate in certificate.pem. Exit status: 0 issued, 2 refused
# (failInfo and its text go to standard error), 3 still pending, 1 anything else.
set -eu
cipher=${CIPHER:--aes128} hash=${HASH:-sha256}

# der TAG FILE...: one element of this tag (two hex digits) around what the files hold.
der() {
  tag=$1 && shift
  cat -- "$@" > content.tmp
  size=$(wc -c < content.tmp)
  if [ "$size" -lt 128 ]; then octets "$tag" "$(printf %02x "$size")"; else octets "$tag" 82 "$(printf %04x "$size")"; fi
  cat content.tmp
}

# octets HEX...: these octets. openssl writes them as the content of an OCTET STRING, with a header of 2 to 4 octets.
octets() {
  hex=$(echo "$*" | tr -d ' ')
  printf 'asn1=FORMAT:HEX,OCTETSTRING:%s\n' "$hex" > octets.cnf
  openssl asn1parse -genconf octets.cnf -noout -out octets.tmp
  tail -c $((${#hex} / 2)) octets.tmp
}

# part FILE N: the N-th element of the inner SEQUENCE of a DER certificate or certification request.
part() {
  openssl asn1parse -inform DER -in "$1" | grep ':d=2 ' | sed -n "$2p" | tr ':=' '  ' > part.tmp
  read -r offset _ _ _ header _ length _ < part.tmp
  tail -c +$((offset + 1)) "$1" | head -c $((header + length))
}

# attribute OID: the text of a signed attribute of the answer.
attribute() {
  openssl asn1parse -inform DER -in answer.der | grep -A 2 ":$1\$" | sed -n '3s/.*STRING *://p'
}

# send TYPE: signs what message.der holds, encrypted to the RA, as a SCEP message of this type, and puts it to the server.
send() {
  # shellcheck disable=SC2086 # these are several words
  openssl cms -encrypt -binary $cipher -recip ra.pem ${ENCRYPT:-} -in message.der -outform DER -out envelope.der

  cat > attributes.cnf <<EOF
asn1=SET:attributes
[attributes]
1=SEQUENCE:contentType
2=SEQUENCE:messageDigest
3=SEQUENCE:messageType
4=SEQUENCE:senderNonce
5=SEQUENCE:transactionID
[contentType]
type=OID:1.2.840.113549.1.9.3
values=SET:contentTypeValue
[contentTypeValue]
1=OID:1.2.840.113549.1.7.1
[messageDigest]
type=OID:1.2.840.113549.1.9.4
values=SET:messageDigestValue
[messageDigestValue]
1=FORMAT:HEX,OCTETSTRING:$(openssl dgst "-$hash" -r envelope.der | cut -d ' ' -f 1)
[messageType]
type=OID:2.16.840.1.113733.1.9.2
values=SET:messageTypeValue
[messageTypeValue]
1=PRINTABLESTRING:$1
[senderNonce]
type=OID:2.16.840.1.113733.1.9.5
values=SET:senderNonceValue
[senderNonceValue]
1=FORMAT:HEX,OCTETSTRING:$(openssl rand -hex 16)
[transactionID]
type=OID:2.16.840.1.113733.1.9.7
values=SET:transactionIDValue
[transactionIDValue]
1=PRINTABLESTRING:$transaction
EOF
  openssl asn1parse -genconf attributes.cnf -noout -out attributes.der
  openssl dgst "-$hash" -sign "$signer_key" -out signature attributes.der

  # SignerInfo names the signer by issuer and serial number; its attributes are the same SET under another tag.
  octets 020101 > version
  printf 'asn1=SEQUENCE:a\n[a]\n1=OID:%s\n2=NULL\n' "$hash" > algorithm.cnf
  openssl asn1parse -genconf algorithm.cnf -noout -out digest-algorithm
  openssl x509 -in "$signer" -outform DER -out signer.der
  part signer.der 4 > issuer && part signer.der 2 > serial
  der 30 issuer serial > signer-identifier
  { octets a0; tail -c +2 attributes.der; } > signed-attributes
  case $(openssl pkey -in "$signer_key" -noout -text) in
    *modulus*) printf 'asn1=SEQUENCE:a\n[a]\n1=OID:rsaEncryption\n2=NULL\n' ;;
    *) printf 'asn1=SEQUENCE:a\n[a]\n1=OID:ecdsa-with-%s\n' "$(echo "$hash" | tr a-z A-Z)" ;;
  esac > algorithm.cnf
  openssl asn1parse -genconf algorithm.cnf -noout -out signature-algorithm
  der 04 signature > signature-value
  der 30 version signer-identifier digest-algorithm signed-attributes signature-algorithm signature-value > signer-info

  octets 06092a864886f70d010701 > data-type
  octets 06092a864886f70d010702 > signed-data-type
  der 04 envelope.der > octet-string && der a0 octet-string > e-content && der 30 data-type e-content > encapsulated
  der 31 digest-algorithm > digest-algorithms
  der a0 signer.der > certificates
  der 31 signer-info > signer-infos
  der 30 version digest-algorithms encapsulated certificates signer-infos > signed-data
  der a0 signed-data > explicit && der 30 signed-data-type explicit > request.der

  curl -sS --fail-with-body -H 'Content-Type: application/x-pki-message' --data-binary @request.der -o answer.der \
    "$URL?operation=PKIOperation" || { cat answer.der >&2; exit 1; }
  # By the RA and nobody else, whatever certificates the answer brings.
  openssl cms -verify -binary -inform DER -in answer.der -nointern -certfile ra.pem -noverify -out answer-envelope.der \
    2> verify.log || { cat verify.log >&2; exit 1; }
}

curl -sS --fail-with-body -o ca.p7 "$URL?operation=GetCACert" || { cat ca.p7 >&2; exit 1; }
openssl pkcs7 -inform DER -in ca.p7 -print_certs -out ca.pem
openssl x509 -in ca.pem -out ra.pem
openssl verify -CAfile "$CA_FILE" -untrusted ca.pem ra.pem > verify.log || exit 1

{
  printf '[req]\nprompt=no\ndistinguished_name=dn\nattributes=attributes\nx509_extensions=extensions\n'
  printf '[dn]\nCN=%s\n[extensions]\nkeyUsage=digitalSignature,keyEncipherment\n[attributes]\n' "$NAME"
  [ -z "${CHALLENGE:-}" ] || printf 'challengePassword=%s\n' "$CHALLENGE"
} > request.cnf
openssl req -new -config request.cnf -key "$KEY" "-$hash" -outform DER -out pkcs10.der
openssl req -x509 -config request.cnf -key "$KEY" -days 1 -out self-signed.pem
transaction=$(openssl pkey -in "$KEY" -pubout -outform DER | openssl dgst -sha256 -r | cut -d ' ' -f 1)

if [ -n "${OLD:-}" ]; then signer=$OLD signer_key=$OLD_KEY type=17; else signer=self-signed.pem signer_key=$KEY type=19; fi
cp pkcs10.der message.der
send "$type"
polls=${POLLS:-0}
while [ "$(attribute 2.16.840.1.113733.1.9.3)" = 3 ]; do
  [ "$polls" -gt 0 ] || exit 3
  polls=$((polls - 1)) && sleep 1
  # CertPoll: the names of the CA and of the subject.
  openssl x509 -in ca.pem -outform DER -out ra.der && part ra.der 4 > ca-name && part pkcs10.der 2 > subject
  der 30 ca-name subject > message.der
  send 20
done

if [ "$(attribute 2.16.840.1.113733.1.9.3)" != 0 ]; then
  echo "failInfo $(attribute 2.16.840.1.113733.1.9.4): $(attribute 1.3.6.1.5.5.7.24.1)" >&2
  exit 2
fi
openssl cms -decrypt -binary -inform DER -in answer-envelope.der -recip "$signer" -inkey "$signer_key" -out certificates.p7
openssl pkcs7 -inform DER -in certificates.p7 -print_certs -out certificates.pem
openssl x509 -in certificates.pem -out certificate.pem
