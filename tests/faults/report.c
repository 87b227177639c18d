#include "report.h"

#include "base/trace.h"

#include <assert.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { LEVELS = 5 };

static char where[LEVELS][128];

static void print_where(int signal_number)
{
    for (unsigned i = 0; i < LEVELS; i++)
        if (where[i][0])
            fprintf(stderr, "  %s\n", where[i]);
}

void report_where(unsigned level, const char *format, ...)
{
    static bool listening;
    if (!listening)
        signal(SIGABRT, print_where);
    listening = true;
    assert(level < LEVELS);
    va_list rest;
    va_start(rest, format);
    vsnprintf(where[level], sizeof where[level], format, rest);
    va_end(rest);
    for (unsigned i = level + 1; i < LEVELS; i++)
        where[i][0] = '\0';
}

/* Lines that the product would log are expected here. */
void __wrap_trace_line(enum trace_level level, const char *room, const char *format, ...);
void __wrap_trace_line(enum trace_level level, const char *room, const char *format, ...)
{
}

void report_failure(const char *format, ...)
{
    fflush(stdout);
    fprintf(stderr, "FAILED: ");
    va_list rest;
    va_start(rest, format);
    vfprintf(stderr, format, rest);
    va_end(rest);
    fprintf(stderr, "\n");
    abort();
}
