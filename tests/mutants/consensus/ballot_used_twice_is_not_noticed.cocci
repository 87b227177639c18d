// A node does not notice that it has led in its ballot before.
// killers: test_paxos_misfit
@@
@@
paxos_promise_fits(...)
{
<...
- round == 0 && preparing
+ false
...>
}
