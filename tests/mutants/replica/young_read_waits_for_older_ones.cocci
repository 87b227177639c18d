// A read does not expire before those that were asked before it.
// killers: test_reads
@@
@@
reads_expire(...)
{
<...
- next = TAILQ_NEXT(read, by_age);
+ next = read->deadline_ms <= now_ms ? TAILQ_NEXT(read, by_age) : NULL;
...>
}
