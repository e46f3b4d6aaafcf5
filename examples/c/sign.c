/*
 * Signs a file with an identity card, so that anybody with OpenSSL can check it.
 *
 * A card has one key, for logins and for everything else: signing bytes that somebody else chose could be a login
 * somewhere. So what is signed begins with words (DOMAIN) that say what it is, and that no other protocol signs.
 *
 * Build:  cmake -S examples/c -B build && cmake --build build
 *         (how to install the library, for --card with software cards: docs/c-api.md)
 *    or:  cc -std=c11 sign.c $(pkg-config --cflags --libs cie) -o sign
 * Run:    cie soft new card && \
 *             build/sign --trust card/trust --allow-test-pki --card card/card.json FILE FILE.sig FILE.pem
 *         (PIN 12345678; with a real card: --reader NAME)
 * Check:  openssl x509 -in FILE.pem -pubkey -noout > key.pem
 *         { build/sign --domain; cat FILE; } | openssl dgst -sha256 -verify key.pem -signature FILE.sig
 *         openssl verify -CAfile card/trust/holder/root.pem \
 *             -untrusted card/trust/holder/intermediate/sub-ca.pem FILE.pem
 */

#define PROGRAM "sign"
#include "common.h"

#include <getopt.h>

/* Longer than a login token's 64, 96 or 128 bytes, so that no file makes it look like one: that would be refused. */
#define DOMAIN                                                                                                         \
    "cie-card example sign.c, version 1: the holder of this card has read the file that follows and agrees to what "  \
    "it says.\nIt is not a login.\n"
_Static_assert(sizeof DOMAIN - 1 > 128, "the domain is longer than any login token");

struct options {
    struct citizen citizen;
    const char *trust;
    uint32_t trust_flags;
    const char *file, *signature, *certificate;
};

static int usage(void)
{
    fputs("usage: sign --trust DIR [--allow-test-pki] [--reader NAME | --card CARD.json] [--pin-file FILE|-]\n"
          "            [--last-try] FILE SIGNATURE CERTIFICATE\n"
          "       sign --domain\n",
          stderr);
    return 2;
}

static bool read_options(int count, char **arguments, struct options *options)
{
    static const struct option known[] = {
        {"trust", required_argument, NULL, 't'}, {"allow-test-pki", no_argument, NULL, 'a'},
        {"reader", required_argument, NULL, 'r'}, {"card", required_argument, NULL, 'c'},
        {"pin-file", required_argument, NULL, 'p'}, {"last-try", no_argument, NULL, 'L'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(count, arguments, "", known, NULL)) != -1) {
        switch (option) {
        case 't': options->trust = optarg; break;
        case 'a': options->trust_flags = CIE_ALLOW_TEST_PKI; break;
        case 'r': options->citizen.reader = optarg; break;
        case 'c': options->citizen.soft = optarg; break;
        case 'p': options->citizen.pin_file = optarg; break;
        case 'L': options->citizen.last_try = CIE_LAST_TRY_SPEND; break;
        default: return false;
        }
    }
    if (count - optind != 3 || options->trust == NULL) return false;
    options->file = arguments[optind];
    options->signature = arguments[optind + 1];
    options->certificate = arguments[optind + 2];
    return options->citizen.reader == NULL || options->citizen.soft == NULL;
}

/* A new file: what is there already is not overwritten. */
static FILE *new_file(const char *path)
{
    FILE *file = fopen(path, "wbx");

    if (file == NULL) refuse(path, strerror(errno));
    return file;
}

/* Whether all of it is on the disk; the file is closed in any case. */
static bool write_file(const char *path, FILE *file, const uint8_t *bytes, size_t length)
{
    bool done = fwrite(bytes, 1, length, file) == length;
    if (fclose(file) != 0) done = false;
    return done || refuse(path, strerror(errno));
}

/* The certificate in PEM; the caller frees it. */
static uint8_t *get_certificate(cie_context *context, cie_handle card, size_t *size)
{
    uint8_t *pem;

    if (cie_card_certificate(context, card, CIE_FORMAT_PEM, NULL, size) != CIE_OK) {
        complain(context, "the certificate");
        return NULL;
    }
    if ((pem = malloc(*size)) == NULL) {
        refuse("the certificate", "no memory");
        return NULL;
    }
    if (cie_card_certificate(context, card, CIE_FORMAT_PEM, pem, size) == CIE_OK) {
        *size -= 1; /* the zero byte at the end of text */
        return pem;
    }
    complain(context, "the certificate");
    free(pem);
    return NULL;
}

static bool sign(cie_context *context, const struct options *options, const uint8_t *data, size_t length, FILE **files)
{
    cie_handle trust, card, chip;
    uint8_t signature[CIE_SIGNATURE_SIZE], *certificate;
    size_t signature_size = sizeof signature, certificate_size;

    if (cie_trust_open(context, options->trust_flags, &trust) != CIE_OK ||
        cie_trust_load(context, trust, options->trust) != CIE_OK) {
        return complain(context, options->trust);
    }
    if (!open_card(context, trust, &options->citizen, &card, &chip)) return false;
    if (!unlock(context, &options->citizen, card, chip)) return false;
    if (cie_card_sign(context, card, CIE_PURPOSE_DOCUMENT, CIE_HASH_SHA256, data, length, signature,
                      &signature_size) != CIE_OK) {
        return complain(context, "the signature");
    }
    if ((certificate = get_certificate(context, card, &certificate_size)) == NULL) return false;
    bool done = cie_close(context, card) == CIE_OK || complain(context, "the card");
    done = write_file(options->signature, files[0], signature, signature_size) && done;
    done = write_file(options->certificate, files[1], certificate, certificate_size) && done;
    files[0] = files[1] = NULL;
    free(certificate);
    return done;
}

int main(int count, char **arguments)
{
    struct options options = {.citizen = {.last_try = CIE_LAST_TRY_REFUSE}};
    cie_context *context;
    size_t length;

    if (count == 2 && strcmp(arguments[1], "--domain") == 0) return fputs(DOMAIN, stdout) < 0 || fflush(stdout) != 0;
    if (!read_options(count, arguments, &options)) return usage();
    /* Before the card is asked for: who cannot be served need not type a PIN. */
    uint8_t *data = read_file(options.file, DOMAIN, &length);
    if (data == NULL) return 1;
    FILE *files[2] = {NULL, NULL};
    bool done = false, made = (files[0] = new_file(options.signature)) != NULL;
    if (made && (files[1] = new_file(options.certificate)) == NULL) {
        (void)fclose(files[0]);
        (void)remove(options.signature);
        made = false;
    }
    if (made && cie_context_new(&context) == CIE_OK) {
        done = sign(context, &options, data, length, files);
        /* Closes everything that is still open, on every way here; a card that knows its PIN is reset. */
        if (cie_context_free(context) != CIE_OK) done = refuse("the context", "it is still used");
    }
    if (made && !done) {
        /* Half a result does not stay. */
        for (int i = 0; i < 2; i++) {
            if (files[i] != NULL) (void)fclose(files[i]);
        }
        (void)remove(options.signature);
        (void)remove(options.certificate);
    }
    free(data);
    return done ? 0 : 1;
}
