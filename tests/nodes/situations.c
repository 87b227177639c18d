#include "situations.h"

const char *situation_text(enum situation situation)
{
#define SITUATION_TEXT(NAME, text) [NAME] = text,
    static const char *const texts[] = {SITUATION_LIST(SITUATION_TEXT)};
    return texts[situation];
}
