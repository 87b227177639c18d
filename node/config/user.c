/* Users of this machine, as a configuration names them. */
#include "config/draft.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_BYTES = 16384 }; /* of the user database */

/* Digits only, up to the separator. */
static bool take_id(const char **text, char end, uint32_t *id)
{
    size_t digits = strspn(*text, "0123456789");
    if (digits == 0 || digits > 10 || (*text)[digits] != end)
        return false;
    unsigned long long number = strtoull(*text, NULL, 10);
    *id = (uint32_t)number;
    *text += digits + 1;
    return number < UINT32_MAX; /* which stands for no user */
}

/* Blocking: for the start. */
bool config_set_clients_as(struct config *config, const char *text)
{
    struct config_user *user = &config->clients_as;
    struct passwd entry, *found;
    char record[RECORD_BYTES];
    const char *rest = text;
    user->given = true;
    user->named = false;
    if (take_id(&rest, ':', &user->uid))
        return take_id(&rest, 0, &user->gid);
    if (strchr(text, ':') || getpwnam_r(text, &entry, record, sizeof record, &found) != 0 || !found)
        return false;
    user->named = true;
    user->uid = entry.pw_uid;
    user->gid = entry.pw_gid;
    return true;
}
