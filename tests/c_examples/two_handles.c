/*
 * One CIE 3 on a real reader, and two handles of it: what the card says to one of them of its PUK, the other knows before
 * it would spend the last try. The card tells its tries, so an older answer must not be believed either.
 */
#include <cie.h>

#include <stdio.h>
#include <stdlib.h>

#define EXPECT(expected, call) \
    do { \
        cie_result result_ = (call); \
        if (result_ != (expected)) { \
            fprintf(stderr, "line %d: %s\n", __LINE__, cie_result_name(result_)); \
            exit(1); \
        } \
    } while (0)

static cie_context *context;

static cie_result unblock(cie_handle card)
{
    char wrong[] = "11111111";
    return cie_card_unblock_pin(context, card, wrong, 8, NULL, 0, CIE_LAST_TRY_REFUSE);
}

int main(void)
{
    cie_reader reader;
    cie_handle older, newer;
    int32_t tries;
    int wrong = 0;

    EXPECT(CIE_OK, cie_context_new(&context));
    EXPECT(CIE_OK, cie_wait_for_card(context, NULL, 10000, &reader));
    EXPECT(CIE_OK, cie_card_open(context, reader.name, CIE_SHARING_SHARED, NULL, &older));
    EXPECT(CIE_OK, cie_card_puk_tries(context, older, &tries));
    EXPECT(CIE_OK, cie_card_open(context, reader.name, CIE_SHARING_SHARED, NULL, &newer));
    for (; wrong < tries - 1; wrong++) EXPECT(CIE_PUK_WRONG, unblock(newer));
    EXPECT(CIE_PUK_LAST_TRY, unblock(newer));
    EXPECT(CIE_PUK_LAST_TRY, unblock(older));
    EXPECT(CIE_OK, cie_card_puk_tries(context, older, &tries));
    printf("%d wrong, left %d\n", wrong, (int)tries);
    EXPECT(CIE_OK, cie_context_free(context));
    return 0;
}
