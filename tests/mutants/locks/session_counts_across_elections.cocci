// A new leader goes on counting where it had stopped.
// killers: test_sessions
@@
@@
sessions_follow_ballot(...)
{
<...
- s->of_members[i].us = 0;
...>
}
