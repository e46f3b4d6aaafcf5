#!/usr/bin/env python3
"""Verifies a login token: written from the Web eID specification alone, with nothing of this crate.

usage: verify_token.py TOKEN ORIGIN NONCE TIME ANCHOR.pem [INTERMEDIATE.pem ...]

Exit status 0, and the fiscal code (or the common name, if there is none in it); 1 if anything is wrong. Revocation is
not asked for. Needs the package cryptography (Debian: python3-cryptography).
"""
import base64, datetime, hashlib, json, re, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils


def require(holds, otherwise):
    if not holds:
        sys.exit(otherwise)


def once(members):
    require(len(dict(members)) == len(members), "a member stands there twice")
    return dict(members)


def check(key, signature, message, digest):
    is_rsa = isinstance(key, rsa.RSAPublicKey)
    key.verify(signature, message, *([padding.PKCS1v15(), digest] if is_rsa else [ec.ECDSA(digest)]))


def moment(certificate, name):  # Aware of its zone since cryptography 42.
    utc = getattr(certificate, name + "_utc", None)
    return utc or getattr(certificate, name).replace(tzinfo=datetime.timezone.utc)


def extension(certificate, kind):
    return next((e.value for e in certificate.extensions if isinstance(e.value, kind)), None)


def main(token, origin, nonce, time, anchor, *between):
    at = datetime.datetime.strptime(time + "+0000", "%Y-%m-%dT%H:%M:%SZ%z")
    anchor, *between = [x509.load_pem_x509_certificate(open(file, "rb").read()) for file in (anchor, *between)]
    token = json.loads(open(token, "rb").read().decode("utf-8"), object_pairs_hook=once)
    require(re.fullmatch(r"web-eid:1(\.\d+)?", token["format"]), "format")
    holder = x509.load_der_x509_certificate(base64.b64decode(token["unverifiedCertificate"], validate=True))
    usage, extended = extension(holder, x509.KeyUsage), extension(holder, x509.ExtendedKeyUsage)
    require(usage and usage.digital_signature, "not made for signatures")
    require(not extended or x509.OID_CLIENT_AUTH in extended, "not made for clients")

    below, path = holder, [holder]
    while below != anchor:
        above = [c for c in (anchor, *between) if c.subject == below.issuer and c not in path]
        require(above, "unknown issuer")
        authority = extension(above[0], x509.BasicConstraints)
        require(authority and authority.ca, "the issuer is no authority")
        check(above[0].public_key(), below.signature, below.tbs_certificate_bytes, below.signature_hash_algorithm)
        below = above[0]
        path.append(below)
    for one in path:
        require(moment(one, "not_valid_before") <= at <= moment(one, "not_valid_after"), "not valid at this time")

    kind, bits = re.fullmatch(r"(RS|ES)(256|384|512)", token["algorithm"]).groups()
    require((kind == "RS") == isinstance(holder.public_key(), rsa.RSAPublicKey), "algorithm of another key")
    message = b"".join(hashlib.new("sha" + bits, text.encode("utf-8")).digest() for text in (origin, nonce))
    signature = base64.b64decode(token["signature"], validate=True)
    if kind == "ES":
        size = (holder.public_key().curve.key_size + 7) // 8
        require(len(signature) == 2 * size, "length of the signature")
        halves = (int.from_bytes(half, "big") for half in (signature[:size], signature[size:]))
        signature = utils.encode_dss_signature(*halves)
    check(holder.public_key(), signature, message, getattr(hashes, "SHA" + bits)())
    name = holder.subject.get_attributes_for_oid(x509.OID_COMMON_NAME)[0].value
    code = re.match(r"[A-Z]{6}[0-9L-V]{2}[A-Z][0-9L-V]{2}[A-Z][0-9L-V]{3}[A-Z](?![A-Z0-9])", name)
    print(code.group() if code else name)


main(*sys.argv[1:])
