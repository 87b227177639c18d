// Debug lines say that the leader has confirmed a read that a lease has answered.
// killers: test_describe
@@
expression out;
@@
read_changes(...)
{
<...
- out->reads_ready > out->reads_confirmed
+ out->reads_ready < out->reads_confirmed
...>
}
