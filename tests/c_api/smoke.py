"""Another language drives the C library: Python, with nothing but its standard library.

    python3 tests/c_api/smoke.py .../libcie.so FOLDER

FOLDER is one that `cie soft new` or cie_soft_new made for a CIE 3.
"""

import ctypes
import os
import sys
from ctypes import POINTER, byref, c_char_p, c_int32, c_size_t, c_uint32, c_uint64, c_void_p

OK, NULL, HANDLE, BUSY, UNLOCKED, PIN_WRONG = 0, 1, 3, 4, 9, 141
ENGLISH, ITALIAN = 0, 1
REFUSE = 0
FORMAT_PEM = 2
FIELD_KIND, FIELD_NIS, FIELD_FISCAL_CODE, FIELD_SURNAME = 1, 6, 109, 104
ALLOW_TEST_PKI = 1
POLICY_HARD = 1
PURPOSE_DOCUMENT, HASH_SHA256 = 1, 256
NONCE_SIZE, TOKEN_SIZE, SIGNATURE_SIZE = 45, 10001, 512


class Statistics(ctypes.Structure):
    _fields_ = [("commands", c_uint32), ("get_responses", c_uint32), ("sent", c_uint64), ("received", c_uint64)]


Progress = ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(Statistics))


class OpenOptions(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("recorder", c_uint64), ("progress", Progress), ("data", c_void_p)]


class Facts(ctypes.Structure):
    _fields_ = [("result", c_int32), ("tries_left", c_int32), ("is_doubtful", c_int32)]


class Failure(Exception):
    """A call that did not return CIE_OK."""

    def __init__(self, result, message, facts):
        super().__init__(message)
        self.result, self.facts = result, facts


class Cie:
    """A context, and calls with it that raise instead of returning a number."""

    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.library.cie_version.restype = c_char_p
        self.library.cie_result_name.restype = c_char_p
        self.context = c_void_p()
        assert self.library.cie_context_new(byref(self.context)) == OK

    def result(self, name, *arguments):
        return getattr(self.library, "cie_" + name)(self.context, *arguments)

    def call(self, name, *arguments):
        result = self.result(name, *arguments)
        if result != OK:
            facts = Facts()
            assert self.result("error_facts", byref(facts)) == OK and facts.result == result
            raise Failure(result, self.message(ITALIAN), facts)

    def message(self, language):
        return self.text("error_message", c_int32(language))

    def handle(self, name, *arguments):
        """A call that opens something."""
        handle = c_uint64()
        self.call(name, *arguments, byref(handle))
        return handle

    def bytes(self, name, *arguments):
        """A call that fills a buffer: it is asked for the size first."""
        size = c_size_t()
        self.call(name, *arguments, None, byref(size))
        buffer = ctypes.create_string_buffer(size.value)
        self.call(name, *arguments, buffer, byref(size))
        return buffer.raw[: size.value]

    def text(self, name, *arguments):
        return self.bytes(name, *arguments)[:-1].decode()

    def field(self, record, field):
        return self.text("text", record, c_int32(field))

    def verify_pin(self, card, digits):
        """The buffer is cleared, whatever becomes of the PIN."""
        pin = ctypes.create_string_buffer(digits, len(digits))
        try:
            self.call("card_verify_pin", card, pin, c_size_t(len(digits)), c_int32(REFUSE))
        finally:
            assert pin.raw == bytes(len(digits))

    def close(self):
        assert self.library.cie_context_free(self.context) == OK


def main(path, folder):
    cie = Cie(path)
    assert cie.library.cie_version().count(b".") == 2
    assert cie.library.cie_result_name(c_int32(PIN_WRONG)) == b"pin-wrong"
    assert (cie.message(ENGLISH), cie.message(ITALIAN)) == ("Nothing went wrong.", "Tutto bene.")

    # A card on a reader of its own, which tells of its progress.
    told = []

    def progress(_, statistics):
        told.append((statistics.contents.commands, cie.library.cie_context_free(cie.context)))
        return 0

    # Python must keep the callback for as long as the card is open.
    callback = Progress(progress)
    options = OpenOptions(size=ctypes.sizeof(OpenOptions), progress=callback)
    soft = cie.handle("soft_open", os.fsencode(os.path.join(folder, "card.json")))
    card = cie.handle("soft_insert", soft, byref(options))
    assert told and all(result == BUSY for _, result in told)
    assert [commands for commands, _ in told] == sorted(commands for commands, _ in told)

    # What anyone may know; and what a kiosk may believe.
    information = cie.handle("card_information", card)
    assert cie.field(information, FIELD_KIND) == "cie3"
    trust = cie.handle("trust_open", c_uint32(ALLOW_TEST_PKI))
    cie.call("trust_load", trust, os.fsencode(os.path.join(folder, "trust")))
    nis = cie.handle("card_verify_nis", card, trust, c_uint64(0), c_uint32(0))
    assert cie.field(nis, FIELD_NIS) == cie.field(information, FIELD_NIS)
    is_test = c_int32()
    cie.call("is_test", nis, byref(is_test))
    assert is_test.value == 1

    # A wrong PIN costs a try; the right one gives it back.
    try:
        cie.verify_pin(card, b"99999999")
        raise AssertionError("a wrong PIN is wrong")
    except Failure as failure:
        assert (failure.result, failure.facts.tries_left, failure.facts.is_doubtful) == (PIN_WRONG, 2, 0)
        assert str(failure) and str(failure) != cie.message(ENGLISH)
    cie.verify_pin(card, b"12345678")
    tries = c_int32()
    cie.call("card_pin_tries", card, byref(tries))
    assert tries.value == 3
    assert cie.bytes("card_certificate", card, c_int32(FORMAT_PEM)).startswith(b"-----BEGIN CERTIFICATE-----\n")

    # A login: the portal's challenge, the card's answer, the portal's judgement.
    origin, session = b"https://portal.example", b"the cookie of a browser"
    party = cie.handle("party_open", origin, trust, None)
    for name in sorted(os.listdir(os.path.join(folder, "lists"))):
        with open(os.path.join(folder, "lists", name), "rb") as file:
            revoked = file.read()
        cie.call("party_add_list", party, revoked, c_size_t(len(revoked)))
    nonce = cie.text("party_challenge", party, session, c_size_t(len(session)))
    assert len(nonce) == NONCE_SIZE - 1
    token = cie.text("card_login", card, origin, nonce.encode()).encode()
    assert len(token) < TOKEN_SIZE
    login = cie.handle("party_begin", party, session, c_size_t(len(session)), token, c_size_t(len(token)))
    citizen = cie.handle("login_finish", login, c_int32(POLICY_HARD))
    assert len(cie.field(citizen, FIELD_FISCAL_CODE)) == 16 and cie.field(citizen, FIELD_SURNAME)
    # A challenge is answered once.
    login = c_uint64(7)
    again = cie.result(
        "party_begin", party, session, c_size_t(len(session)), token, c_size_t(len(token)), byref(login)
    )
    assert cie.library.cie_result_name(again) == b"challenge-missing" and login.value == 0

    # More than 128 bytes, so that it never has the length of a login token.
    order = b"Order of payment of this example, which no other protocol signs. ".ljust(129, b".") + b"10 EUR to the municipality"
    signature = cie.bytes(
        "card_sign", card, c_int32(PURPOSE_DOCUMENT), c_int32(HASH_SHA256), order, c_size_t(len(order))
    )
    assert len(signature) == 256 and len(signature) <= SIGNATURE_SIZE

    # What is closed is closed; and null is an error, not a crash.
    assert cie.result("card_information", card, byref(information)) == UNLOCKED
    cie.call("close", card)
    assert cie.result("close", card) == HANDLE
    assert cie.result("card_kind", card, None) == NULL
    cie.close()
    print("done")


if __name__ == "__main__":
    main(*sys.argv[1:])
