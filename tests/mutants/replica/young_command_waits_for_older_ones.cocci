// A command does not expire before those that were submitted before it.
// killers: test_writes
@@
@@
writes_expire(...)
{
<...
- next = TAILQ_NEXT(w, by_age);
+ next = w->deadline_ms <= now_ms ? TAILQ_NEXT(w, by_age) : NULL;
...>
}
