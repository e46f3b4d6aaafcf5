/* The least that a kiosk does with a card: finds it, opens it, checks it. The benchmark c_api measures it. */
#include <cie.h>
#include <stdio.h>

int main(int arguments, char **argument)
{
    cie_context *context = NULL;
    cie_reader readers[4];
    size_t count = 4;
    cie_handle card = 0, trust = 0, nis = 0;

    if (arguments != 2 || cie_context_new(&context) != CIE_OK) return 2;
    cie_result result = cie_readers(context, readers, &count);
    for (size_t at = 0; result == CIE_OK && card == 0 && at < count; at++) {
        if (readers[at].state == CIE_READER_CARD)
            result = cie_card_open(context, readers[at].name, CIE_SHARING_SHARED, NULL, &card);
    }
    if (result == CIE_OK) result = cie_trust_open(context, CIE_ALLOW_TEST_PKI, &trust);
    if (result == CIE_OK) result = cie_trust_load(context, trust, argument[1]);
    if (result == CIE_OK) result = cie_card_verify_nis(context, card, trust, 0, 0, &nis);
    if (result != CIE_OK) fprintf(stderr, "%s\n", cie_result_name(result));
    cie_context_free(context);
    return result == CIE_OK ? 0 : 1;
}
