// A command gets the life of a node that does not know yet which one it lives.
// killers: test_writes
@@
@@
held_must_wait(...)
{
<...
- !member || !allowed
+ !allowed
...>
}
