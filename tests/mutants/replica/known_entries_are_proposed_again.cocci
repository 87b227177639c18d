// The next leader is told of commands that are in its log already: they are in it twice.
// killers: test_writes
@@
@@
writes_propose_again(...)
{
<...
- w->proposal <= before
+ true
...>
}
