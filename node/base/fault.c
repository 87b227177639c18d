#include "base/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fault_set(struct fault *f, int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
    return status;
}

int fault_wrap(struct fault *f, int status, const char *format, ...)
{
    struct fault inner = *f;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
    size_t at = len < 0 ? 0 : (size_t)len;
    if (at < sizeof f->text)
        snprintf(f->text + at, sizeof f->text - at, ": %s", inner.text);
    return status;
}
